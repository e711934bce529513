"""The fill trigger in sessions that write: what it fills, what it leaves alone, that no write fails by it."""

from typing import Any

import psycopg
import pytest

from migrator.plan.ddl import Sql
from migrator.plan.ddl_fill_trigger import FillTrigger
from migrator.postgres.identifiers import NAME_LIMIT, QualifiedName
from tests.conftest import Database

pytestmark = pytest.mark.postgres(ends=True)

Connection = psycopg.Connection[tuple[Any, ...]]

USERS = QualifiedName("public", "users")


def trigger(value: str, column: str = "full_name", type_: str = "text", **more: Any) -> FillTrigger:  # noqa: ANN401  # fields
    settings = more.pop("settings", (("search_path", "pg_catalog, pg_temp"),))
    return FillTrigger(table=USERS, column=column, type=type_, value=Sql(value), settings=settings, **more)


def installed(database: Database, *triggers: FillTrigger, column: str = "full_name text") -> Connection:
    connection = database.connect()
    connection.execute(
        f"CREATE TABLE users (id int PRIMARY KEY, first text, last text, legacy text, {column})".encode()
    )
    connection.execute("INSERT INTO users VALUES (1, 'Ada', 'Lovelace', 'x')")
    for each in triggers:
        for sql in each.create_sql():
            connection.execute(sql.encode())
    return connection


def value_of(connection: Connection, id_: int = 1, column: str = "full_name") -> object:
    row = connection.execute(f"SELECT {column} FROM users WHERE id = %s".encode(), (id_,)).fetchone()
    assert row is not None

    return row[0]


NAME = trigger("first || ' ' || users.last")


def test_a_new_row_is_filled(database: Database) -> None:
    connection = installed(database, NAME)

    connection.execute("INSERT INTO users VALUES (2, 'Alan', 'Turing')")

    assert value_of(connection, 2) == "Alan Turing"


def test_what_the_writer_gave_stays(database: Database) -> None:
    connection = installed(database, NAME)

    connection.execute("INSERT INTO users VALUES (2, 'Alan', 'Turing', NULL, 'A. Turing')")
    connection.execute("UPDATE users SET full_name = 'Ada, Countess', first = 'A.' WHERE id = 1")
    connection.execute("UPDATE users SET last = 'King' WHERE id IN (1, 2)")

    assert (value_of(connection, 1), value_of(connection, 2)) == ("Ada, Countess", "A. Turing")


def test_an_old_row_is_filled_when_it_changes(database: Database) -> None:
    connection = installed(database, NAME)

    connection.execute("UPDATE users SET legacy = 'y'")

    assert value_of(connection) == "Ada Lovelace"


def test_a_filled_row_follows_its_columns(database: Database) -> None:
    connection = installed(database, NAME)

    connection.execute("UPDATE users SET full_name = 'Ada Lovelace'")
    connection.execute("UPDATE users SET last = 'King'")

    assert value_of(connection) == "Ada King"


def test_a_condition_on_the_column_itself_does_not_stop_it(database: Database) -> None:
    connection = installed(
        database, trigger("first || ' ' || last", where=Sql("full_name IS NULL AND id < 5"))
    )

    connection.execute("UPDATE users SET legacy = 'y'")
    connection.execute("UPDATE users SET last = 'King'")
    connection.execute("INSERT INTO users VALUES (7, 'Alan', 'Turing')")

    assert (value_of(connection), value_of(connection, 7)) == ("Ada King", None)


def test_the_columns_default_counts_as_unfilled(database: Database) -> None:
    default = trigger("first", unfilled=(Sql("'?'"),))
    connection = installed(database, default, column="full_name text DEFAULT '?'")

    connection.execute("INSERT INTO users (id, first) VALUES (2, 'Alan'), (3, NULL)")

    assert (value_of(connection, 2), value_of(connection, 3)) == ("Alan", None)


def test_a_value_that_cannot_be_computed_does_not_fail_the_write(database: Database) -> None:
    connection = installed(
        database, trigger("legacy::integer", column="n", type_="integer"), column="n integer"
    )
    notices: list[str] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))

    connection.execute("UPDATE users SET first = 'A.'")
    connection.execute("UPDATE users SET legacy = '12' WHERE id = 1")

    assert value_of(connection, column="n") == 12
    assert notices == [
        'migrator cannot fill n of public.users: invalid input syntax for type integer: "x"',
    ]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("json", "json_build_array(id)"),
        ("point", "point(id, 1)"),
        ("varchar(2)", "id::text"),
        ("int[]", "ARRAY[id]"),
    ],
)
def test_types_without_equality(database: Database, type_: str, value: str) -> None:
    connection = installed(database, trigger(value, column="z", type_=type_), column=f"z {type_}")

    connection.execute("UPDATE users SET legacy = 'y'")
    connection.execute("UPDATE users SET id = 5")

    assert connection.execute(f"SELECT z::text = ({value})::text FROM users".encode()).fetchone() == (True,)


def test_columns_named_like_variables_are_columns(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE users (id int, found text, tg_op text, migrator_given text, z text)")
    for sql in trigger("found || tg_op || migrator_given || '$migrator$'", column="z").create_sql():
        connection.execute(sql.encode())

    connection.execute("INSERT INTO users VALUES (1, 'a', 'b', 'c')")

    assert value_of(connection, column="z") == "abc$migrator$"


def test_a_volatile_value_is_computed_once(database: Database) -> None:
    connection = installed(
        database,
        trigger("gen_random_uuid()", column="z", type_="uuid", volatile=True),
        column="z uuid",
    )

    connection.execute("UPDATE users SET legacy = 'y'")
    first = value_of(connection, column="z")
    connection.execute("UPDATE users SET legacy = 'z'")

    assert first is not None
    assert value_of(connection, column="z") == first


def test_settings_are_those_of_the_plan(database: Database) -> None:
    settings = (("search_path", "pg_catalog, pg_temp"), ("timezone", "'Asia/Tokyo'"))
    value = trigger("to_char(timestamptz '2020-01-01 00:00+00', 'HH24')", settings=settings)
    connection = installed(database, value)
    connection.execute("SET timezone = 'UTC'")

    connection.execute("UPDATE users SET legacy = 'y'")

    assert value_of(connection) == "09"


def test_an_alias_is_the_name_of_the_row(database: Database) -> None:
    connection = installed(database, trigger('"U x".first', alias="U x"))

    connection.execute("UPDATE users SET legacy = 'y'")

    assert value_of(connection) == "Ada"


def test_two_triggers_fill_one_column_in_their_order(database: Database) -> None:
    first = trigger("'eu'", where=Sql("legacy = 'x'"))
    second = trigger("'us'", where=Sql("full_name IS NULL"), number=2)
    connection = installed(database, first, second)

    connection.execute("INSERT INTO users VALUES (2, NULL, NULL, 'x'), (3, NULL, NULL, 'y')")
    connection.execute("UPDATE users SET first = 'changed'")

    assert [value_of(connection, id_) for id_ in (1, 2, 3)] == ["eu", "eu", "us"]


def test_a_partitioned_table_has_it_on_every_partition(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE users (id int, first text, full_name text) PARTITION BY LIST (id)")
    connection.execute("CREATE TABLE users_1 PARTITION OF users FOR VALUES IN (1)")
    for sql in trigger("first").create_sql():
        connection.execute(sql.encode())

    connection.execute("INSERT INTO users VALUES (1, 'Ada')")

    assert value_of(connection) == "Ada"


def test_dropping_leaves_nothing_and_may_be_repeated(database: Database) -> None:
    connection = installed(database, NAME)

    for sql in (*NAME.drop_sql(), *NAME.drop_sql()):
        connection.execute(sql.encode())

    left = "SELECT count(*) FROM pg_proc WHERE proname LIKE 'zz_migrator%%'"
    assert connection.execute(left).fetchone() == (0,)


def test_names_sort_last_and_stay_within_the_limit() -> None:
    long = FillTrigger(table=QualifiedName("s", "t" * 60), column="c" * 60, type="text", value=Sql("1"))

    assert len(long.name.encode()) <= NAME_LIMIT
    assert len(long.function.name.encode()) <= NAME_LIMIT
    assert long.name.startswith("zz_migrator_fill_")
