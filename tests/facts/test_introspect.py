"""Facts read from a real server, of every version."""

from typing import Any

import pytest

from migrator.database.introspect import read_facts, session_settings
from migrator.database.sizes import Size, Statistics, estimated_rows
from migrator.postgres.facts import ConstraintKind, Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from tests.conftest import Database

SCHEMA = """
    CREATE SCHEMA shop;
    CREATE DOMAIN shop.plain AS int;
    CREATE DOMAIN shop.positive AS shop.plain CHECK (VALUE > 0);
    CREATE DOMAIN shop.nested AS shop.positive;
    CREATE TYPE shop.mood AS ENUM ('good', 'bad');
    CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION shop.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
    CREATE TABLE shop.users (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(20) COLLATE "C" NOT NULL,
        mood shop.mood DEFAULT 'good', weight shop.nested, size shop.plain,
        doubled int GENERATED ALWAYS AS (2 * 3) STORED, gone int);
    ALTER TABLE shop.users DROP COLUMN gone;
    CREATE TABLE shop.orders (
        id int PRIMARY KEY, user_id bigint REFERENCES shop.users, total numeric CHECK (total > 0),
        note text);
    ALTER TABLE shop.orders ADD CONSTRAINT later CHECK (note <> '') NOT VALID;
    CREATE UNIQUE INDEX by_name ON shop.users (lower(name), id) INCLUDE (mood) WHERE weight > 1;
    CREATE INDEX whole_row ON shop.orders ((orders IS NULL));
    CREATE TRIGGER touched BEFORE UPDATE ON shop.orders
        FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION shop.touch();
    CREATE RULE quiet AS ON DELETE TO shop.orders DO INSTEAD NOTHING;
    CREATE VIEW shop.named AS SELECT name FROM shop.users;
    CREATE MATERIALIZED VIEW shop.counted AS SELECT count(*) FROM shop.named;
    CREATE TABLE shop.events (at date, kind text) PARTITION BY RANGE (at, lower(kind));
    CREATE TABLE shop.events_1 PARTITION OF shop.events
        FOR VALUES FROM ('2026-01-01', 'a') TO ('2026-02-01', 'a');
    CREATE TABLE shop.base (id int);
    CREATE TABLE shop.special () INHERITS (shop.base);
    CREATE TEMP TABLE passing (id int);
    CREATE SCHEMA migrator;
    CREATE TABLE migrator.steps (id int);
"""


def name(last: str) -> QualifiedName:
    return QualifiedName("shop", last)


def facts_of(database: Database, **given: Any) -> Facts:  # noqa: ANN401  # arguments of read_facts()
    return read_facts(database.connect(), journal_schema="migrator", **given)


def relation(facts: Facts, last: str) -> Relation:
    found = facts.relation(name(last))
    assert found is not None
    return found


@pytest.fixture
def facts(database: Database) -> Facts:
    database.connect().execute(SCHEMA)
    return facts_of(database)


def test_only_user_relations_are_listed(facts: Facts) -> None:
    assert {r.name.schema for r in facts.relations} == {"shop"}
    assert facts.schemas == ("public", "shop")
    assert facts.live
    assert facts.complete


def test_columns(facts: Facts) -> None:
    users = relation(facts, "users")
    described = [(c.name, c.type, c.not_null, c.generated, c.identity, c.collation) for c in users.columns]

    assert described == [
        ("id", "bigint", True, "", "a", None),
        ("name", "character varying(20)", True, "", "", '"C"'),
        ("mood", "shop.mood", False, "", "", None),
        ("weight", "shop.nested", False, "", "", None),
        ("size", "shop.plain", False, "", "", None),
        ("doubled", "integer", False, "s", "", None),
    ]
    assert [c.default for c in users.columns if c.default] == ["'good'::shop.mood", "(2 * 3)"]
    assert [c.name for c in users.columns if c.domain_constrained] == ["weight"]


def test_types_and_functions(facts: Facts) -> None:
    assert facts.types == tuple(map(name, ("mood", "nested", "plain", "positive")))
    assert facts.constrained_domains == (name("nested"), name("positive"))
    assert [(f.name, f.volatility) for f in facts.functions] == [(name("touch"), "v"), (name("twice"), "i")]


def test_constraints_and_who_refers_to_whom(facts: Facts) -> None:
    orders = relation(facts, "orders")
    key = orders.constraint("orders_user_id_fkey")

    assert key is not None
    assert (key.kind, key.columns, key.references, key.referenced_columns) == (
        ConstraintKind.FOREIGN_KEY,
        ("user_id",),
        name("users"),
        ("id",),
    )
    assert [c.name for c in orders.constraints if not c.validated] == ["later"]
    assert relation(facts, "users").referenced_by == (name("orders"),)
    assert orders.primary_key == ("id",)


@pytest.mark.postgres(since=18)
def test_not_null_constraints_are_listed_from_18_on(facts: Facts) -> None:
    assert ("orders_id_not_null", ConstraintKind.NOT_NULL, ("id",)) in [
        (c.name, c.kind, c.columns) for c in relation(facts, "orders").constraints
    ]


def test_indexes_say_every_column_they_mention(facts: Facts) -> None:
    index = relation(facts, "users").index("by_name")
    whole = relation(facts, "orders").index("whole_row")

    assert index is not None
    assert whole is not None
    assert (index.keys, index.included, index.unique, index.valid) == ((None, "id"), ("mood",), True, True)
    assert index.predicate == "((weight)::integer > 1)"
    assert set(index.mentions) == {"id", "name", "mood", "weight"}
    assert whole.mentions == ("id", "user_id", "total", "note")


def test_triggers_rules_and_views(facts: Facts) -> None:
    orders = relation(facts, "orders")

    assert [(t.name, t.function, t.enabled) for t in orders.triggers] == [("touched", name("touch"), "O")]
    assert orders.rules == ("quiet",)
    assert relation(facts, "users").dependents == (name("named"),)
    assert relation(facts, "named").dependents == (name("counted"),)


def test_partitions_and_inheritance(facts: Facts) -> None:
    events = relation(facts, "events")

    assert (events.kind, events.partitions) == (RelationKind.PARTITIONED_TABLE, (name("events_1"),))
    assert events.partition_key == ("at", "kind")
    assert relation(facts, "events_1").partition_of == name("events")
    assert relation(facts, "base").children == (name("special"),)
    assert relation(facts, "special").inherits == (name("base"),)


def test_policies_are_named_whether_row_security_is_on_or_not(database: Database) -> None:
    database.connect().execute("""
        CREATE SCHEMA shop;
        CREATE TABLE shop.notes (id int); CREATE TABLE shop.bare (id int);
        CREATE POLICY own ON shop.notes USING (true); CREATE POLICY "All" ON shop.notes USING (true);
        ALTER TABLE shop.bare ENABLE ROW LEVEL SECURITY;
    """)
    facts = facts_of(database)

    assert relation(facts, "notes").policies == ("All", "own")
    assert not relation(facts, "notes").row_security
    assert relation(facts, "bare").policies == ()
    assert relation(facts, "bare").row_security


def test_a_database_without_user_tables_is_not_live(database: Database) -> None:
    database.connect().execute("CREATE SCHEMA migrator; CREATE TABLE migrator.steps (id int)")

    assert not facts_of(database).live


def test_only_what_has_no_pages_is_empty(database: Database) -> None:
    connection = database.connect()
    connection.execute(
        "CREATE SCHEMA shop; CREATE TABLE shop.empty (id int); CREATE TABLE shop.filled (id int)"
    )
    connection.execute("ALTER TABLE shop.filled SET (autovacuum_enabled = off)")
    connection.execute("INSERT INTO shop.filled SELECT generate_series(1, 1000)")
    before = facts_of(database)
    connection.execute("ANALYZE shop.filled")
    analysed = facts_of(database)
    connection.execute("INSERT INTO shop.filled SELECT generate_series(1, 99000)")

    assert relation(before, "empty").rows == 0
    assert relation(before, "filled").rows is None
    assert relation(analysed, "filled").rows == 1000
    assert relation(facts_of(database), "filled").rows == pytest.approx(100_000, rel=0.3)


def test_nothing_waits_for_a_table_that_is_locked(database: Database) -> None:
    connection, holder = database.connect(), database.connect()
    connection.execute(SCHEMA)
    holder.execute("BEGIN; LOCK TABLE ONLY shop.users IN ACCESS EXCLUSIVE MODE")

    facts = facts_of(database, patience_s=0)

    # LOCK TABLE took the view's table; the view itself is deparsed by opening that table.
    assert {r.name.name for r in facts.relations if r.unread} == {"users", "named"}
    assert relation(facts, "users").fingerprint is None
    assert relation(facts, "users").rows is None
    assert [c.name for c in relation(facts, "users").columns][:2] == ["id", "name"]
    assert relation(facts, "orders").fingerprint is not None


def test_no_lock_is_left_and_no_setting_changed(database: Database) -> None:
    connection = database.connect()
    connection.execute(SCHEMA)
    connection.execute("SET search_path TO shop, public; SET lock_timeout TO '7s'")
    read_facts(connection, journal_schema="migrator")

    assert connection.execute("SHOW search_path").fetchone() == ("shop, public",)
    assert connection.execute("SHOW lock_timeout").fetchone() == ("7s",)
    assert connection.info.transaction_status.name == "IDLE"


def test_a_role_without_any_rights_reads_the_same(database: Database) -> None:
    connection = database.connect()
    connection.execute(SCHEMA)
    expected = facts_of(database)
    connection.execute(f"CREATE ROLE {database.name}_none".encode())
    connection.execute(f"SET ROLE {database.name}_none".encode())
    found = read_facts(connection, journal_schema="migrator")
    connection.execute("RESET ROLE")
    connection.execute(f"DROP ROLE {database.name}_none".encode())

    assert found.relations == expected.relations
    assert found.role == f"{database.name}_none"


def test_a_published_table_without_identity_is_found(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.bare (id int); CREATE TABLE shop.full (id int)")
    connection.execute("CREATE TABLE shop.keyed (id int PRIMARY KEY); CREATE TABLE shop.other (id int)")
    connection.execute("ALTER TABLE shop.full REPLICA IDENTITY FULL")
    connection.execute("CREATE PUBLICATION several FOR TABLE shop.bare, shop.full, shop.keyed")
    some = {r.name.name for r in facts_of(database).relations if r.published_without_identity}
    connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")

    assert some == {"bare"}
    assert {r.name.name for r in facts_of(database).relations if r.published_without_identity} == {
        "bare",
        "other",
    }


@pytest.mark.postgres(since=15)
def test_a_publication_of_a_schema_counts(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.bare (id int)")
    connection.execute("CREATE PUBLICATION several FOR TABLES IN SCHEMA shop")

    assert relation(facts_of(database), "bare").published_without_identity


def test_settings_may_stand_after_set(database: Database) -> None:
    connection = database.connect()
    connection.execute("""SELECT set_config('search_path', '"$user", "My ""odd"" schema", Public', false)""")
    facts = read_facts(connection, journal_schema="migrator")
    for setting, value in facts.settings:
        connection.execute(f"SET {setting} TO {value}".encode())

    assert dict(facts.settings)["search_path"] == "'$user', 'My \"odd\" schema', 'public'"
    assert read_facts(connection, journal_schema="migrator").settings == facts.settings


def test_an_empty_search_path_stays_empty() -> None:
    assert session_settings([("search_path", "")]) == (("search_path", "''"),)
    assert session_settings([("search_path", '""')]) == (("search_path", "''"),)


@pytest.mark.parametrize(
    ("statistics", "size", "expected"),
    [
        (Statistics(-1, 0), Size(0, 0, 8192), 0),
        (Statistics(-1, 0), Size(8192, 0, 8192), None),
        (Statistics(0, 0), Size(8192, 0, 8192), None),
        (Statistics(0, 3), Size(8192, 0, 8192), None),
        (Statistics(500, 0), None, None),
        (Statistics(100, 1), Size(81920, 0, 8192), 1000),
        (Statistics(1, 1000), Size(8192, 0, 8192), 1),
    ],
)
def test_unknown_is_not_empty(statistics: Statistics, size: Size | None, expected: int | None) -> None:
    assert estimated_rows(statistics, size) == expected


DEPENDENTS = """
    CREATE TABLE shop.lines (id serial PRIMARY KEY, order_id int, at shop.orders[]);
    CREATE TABLE shop.guarded (id int, price shop.lines);
    CREATE POLICY own ON shop.guarded USING (id IN (SELECT order_id FROM shop.lines));
    CREATE POLICY itself ON shop.lines USING (order_id > 0);
    CREATE RULE counted AS ON INSERT TO shop.guarded DO ALSO DELETE FROM shop.lines;
    CREATE FUNCTION shop.open_lines(int) RETURNS SETOF shop.lines LANGUAGE sql AS 'SELECT * FROM shop.lines';
    CREATE TABLE shop.other (id int DEFAULT nextval('shop.lines_id_seq'));
    CREATE VIEW shop.all_lines AS SELECT id FROM shop.lines;
    CREATE PUBLICATION chosen FOR TABLE shop.lines;
    CREATE MATERIALIZED VIEW shop.unfilled AS SELECT 1 AS one WITH NO DATA;
"""


@pytest.fixture
def with_dependents(database: Database) -> Facts:
    connection = database.connect()
    connection.execute(SCHEMA)
    connection.execute(DEPENDENTS)
    return facts_of(database)


def test_what_else_depends_on_a_table(with_dependents: Facts) -> None:
    lines = relation(with_dependents, "lines")

    assert sorted(map(str, lines.needed_by)) == [
        "function shop.open_lines(integer)",
        "policy own on shop.guarded",
        "rule counted on shop.guarded",
        "table column shop.guarded.price",
    ]
    assert {d.name for d in lines.needed_by} == {"open_lines", "own", "counted", ""}
    assert list(map(str, relation(with_dependents, "orders").needed_by)) == ["table column shop.lines.at"]
    assert relation(with_dependents, "guarded").needed_by == ()


def test_owned_sequences_and_who_uses_them(with_dependents: Facts) -> None:
    sequence = relation(with_dependents, "lines_id_seq")

    assert sequence.owned_by == name("lines")
    assert list(map(str, sequence.needed_by)) == ["default value for shop.other.id"]
    assert relation(with_dependents, "users_id_seq").owned_by == name("users")


def test_publications_and_matviews_that_are_not_filled(with_dependents: Facts) -> None:
    lines = relation(with_dependents, "lines")

    assert (lines.publications, lines.replicated_by_key) == (("chosen",), True)
    assert not relation(with_dependents, "users").replicated_by_key
    assert not relation(with_dependents, "unfilled").populated
    assert relation(with_dependents, "counted").populated


@pytest.mark.postgres(since=14)
def test_functions_whose_body_the_server_reads(database: Database) -> None:
    database.connect().execute(SCHEMA)
    database.connect().execute(
        "CREATE FUNCTION shop.count_orders() RETURNS bigint RETURN (SELECT count(*) FROM shop.orders)"
    )

    needed = relation(facts_of(database), "orders").needed_by

    assert list(map(str, needed)) == ["function shop.count_orders()"]


USED = """
    CREATE TABLE used (id int, a int, b int, c int GENERATED ALWAYS AS (a + 1) STORED, d serial);
    CREATE VIEW seen AS SELECT b FROM used;
    CREATE POLICY own ON used USING (b > 0);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER watch BEFORE UPDATE OF a ON used FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE STATISTICS related ON a, b FROM used;
    GRANT SELECT, INSERT ON used TO PUBLIC;
"""


def test_who_uses_which_column(database: Database) -> None:
    database.connect().execute(USED)
    found = facts_of(database)
    table = found.relation(QualifiedName("public", "used"))
    sequence = found.relation(QualifiedName("public", "used_d_seq"))
    assert table is not None
    assert sequence is not None
    users = {(user.column, str(user)) for user in table.column_users}

    assert users == {
        ("a", "generated column c of public.used"),
        ("a", "statistics object related of public.used"),
        ("a", "trigger watch of public.used"),
        ("b", "policy own of public.used"),
        ("b", "statistics object related of public.used"),
        ("b", "view public.seen"),
    }
    assert table.inserters == ("PUBLIC",)
    assert (sequence.owned_by, sequence.owned_by_column) == (table.name, "d")
