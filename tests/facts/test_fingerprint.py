"""Digests: the same for the same definition, whoever asks; another one after any change of it."""

from typing import LiteralString

import pytest

from migrator.database.fingerprint import digests, function_sql
from migrator.postgres.identifiers import QualifiedName
from tests.conftest import Database

TABLE = QualifiedName("public", "t")

SCHEMA: LiteralString = """
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE t (
        id int PRIMARY KEY, a int DEFAULT 1 CHECK (a > 0), at timestamptz DEFAULT '2026-01-02 03:04:05+00',
        f float8 DEFAULT 0.1, parent int REFERENCES parent);
    CREATE INDEX i ON t ((a + 1)) WHERE f > 0.1;
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER touched BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION touch();
    CREATE POLICY own ON t USING (a > 2);
"""

CHANGES: tuple[LiteralString, ...] = (
    "ALTER TABLE t ADD COLUMN b int",
    "ALTER TABLE t ALTER at TYPE timestamp",
    "ALTER TABLE t ALTER a SET NOT NULL",
    "ALTER TABLE t ALTER a SET DEFAULT 2",
    "ALTER TABLE t RENAME a TO b",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (f > 1) NOT VALID",
    "ALTER TABLE t DROP CONSTRAINT t_parent_fkey",
    "CREATE INDEX j ON t (f)",
    "DROP INDEX i",
    "ALTER TABLE t DISABLE TRIGGER touched",
    "DROP TRIGGER touched ON t",
    "CREATE RULE quiet AS ON DELETE TO t DO INSTEAD NOTHING",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE t FORCE ROW LEVEL SECURITY",
    "ALTER POLICY own ON t USING (a > 3)",
    "ALTER TABLE t SET UNLOGGED",
)

INDIFFERENT: tuple[LiteralString, ...] = (
    "INSERT INTO parent VALUES (1); INSERT INTO t VALUES (1, 2)",
    "ANALYZE t",
    "ALTER TABLE t ADD COLUMN x int; ALTER TABLE t DROP COLUMN x",
    "CREATE TABLE child (t int REFERENCES t)",
    "CREATE VIEW v AS SELECT * FROM t",
    "GRANT SELECT ON t TO public",
    "ALTER TABLE t SET (fillfactor = 50)",
    "VACUUM FULL t",
    "ALTER TABLE t ALTER a SET STATISTICS 7",
)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.postgres(newest=True)
def test_a_change_of_the_definition_changes_it(database: Database, change: LiteralString) -> None:
    connection = database.connect()
    connection.execute(SCHEMA)
    before = digests(connection, [TABLE])
    connection.execute(change)

    assert digests(connection, [TABLE]) != before


def test_nothing_else_changes_it(database: Database) -> None:
    connection = database.connect()
    connection.execute(SCHEMA)
    before = digests(connection, [TABLE])
    for statement in INDIFFERENT:
        connection.execute(statement)

        assert digests(connection, [TABLE]) == before, statement


def test_it_does_not_depend_on_oids(database: Database, second_database: Database) -> None:
    first, second = database.connect(), second_database.connect()
    first.execute(SCHEMA)
    second.execute("CREATE TABLE between_times (id int, x text)")
    second.execute(SCHEMA)

    assert digests(first, [TABLE]) == digests(second, [TABLE])


def test_function_and_query_agree_whatever_the_session_has_set(database: Database) -> None:
    connection = database.connect()
    connection.execute(SCHEMA)
    connection.execute("CREATE SCHEMA journal")
    connection.execute(function_sql("journal"))
    missing = QualifiedName("public", "none")
    expected = digests(connection, [TABLE, missing])
    for setting in (
        "search_path TO public",
        "quote_all_identifiers TO on",
        "DateStyle TO german",
        "TimeZone TO 'Asia/Tokyo'",
        "extra_float_digits TO -5",
    ):
        connection.execute(f"SET {setting}".encode())
    rows = connection.execute(
        "SELECT * FROM journal.fingerprints(%s, %s)", (["public", "public"], ["t", "none"])
    ).fetchall()

    assert expected[missing] is None
    assert {QualifiedName(schema, name): digest for schema, name, digest in rows} == expected
    assert digests(connection, [TABLE, missing]) == expected


def test_a_transaction_of_the_caller_keeps_its_settings(database: Database) -> None:
    connection = database.connect()
    connection.execute(SCHEMA)
    with connection.transaction():
        connection.execute("SET LOCAL search_path TO public")
        digests(connection, [TABLE], lock_timeout_ms=50)

        assert connection.execute("SHOW search_path").fetchone() == ("public",)
