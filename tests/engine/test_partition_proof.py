"""What plans of partitions assume of the server: which CHECK it knows again, which locks it takes."""

# ruff: noqa: ANN401 - rows of tests are of any type

from typing import Any

import psycopg
import pytest
from psycopg import sql

from migrator.database.introspect import read_facts
from migrator.operations.partition_bound import condition
from migrator.plan.ddl import Sql
from migrator.plan.ddl_partition import check, outside
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.migration import read_migration
from migrator.sql.syntax import AlterTable, OtherAction, PartitionBound
from tests.conftest import Database

pytestmark = pytest.mark.server

ROOT = QualifiedName("public", "root")
IMPLIED = 'partition constraint for table "p" is implied'
DEFAULT_IMPLIED = 'updated partition constraint for default partition "d" is implied'

KNOWN_AGAIN = [
    ("integer", "RANGE", "FROM (1) TO (10)"),
    ("bigint", "RANGE", "FROM (-5) TO (10)"),
    ("bigint", "RANGE", "FROM (MINVALUE) TO (10)"),
    ("bigint", "RANGE", "FROM (10) TO (MAXVALUE)"),
    ("smallint", "RANGE", "FROM ('1') TO ('10')"),
    ("numeric(10,2)", "RANGE", "FROM (1) TO (10.5)"),
    ("double precision", "RANGE", "FROM (1) TO (2.5e3)"),
    ("date", "RANGE", "FROM ('2024-01-01') TO ('2024-02-01')"),
    ("timestamp", "RANGE", "FROM ('2024-01-01') TO ('2024-02-01')"),
    ("timestamptz", "RANGE", "FROM ('2024-01-01') TO ('2024-02-01 00:00+02')"),
    ("timestamptz(3)", "RANGE", "FROM ('2024-01-01') TO ('2024-02-01')"),
    ("text", "RANGE", "FROM ('a') TO ('m')"),
    ("varchar(20)", "RANGE", "FROM ('a') TO ('m''s')"),
    (
        "uuid",
        "RANGE",
        "FROM ('00000000-0000-0000-0000-000000000000') TO ('80000000-0000-0000-0000-000000000000')",
    ),
    ("interval", "RANGE", "FROM ('1 day') TO ('2 days')"),
    ("inet", "RANGE", "FROM ('10.0.0.0') TO ('10.0.1.0')"),
    ("text", "LIST", "IN ('a')"),
    ("text", "LIST", "IN ('a', 'b')"),
    ("text", "LIST", "IN ('a', NULL)"),
    ("text", "LIST", "IN (NULL)"),
    ("varchar(20)", "LIST", "IN ('a', 'b')"),
    ("char(2)", "LIST", "IN ('a', 'b')"),
    ("bigint", "LIST", "IN (1, 2, 3)"),
    ("boolean", "LIST", "IN (true)"),
    ("uuid", "LIST", "IN ('00000000-0000-0000-0000-000000000001')"),
    ("mood", "LIST", "IN ('good', 'bad')"),
    ("bigint", "HASH", "WITH (MODULUS 4, REMAINDER 1)"),
    ("uuid", "HASH", "WITH (MODULUS 4, REMAINDER 3)"),
    ("date", "HASH", "WITH (MODULUS 2, REMAINDER 0)"),
    ("numeric(10,2)", "HASH", "WITH (MODULUS 2, REMAINDER 0)"),
]

TWO_COLUMNS = [
    "FROM (1, 5) TO (3, 7)",
    "FROM (1, 5) TO (1, 7)",
    "FROM (1, MINVALUE) TO (3, MAXVALUE)",
    "FROM (MINVALUE, MINVALUE) TO (3, 7)",
]

NOT_DERIVED = [
    ("timestamptz", "RANGE (k)", "FROM (date '2024-01-01') TO ('2024-02-01')"),
    ("timestamptz", "RANGE (k)", "FROM ('2024-01-01'::timestamptz) TO ('2024-02-01')"),
    ("text", "HASH (k)", "WITH (MODULUS 4, REMAINDER 1)"),
    ("text", "LIST (lower(k))", "IN ('a')"),
    ("text", 'RANGE (k COLLATE "C")', "FROM ('a') TO ('b')"),
    ("text", "RANGE (k text_pattern_ops)", "FROM ('a') TO ('b')"),
]


def bound_of(words: str) -> PartitionBound:
    text = f"ALTER TABLE root ATTACH PARTITION p FOR VALUES {words};"
    (statement,) = read_migration(text, file="1.sql", version="1", name="1").statements
    assert isinstance(statement.command, AlterTable)
    (action,) = statement.command.actions
    assert isinstance(action, OtherAction)
    assert action.bound is not None
    return action.bound


def derived(connection: psycopg.Connection[Any], words: str) -> Sql | None:
    root = read_facts(connection, journal_schema="migrator").relation(ROOT)
    assert root is not None
    return condition(bound_of(words), root)


def run(connection: psycopg.Connection[Any], *statements: str) -> None:
    for statement in statements:
        connection.execute(sql.SQL(statement))


def attached(connection: psycopg.Connection[Any], words: str) -> list[str]:
    """Attach p, and return what the server says of it."""
    said: list[str] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        said.append(notice.message_primary or "")

    connection.add_notice_handler(hear)
    run(
        connection,
        "SET client_min_messages = debug1",
        f"ALTER TABLE root ATTACH PARTITION p FOR VALUES {words}",
    )
    run(connection, "RESET client_min_messages")
    connection.remove_notice_handler(hear)
    return said


def test_bounds_are_known_again(database: Database) -> None:
    connection = database.connect()
    run(connection, "CREATE TYPE mood AS ENUM ('good', 'bad')")
    for kind, strategy, words in KNOWN_AGAIN:
        run(connection, f"CREATE TABLE root (id bigint, k {kind}) PARTITION BY {strategy} (k)")
        prove(connection, words, f"id bigint, k {kind}", default=strategy != "HASH")
    for words in TWO_COLUMNS:
        run(connection, "CREATE TABLE root (a int, b int) PARTITION BY RANGE (a, b)")
        prove(connection, words, "a int, b int", default=True)


def prove(connection: psycopg.Connection[Any], words: str, columns: str, *, default: bool) -> None:
    found = derived(connection, words)

    assert found is not None, (columns, words)

    run(connection, f"CREATE TABLE p ({columns})", f"ALTER TABLE p ADD CONSTRAINT h {check(found)}")
    if default:
        run(
            connection,
            "CREATE TABLE d PARTITION OF root DEFAULT",
            f"ALTER TABLE d ADD CONSTRAINT h {check(outside(found))}",
        )
    said = attached(connection, words)
    run(connection, "DROP TABLE root")

    assert [text for text in said if text.startswith(IMPLIED)], (columns, words, said)
    assert default == bool([text for text in said if text.startswith(DEFAULT_IMPLIED)]), (columns, words)
    assert not {'verifying table "p"', 'verifying table "d"'} & set(said), (columns, words)


def test_nothing_is_derived_where_it_would_not_be_known(database: Database) -> None:
    connection = database.connect()
    for kind, key, words in NOT_DERIVED:
        run(connection, f"CREATE TABLE root (id bigint, k {kind}) PARTITION BY {key}")

        assert derived(connection, words) is None, (kind, key, words)

        run(connection, "DROP TABLE root")


# --- locks

SCHEMA = """
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE root (id bigint, at date NOT NULL, user_id bigint REFERENCES users, PRIMARY KEY (id, at))
        PARTITION BY RANGE (at);
    CREATE TABLE p0 PARTITION OF root FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
    CREATE TABLE p1 PARTITION OF root FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE rest PARTITION OF root DEFAULT;
    CREATE TABLE notes (id bigint, at date, FOREIGN KEY (id, at) REFERENCES root);
    CREATE TABLE p (LIKE root);
"""

LOCKING = [
    "CREATE TABLE new PARTITION OF root FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    "ALTER TABLE root ATTACH PARTITION p FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    "ALTER TABLE root DETACH PARTITION p0",
    "CREATE TABLE new (id bigint, at date, FOREIGN KEY (id, at) REFERENCES root)",
    "CREATE TABLE new (a int) INHERITS (users)",
    "CREATE TABLE new (LIKE root INCLUDING ALL)",
    "CREATE TABLE new AS SELECT * FROM users",
    "CREATE TABLE IF NOT EXISTS new (user_id bigint REFERENCES users ON DELETE CASCADE)",
    "CREATE UNLOGGED TABLE new (user_id bigint REFERENCES users)",
]

STRONGEST: psycopg.sql.SQL = sql.SQL("""
    SELECT n.nspname, c.relname, l.mode FROM pg_locks AS l
    JOIN pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p')
    JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'public'
    WHERE l.pid = pg_backend_pid() AND c.relname <> 'new'
""")


@pytest.mark.parametrize("statement", LOCKING)
def test_locks_are_those_that_the_plan_declares(database: Database, statement: str) -> None:
    connection = database.connect()
    run(connection, SCHEMA)
    with connection.transaction(force_rollback=True):
        run(connection, statement)
        measured = strongest(
            (QualifiedName(schema, name), lock_mode(mode))
            for schema, name, mode in connection.execute(STRONGEST)
        )
    facts = read_facts(connection, journal_schema="migrator")

    assert declared(statement, facts) == {name: m for name, m in measured.items() if m.blocks_writes}


def declared(statement: str, facts: Facts) -> dict[QualifiedName, LockMode]:
    migration = read_migration(f"{statement};", file="1.sql", version="1", name="1")
    (planned,) = plan([migration], facts, Policy(), tool_version="test").statements
    found = strongest((lock.relation, lock.mode) for lock in planned.effect.locks)
    return {name: mode for name, mode in found.items() if mode.blocks_writes}


def strongest(locks: Any) -> dict[QualifiedName, LockMode]:
    found: dict[QualifiedName, LockMode] = {}
    for name, mode in locks:
        known = found.get(name)
        if known is None or known.strength < mode.strength:
            found[name] = mode
    return found


def lock_mode(words: str) -> LockMode:
    """Return the mode from pg_locks' spelling: `ShareRowExclusiveLock`."""
    spelt = words.removesuffix("Lock").upper()
    return next(mode for mode in LockMode if mode.value.replace(" ", "") == spelt)
