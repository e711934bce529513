"""What the demonstration calls equal schemas, and what it finds left behind."""

import pytest

from migrator.demo import comparison
from tests.conftest import Database
from tests.schema_dump import pg_dump_program

pytestmark = pytest.mark.postgres(newest=True)


def schema(database: Database) -> list[str]:
    return comparison.schema(pg_dump_program(), database.url, journal="migrator")


def test_equal_schemas_have_no_differences(database: Database, second_database: Database) -> None:
    for one in (database, second_database):
        one.connect().execute("CREATE TABLE t (a int PRIMARY KEY)")
    database.connect().execute("CREATE SCHEMA migrator; CREATE TABLE migrator.journal (a int)")

    assert comparison.differences(schema(database), schema(second_database)) == []


def test_a_difference_is_shown_with_its_side(database: Database, second_database: Database) -> None:
    database.connect().execute("CREATE TABLE t (a int NOT NULL)")
    second_database.connect().execute("CREATE TABLE t (a int)")

    assert comparison.differences(schema(database), schema(second_database)) == [
        "-    a integer",
        "+    a integer NOT NULL",
    ]


def test_remains_are_named(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE t (a int)")
    connection.execute("INSERT INTO t VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)")
    connection.execute("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID")
    connection.execute(
        "CREATE FUNCTION zz_migrator_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    )
    connection.execute("CREATE TRIGGER zz_migrator_g BEFORE INSERT ON t EXECUTE FUNCTION zz_migrator_f()")
    connection.execute("SELECT pg_advisory_lock(1)")

    assert comparison.remains(database.url, journal="migrator") == [
        "invalid index i",
        "constraint c of t is not validated",
        "trigger zz_migrator_g of t",
        "function zz_migrator_f()",
        f"advisory lock of process {connection.info.backend_pid}",
    ]
