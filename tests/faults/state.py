"""What a run must leave, whatever happened on the way: schema, rows, journal, and nothing else."""

from importlib.resources import files
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from migrator.shadow.schema import read_schema
from tests.waiting import until

State = dict[str, Any]

TABLES: LiteralString = """
    SELECT c.oid::regclass::text FROM pg_class AS c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1
"""

JOURNAL: dict[str, LiteralString] = {
    "migrations": "SELECT version, state, error IS NULL FROM migrator.migration ORDER BY 1",
    "steps": "SELECT version, id, state FROM migrator.step ORDER BY 1, 2",
    "walks": "SELECT version, step, rows_done, walked FROM migrator.backfill ORDER BY 1, 2",
    "rows skipped": "SELECT count(*) FROM migrator.skipped",
    "sessions": (
        "SELECT count(*) FROM migrator.session AS s"
        " JOIN pg_stat_activity AS a ON a.pid = s.pid AND a.backend_start = s.backend_start"
    ),
    "steps done": (
        "SELECT version, step, count(*) FROM migrator.attempt WHERE outcome = 'done'"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    ),
    "ends": (
        "SELECT kind, version, count(*) FROM migrator.event WHERE kind = 'migration.applied' GROUP BY 1, 2"
    ),
    "objects": (
        "SELECT relkind, relname FROM pg_class WHERE relnamespace = 'migrator'::regnamespace ORDER BY 1, 2"
    ),
    "expected": (
        "SELECT count(*) FROM migrator.fingerprint AS f,"
        " LATERAL migrator.fingerprints(ARRAY[f.schema_name], ARRAY[f.relation_name]) AS d,"
        " LATERAL migrator.stamps(ARRAY[f.schema_name], ARRAY[f.relation_name]) AS s"
        " WHERE f.digest IS DISTINCT FROM d.digest AND f.stamp IS DISTINCT FROM s.stamp"
    ),
}
"""A step is done once, a row is counted once, and what the journal expects is what is there."""

CATALOGS = Path(__file__).with_name("catalogs.sql").read_text()

SESSIONS: LiteralString = (
    "SELECT application_name, state, query FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name ~ '^migrat' AND query <> ''"
)


def state_of(connection: psycopg.Connection[Any], *, whole: bool) -> State:
    """Everything that must be as in an undisturbed run, on a connection of its own.

    The schema is told by a query over the catalogs, and `whole` as a proof tells it, which takes longer.
    """
    remains = files("migrator.demo").joinpath("remains.sql").read_text().encode()
    left = sorted(text for (text,) in connection.execute(remains, {"journal": "migrator"}))
    journal = {name: connection.execute(query).fetchall() for name, query in JOURNAL.items()}
    rows = {table: _digest(connection, table) for (table,) in connection.execute(TABLES).fetchall()}
    catalogs = [text for (text,) in connection.execute(CATALOGS.encode())]
    found: State = {"left": left, **journal, "rows": rows, "catalogs": catalogs}
    return {**found, "schema": read_schema(connection, without=("migrator",))} if whole else found


def _digest(connection: psycopg.Connection[Any], table: str) -> tuple[Any, ...] | None:
    query = f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} AS t"
    return connection.execute(query.encode()).fetchone()


def differences(found: State, expected: State) -> list[str]:
    """Where the two differ, for people."""
    return [
        f"{name}: {found[name]!r}, undisturbed {expected.get(name)!r}"
        for name in found
        if found[name] != expected.get(name)
    ]


def until_alone(observer: psycopg.Connection[Any]) -> list[Any]:
    """Wait until no session of the run is left, and return those that stay."""
    try:
        until(lambda: not observer.execute(SESSIONS).fetchall(), what="sessions to end", timeout=5.0)
    except AssertionError:
        return observer.execute(SESSIONS).fetchall()
    return []
