"""What looking for drift costs while a step holds its lock: `python -m benchmarks.fingerprint URL [ROUNDS]`.

URL is a scratch database; the schemas `fingerprint_benchmark` and `fingerprint_journal` are made in it and
dropped again. Two forms are measured in turn, in transactions that are rolled back, between LOCK TABLE and
the end of the journal's rows, by the server's own clock:

digests   the definitions are turned into text and hashed after LOCK TABLE, and once more after the DDL
stamps    what `migrate apply` does: digests before and after the transaction, stamps in it

The first transaction of a session is told apart from the others, whose median is shown.
"""

import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from migrator.database import commands
from migrator.database.commands import Command, names_of, plain
from migrator.database.journal_commands import JournalCommands
from migrator.database.journal_store import JournalStore
from migrator.database.pipeline import Part, Placed, send
from migrator.database.session import Connector
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import Phase, Recovery, SessionState, Step, Timeouts, Transaction
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

SCHEMA, JOURNAL = "fingerprint_benchmark", "fingerprint_journal"

SIZES = (1, 10, 100)

MAKE = """
    CREATE SCHEMA fingerprint_benchmark;
    CREATE TABLE fingerprint_benchmark.events (
        id bigint PRIMARY KEY, at timestamptz DEFAULT now(), kind text NOT NULL DEFAULT 'new',
        CHECK (kind <> ''),
        amount numeric, account bigint, note varchar(200), data jsonb) PARTITION BY RANGE (id);
    CREATE INDEX ON fingerprint_benchmark.events (lower(note)) WHERE amount > 0;
    DO $$ BEGIN
        FOR n IN 1 .. 100 LOOP
            EXECUTE format('CREATE TABLE fingerprint_benchmark.events_%s PARTITION OF
                fingerprint_benchmark.events FOR VALUES FROM (%s) TO (%s)', n, n * 1000, n * 1000 + 1000);
        END LOOP;
    END $$
"""

DIGESTS_CHECKED = """
    SELECT CASE WHEN count(*) > 0 THEN ('drift: ' || string_agg(f.relation_name, ', '))::integer END
    FROM {journal}.fingerprint AS f,
        LATERAL {journal}.fingerprints(ARRAY[f.schema_name], ARRAY[f.relation_name]) AS n
    WHERE f.version = 'b' AND f.digest IS DISTINCT FROM n.digest
        AND (f.schema_name, f.relation_name) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))
"""

DIGESTS_WRITTEN = (
    "UPDATE {journal}.step SET state = 'done' WHERE version = 'b' AND id = '1.1'",
    """
    INSERT INTO {journal}.fingerprint (version, schema_name, relation_name, digest, step)
    SELECT 'b', n.schema_name, n.relation_name, n.digest, '1.1'
    FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS known (schema_name, relation_name),
        LATERAL {journal}.fingerprints(ARRAY[known.schema_name], ARRAY[known.relation_name]) AS n
    ON CONFLICT (version, schema_name, relation_name) DO UPDATE SET digest = excluded.digest
    """,
    """
    INSERT INTO {journal}.attempt (version, step, number, run, began_at, outcome, lock_attempts)
    SELECT 'b', '1.1', coalesce(max(number), 0) + 1, 1, clock_timestamp(), 'done', 1
    FROM {journal}.attempt WHERE version = 'b' AND step = '1.1'
    """,
)

CLOCK = plain("SELECT clock_timestamp()")


def main(url: str, rounds: int) -> None:
    connector = Connector(conninfo=url)
    with connector.session("benchmark") as connection:
        connection.execute("SET client_min_messages TO warning")
        drop(connection)
        try:
            make(connection)
            print(f"PostgreSQL {connection.info.server_version // 10000}, milliseconds under the lock")
            print("| relations | digests: first | others | stamps: first | others | stamps take |")
            print("|--:|--:|--:|--:|--:|--:|")
            for size in SIZES:
                print(row(connector, size, rounds))
        finally:
            drop(connection)


def make(connection: psycopg.Connection[Any]) -> None:
    """Make the tables and a journal that knows them all."""
    connection.execute(MAKE)
    JournalStore(connection, JOURNAL).install()
    rows = (
        "INSERT INTO {}.run (tool_version) VALUES ('benchmark')",
        """INSERT INTO {}.migration (version, name, file, state, checksums, live)
            VALUES ('b', 'b', 'b', 'begun', '{{}}', true)""",
        "INSERT INTO {}.step (version, id, state, phase, title) VALUES ('b', '1.1', 'begun', 'expand', 'b')",
    )
    for text in rows:
        connection.execute(sql.SQL(text).format(sql.Identifier(JOURNAL)))


def drop(connection: psycopg.Connection[Any]) -> None:
    """Drop both schemas."""
    for name in (JOURNAL, SCHEMA):
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


def row(connector: Connector, size: int, rounds: int) -> str:
    """Measure both forms in turn, each in a session of its own, and return a line of the table."""
    relations = [QualifiedName(SCHEMA, f"events_{number}") for number in range(1, size + 1)]
    measured: dict[str, list[float]] = {}
    with connector.session("digests") as first, connector.session("stamps") as second:
        know(first, relations)
        stamps = looked(second, relations)
        for _ in range(rounds):
            measured.setdefault("digests", []).append(seconds(first, with_digests(relations)))
            measured.setdefault("stamps", []).append(seconds(second, with_stamps(relations, stamps)))
    old, new = (1000 * statistics.median(measured[form][1:]) for form in ("digests", "stamps"))
    cold = [1000 * measured[form][0] for form in ("digests", "stamps")]
    return f"| {size} | {cold[0]:.1f} | {old:.2f} | {cold[1]:.1f} | {new:.2f} | {new / old:.2f} times that |"


def know(connection: psycopg.Connection[Any], relations: Sequence[QualifiedName]) -> None:
    """Have the journal expect these relations, and no others, as they are."""
    journal = sql.Identifier(JOURNAL)
    connection.execute(sql.SQL("DELETE FROM {}.fingerprint").format(journal))
    text = "INSERT INTO {0}.fingerprint SELECT 'b', * FROM {0}.fingerprints(%(schemas)s, %(names)s)"
    connection.execute(sql.SQL(text).format(journal), names_of(relations))


def looked(
    connection: psycopg.Connection[Any], relations: Sequence[QualifiedName]
) -> Mapping[QualifiedName, str]:
    """Look at the definitions as a run does before an attempt."""
    command = JournalCommands(JOURNAL).look("b", relations)
    rows = connection.execute(command.query, command.parameters).fetchall()
    return {QualifiedName(each[0], each[1]): each[3] for each in rows}


def with_digests(relations: Sequence[QualifiedName]) -> list[list[Command]]:
    """Return what comes before LOCK TABLE, and what comes after it."""
    journal, names = sql.Identifier(JOURNAL), names_of(relations)
    texts = (DIGESTS_CHECKED, *DIGESTS_WRITTEN)
    under = [Command(query=sql.SQL(text).format(journal=journal), parameters=names) for text in texts]
    return [[], under]


def with_stamps(
    relations: Sequence[QualifiedName], stamps: Mapping[QualifiedName, str]
) -> list[list[Command]]:
    """Return the same, as `migrate apply` sends it."""
    journal = JournalCommands(JOURNAL)
    journal.run = 1
    step = Step(
        migration="b",
        id="1.1",
        phase=Phase.EXPAND,
        title="b",
        work=Transaction(statements=()),
        recovery=Recovery.TRANSACTIONAL,
        effect=Effect(locks=tuple(RelationLock(name, LockMode.ACCESS_EXCLUSIVE) for name in relations)),
        session=SessionState(),
        timeouts=Timeouts(lock_ms=100, statement_ms=200, deadline_s=10.0),
        statement=1,
    )
    check = journal.check_stamps(stamps)
    return [[journal.warm_end_step(), check], [check, *journal.end_step(step, 1, 0.0)]]


def seconds(connection: psycopg.Connection[Any], parts: list[list[Command]]) -> float:
    """Send one transaction and return how long the second part took after LOCK TABLE."""
    before, under = parts
    lock = plain(f"LOCK TABLE {SCHEMA}.events IN ACCESS EXCLUSIVE MODE")
    sent = [commands.BEGIN, *before, lock, CLOCK, *under, CLOCK, commands.ROLLBACK]
    cursors = send(connection, [Placed(command=each, part=Part.STATEMENT) for each in sent])
    times = [cursor.fetchall()[0][0] for cursor, each in zip(cursors, sent, strict=True) if each is CLOCK]
    return float((times[1] - times[0]).total_seconds())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30)
