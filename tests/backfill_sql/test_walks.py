"""The generated queries on real servers: every kind of key, value and contention."""

from typing import Any

import pytest

from migrator.plan.ddl import Sql
from migrator.plan.ddl_backfill import NULL, Filling, Target, default_backfill, idempotent_backfill
from migrator.plan.ddl_captured import captured_delete, once_only_backfill
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName, quote
from tests.backfill_sql.tables import server, table
from tests.backfill_sql.walker import Connection, Walker
from tests.conftest import Database

pytestmark = pytest.mark.postgres(ends=True)

CAPTURED = QualifiedName("migrator", "captured_1_2.1")

KEYS = {
    "bigint": ("id bigint PRIMARY KEY", "i", {"id": "bigint"}),
    "uuid": ("id uuid PRIMARY KEY", "md5(i::text)::uuid", {"id": "uuid"}),
    "text": ("id text PRIMARY KEY", "'é' || md5(i::text) || ''''", {"id": "text"}),
    "timestamp": (
        "id timestamptz PRIMARY KEY",
        "timestamptz '2020-02-29 00:00+00' + i * interval '1.000001 day'",
        {"id": "timestamp with time zone"},
    ),
    "numeric": ("id numeric PRIMARY KEY", "i / 7.0", {"id": "numeric"}),
    "composite": (
        "a int, b varchar(20), PRIMARY KEY (a, b)",
        "i % 3, i::text",
        {"a": "integer", "b": "character varying(20)"},
    ),
    "none": ("id bigint", "i", {}),
}


def rows_of(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql.encode()).fetchall()


def make(connection: Connection, key: str = "bigint", rows: int = 100) -> Relation:
    columns, values, types = KEYS[key]
    connection.execute(f"CREATE TABLE t ({columns}, n int, z text)".encode())
    connection.execute(f"INSERT INTO t SELECT {values}, i FROM generate_series(1, {rows}) AS i".encode())
    return table(key=tuple(types), **(types or {"id": "bigint"}), n="integer", z="text")


def filling(value: str, *, column: str = "z", type_: str = "text", once: bool = False) -> Filling:
    return Filling(column=column, type=type_, value=Sql(value), once=once, unfilled=NULL)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("skip_locked", [False, True], ids=["plain", "skip-locked"])
def test_every_row_is_filled_once(database: Database, key: str, *, skip_locked: bool) -> None:
    connection = database.connect()
    target = Target(relation=make(connection, key), server=server(database.version))
    walker = Walker(connection, idempotent_backfill(target, (filling("'n' || n"),)))

    walker.walk(skip_locked=skip_locked)

    assert walker.changed == 100
    assert walker.skipped == []
    assert walker.sweep() == []
    assert rows_of(connection, "SELECT count(*) FROM t WHERE z IS DISTINCT FROM 'n' || n") == [(0,)]


def test_windows_end_with_the_table_and_cover_rows_that_need_nothing(database: Database) -> None:
    connection = database.connect()
    target = Target(relation=make(connection, rows=20), server=server(database.version))
    connection.execute("UPDATE t SET z = 'n' || n WHERE id < 15")
    walker = Walker(connection, idempotent_backfill(target, (filling("'n' || n"),)), rows=8)

    walker.walk()

    assert (walker.windows, walker.changed) == (3, 6)


@pytest.mark.parametrize("key", ["bigint", "none"])
def test_an_empty_table_has_no_window(database: Database, key: str) -> None:
    connection = database.connect()
    target = Target(relation=make(connection, key, rows=0), server=server(database.version))
    walker = Walker(connection, idempotent_backfill(target, (filling("'n'"),)))

    walker.walk()

    assert (walker.windows, walker.changed, walker.sweep()) == (0, 0, [])


@pytest.mark.parametrize("skip_locked", [False, True], ids=["plain", "skip-locked"])
def test_identifiers_are_quoted_and_helpers_get_out_of_the_way(
    database: Database,
    *,
    skip_locked: bool,
) -> None:
    connection = database.connect()
    names = ['Ünïcode "q"', "migrator_key_1", "migrator_batch", "select"]
    columns = ", ".join(f"{quote(name)} int" for name in names)
    connection.execute(
        f'CREATE TABLE "migrator_changed" ({columns}, PRIMARY KEY ({quote(names[0])}))'.encode()
    )
    connection.execute("INSERT INTO migrator_changed SELECT i, i * 2, i * 3 FROM generate_series(1, 20) AS i")
    relation = table("migrator_changed", key=(names[0],), **dict.fromkeys(names, "integer"))
    target = Target(relation=relation, server=server(database.version), where=Sql("migrator_batch > 3"))
    value = filling("migrator_key_1 + migrator_batch", column="select", type_="integer")
    walker = Walker(connection, idempotent_backfill(target, (value,)))

    walker.walk(skip_locked=skip_locked)

    assert walker.changed == 19
    assert rows_of(
        connection, 'SELECT count(*) FROM migrator_changed WHERE "select" = migrator_key_1 * 5 / 2'
    ) == [(19,)]


def test_an_alias_and_a_qualified_name_mean_what_they_meant(database: Database) -> None:
    connection = database.connect()
    relation = make(connection, rows=10)
    version = server(database.version)
    aliased = Target(relation=relation, server=version, alias="T x", where=Sql('"T x".n < 5'))
    plain = Target(relation=relation, server=version, where=Sql("public.t.n >= 5"))

    for target, value in ((aliased, '"T x".n'), (plain, "t.n")):
        Walker(connection, idempotent_backfill(target, (filling(value),))).walk(skip_locked=True)

    assert rows_of(connection, "SELECT count(*) FROM t WHERE z = n::text") == [(10,)]


def test_an_expression_that_gives_null_ends(database: Database) -> None:
    connection = database.connect()
    target = Target(relation=make(connection), server=server(database.version))
    value = filling("CASE WHEN n % 2 = 0 THEN n::text END")
    walker = Walker(connection, idempotent_backfill(target, (value,)))

    walker.walk()

    assert (walker.changed, walker.sweep()) == (50, [])


def test_what_the_application_wrote_itself_is_left_alone(database: Database) -> None:
    connection = database.connect()
    target = Target(relation=make(connection), server=server(database.version))
    connection.execute("UPDATE t SET z = 'mine' WHERE id <= 10")
    walker = Walker(connection, idempotent_backfill(target, (filling("'n' || n"),)))

    walker.walk()

    assert (walker.changed, walker.sweep()) == (90, [])


def test_rows_that_exist_are_changed_once_and_not_looked_for_again(database: Database) -> None:
    connection = database.connect()
    target = Target(relation=make(connection), server=server(database.version))
    value = Filling(column="z", type="text", value=Sql("'n' || n"))
    walker = Walker(connection, idempotent_backfill(target, (value,)))
    connection.execute("UPDATE t SET z = 'old'")

    walker.walk()
    connection.execute("UPDATE t SET z = 'newer' WHERE id = 1")

    assert (walker.changed, walker.sweep()) == (100, [])
    assert rows_of(connection, "SELECT z FROM t WHERE id = 1") == [("newer",)]


def test_a_stable_value_is_evaluated_once(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE t (id int PRIMARY KEY, at timestamptz, z varchar(3))")
    connection.execute("INSERT INTO t SELECT i FROM generate_series(1, 30) AS i")
    relation = table(id="integer", at="timestamp with time zone", z="character varying(3)")
    values = (
        filling("clock_timestamp()", column="at", type_="timestamp with time zone", once=True),
        filling("id::text", type_="character varying(3)"),
    )
    target = Target(relation=relation, server=server(database.version))
    walker = Walker(connection, idempotent_backfill(target, values))

    walker.walk(skip_locked=True)

    assert walker.sweep() == []
    assert rows_of(connection, "SELECT count(DISTINCT at), count(at), count(z) FROM t") == [(1, 30, 30)]


def test_a_default_fills_what_is_null(database: Database) -> None:
    connection = database.connect()
    relation = make(connection)
    connection.execute("ALTER TABLE t ALTER z SET DEFAULT gen_random_uuid()::text")
    walker = Walker(
        connection, default_backfill(relation, "z", "text", server=server(database.version)), rows=30
    )

    walker.walk()

    assert (walker.changed, walker.sweep()) == (100, [])
    assert rows_of(connection, "SELECT count(DISTINCT z) FROM t") == [(100,)]


TYPES = [
    ("json", """('{"a": ' || id || '}')::json"""),
    ("jsonb", "to_jsonb(id::numeric(10,2))"),
    ("point", "point(id, id)"),
    ("box", "box(point(0, id), point(1, 0))"),
    ("xid", "id::text::xid"),
    ("interval", "id * interval '30 days'"),
    ("double precision", "-0.0 * id"),
    ("numeric", "id::numeric(10,2)"),
    ("numeric(4,1)", "id + 0.26"),
    ("character(3)", "'a '"),
    ("character varying(2)", "'a   '"),
    ("text[]", "ARRAY[id::text, NULL]"),
    ("integer[]", "'{}'"),
    ("timestamp with time zone", "date '2020-01-01' + id"),
    ("date", "timestamp '2020-01-01 10:00' + id * interval '1 hour'"),
    ("tsvector", "to_tsvector('simple', id::text)"),
    ("bytea", "decode('00', 'hex')"),
    ("pair", "ROW(id, NULL)"),
    ("money", "id::numeric::money"),
    ("inet", "'10.0.0.1/24'"),
]


@pytest.mark.parametrize(("type_", "value"), TYPES, ids=[type_ for type_, _ in TYPES])
@pytest.mark.parametrize("unfilled", [None, NULL], ids=["existing", "added"])
def test_a_filled_row_needs_no_work(database: Database, type_: str, value: str, unfilled: Sql | None) -> None:
    connection = database.connect()
    connection.execute("CREATE TYPE pair AS (a int, b int)")
    connection.execute(f"CREATE TABLE t (id int PRIMARY KEY, z {type_})".encode())
    connection.execute("INSERT INTO t SELECT i FROM generate_series(1, 20) AS i")
    filled = Filling(column="z", type=type_, value=Sql(value), unfilled=unfilled)
    target = Target(relation=table(id="integer", z=type_), server=server(database.version))
    backfill = idempotent_backfill(target, (filled,))

    first, second = Walker(connection, backfill), Walker(connection, backfill)
    first.walk()
    second.walk(skip_locked=True)

    assert (first.changed, second.changed, second.sweep()) == (20, 0, [])


EQUAL_NOT_IDENTICAL = [
    ("interval", "interval '1 month'", "interval '30 days'"),
    ("numeric", "1.0", "1.00"),
    ("jsonb", "'1.0'", "'1.00'"),
    ("double precision", "0.0", "-0.0::float8"),
    ("box", "'(2,2),(0,0)'", "'(4,1),(0,0)'"),
]


@pytest.mark.parametrize(
    ("type_", "old", "new"), EQUAL_NOT_IDENTICAL, ids=[c[0] for c in EQUAL_NOT_IDENTICAL]
)
def test_regression_equal_is_not_identical(database: Database, type_: str, old: str, new: str) -> None:
    connection = database.connect()
    connection.execute(f"CREATE TABLE t (id int PRIMARY KEY, z {type_})".encode())
    connection.execute(f"INSERT INTO t VALUES (1, {old})".encode())
    value = Filling(column="z", type=type_, value=Sql(new))
    target = Target(relation=table(id="integer", z=type_), server=server(database.version))
    walker = Walker(connection, idempotent_backfill(target, (value,)))

    walker.walk()

    assert walker.changed == 1
    assert rows_of(connection, f"SELECT z::text = ({new})::{type_}::text FROM t") == [(True,)]


@pytest.mark.parametrize("key", ["bigint", "composite", "none"])
def test_locked_rows_are_passed_over_and_swept(database: Database, key: str) -> None:
    connection, other = database.connect(), database.connect()
    target = Target(relation=make(connection, key), server=server(database.version))
    walker = Walker(connection, idempotent_backfill(target, (filling("'n' || n"),)))
    connection.execute("SET lock_timeout = '2s'")

    with other.transaction():
        other.execute("UPDATE t SET n = n + 1000 WHERE n IN (3, 50, 99)")
        walker.walk(skip_locked=True)

    assert walker.changed == 97
    assert walker.skipped
    assert walker.sweep() == []
    assert rows_of(connection, "SELECT count(*) FROM t WHERE z IS DISTINCT FROM 'n' || n") == [(0,)]


def test_a_row_locked_for_a_foreign_key_is_not_passed_over(database: Database) -> None:
    connection, other = database.connect(), database.connect()
    target = Target(relation=make(connection), server=server(database.version))
    walker = Walker(connection, idempotent_backfill(target, (filling("'n' || n"),)))

    with other.transaction():
        other.execute("SELECT FROM t WHERE id = 5 FOR KEY SHARE")
        walker.walk(skip_locked=True)

    assert (walker.changed, walker.skipped) == (100, [])


def test_a_column_of_a_unique_index_takes_the_lock_that_its_update_takes(database: Database) -> None:
    relation = make(database.connect(), "text")
    target = Target(relation=relation, server=server(database.version))

    keyed = idempotent_backfill(target, (filling("'x' || n", column="id"),))
    plain = idempotent_backfill(target, (filling("'x' || n"),))

    assert "FOR UPDATE OF" in keyed.skip_locked_sql
    assert "FOR NO KEY UPDATE OF" in plain.skip_locked_sql


@pytest.mark.parametrize("key", ["bigint", "uuid", "composite"])
@pytest.mark.parametrize("skip_locked", [False, True], ids=["plain", "skip-locked"])
def test_once_only_changes_each_captured_row_once(
    database: Database,
    key: str,
    *,
    skip_locked: bool,
) -> None:
    connection, other = database.connect(), database.connect()
    connection.execute("CREATE SCHEMA migrator")
    target = Target(relation=make(connection, key), server=server(database.version), where=Sql("n <= 90"))
    values = (
        Filling(column="n", type="integer", value=Sql("n + 1000")),
        Filling(column="z", type="text", value=Sql("now()::text"), once=True),
    )
    backfill = once_only_backfill(target, values, captured=CAPTURED)
    walker = Walker(connection, backfill)

    other.execute("BEGIN")
    other.execute("UPDATE t SET z = 'held' WHERE n IN (4, 44)") if skip_locked else None
    walker.walk(skip_locked=skip_locked)
    other.execute("DELETE FROM t WHERE n = 44") if skip_locked else None
    other.execute("COMMIT")

    assert walker.sweep() == []
    assert walker.changed == (89 if skip_locked else 90)
    assert rows_of(connection, "SELECT count(*) FROM t WHERE n > 1000 AND z IS NOT NULL") == [
        (walker.changed,)
    ]
    assert rows_of(connection, "SELECT count(*) FROM t WHERE n <= 1000") == [(10,)]
    assert rows_of(connection, "SELECT to_regclass('migrator.\"captured_1_2.1\"')") == [(None,)]


def test_once_only_looks_at_the_condition_again(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE SCHEMA migrator")
    target = Target(relation=make(connection), server=server(database.version), where=Sql("z IS NULL"))
    value = Filling(column="n", type="integer", value=Sql("n + 1000"))
    walker = Walker(connection, once_only_backfill(target, (value,), captured=CAPTURED))

    def take() -> None:
        connection.execute("UPDATE t SET z = 'taken' WHERE id = 100")

    walker.walk(between=take)

    assert (walker.changed, walker.sweep()) == (99, [])


@pytest.mark.parametrize("key", ["bigint", "uuid", "composite"])
@pytest.mark.parametrize("skip_locked", [False, True], ids=["plain", "skip-locked"])
def test_delete_removes_the_captured_rows(database: Database, key: str, *, skip_locked: bool) -> None:
    connection, other = database.connect(), database.connect()
    connection.execute("CREATE SCHEMA migrator")
    target = Target(relation=make(connection, key), server=server(database.version), where=Sql("n <= 90"))
    walker = Walker(connection, captured_delete(target, captured=CAPTURED))

    other.execute("BEGIN")
    other.execute(
        "UPDATE t SET n = CASE n WHEN 4 THEN 1004 ELSE n END WHERE n IN (4, 44)"
    ) if skip_locked else None
    walker.walk(skip_locked=skip_locked)
    other.execute("COMMIT")

    assert walker.sweep() == []
    assert walker.changed == (89 if skip_locked else 90)
    kept = [(n,) for n in range(91, 101)] + ([(1004,)] if skip_locked else [])
    assert rows_of(connection, "SELECT n FROM t ORDER BY n") == kept
    assert rows_of(connection, "SELECT to_regclass('migrator.\"captured_1_2.1\"')") == [(None,)]


def test_delete_spares_rows_that_were_saved_or_came_meanwhile(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE SCHEMA migrator")
    target = Target(relation=make(connection), server=server(database.version), where=Sql("z IS NULL"))
    walker = Walker(connection, captured_delete(target, captured=CAPTURED))

    def save() -> None:
        connection.execute("UPDATE t SET z = 'saved' WHERE id = 100")
        connection.execute("INSERT INTO t (id, n) VALUES (1, 1), (101, 101) ON CONFLICT DO NOTHING")

    walker.walk(between=save)

    assert (walker.changed, walker.sweep()) == (99, [])
    assert rows_of(connection, "SELECT id FROM t ORDER BY id") == [(1,), (100,), (101,)]


def test_a_partitioned_table_is_walked_by_its_key(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE t (id int PRIMARY KEY, n int, z text) PARTITION BY HASH (id)")
    for part in range(2):
        connection.execute(
            f"CREATE TABLE t{part} PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER {part})".encode()
        )
    connection.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 100) AS i")
    target = Target(relation=table(id="integer", n="integer", z="text"), server=server(database.version))
    walker = Walker(connection, idempotent_backfill(target, (filling("'n' || n"),)))

    walker.walk(skip_locked=True)

    assert (walker.changed, walker.sweep()) == (100, [])


def test_pages_are_read_by_themselves(database: Database) -> None:
    connection = database.connect()
    relation = make(connection, "none", rows=20_000)
    connection.execute("ANALYZE t")
    backfill = idempotent_backfill(
        Target(relation=relation, server=server(database.version)), (filling("'n' || n"),)
    )
    sql = backfill.update_sql.replace("$1", "3").replace("$2", "5")

    plan = "\n".join(line for (line,) in rows_of(connection, f"EXPLAIN (COSTS OFF) {sql}"))

    assert ("Tid Range Scan" if database.version >= 14 else "Tid Scan") in plan
