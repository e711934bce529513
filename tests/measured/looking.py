"""Two looks at a database and what happened in between, as `migrator.shadow` sees it, and every scan."""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from migrator.postgres.lock_modes import LockMode
from migrator.shadow.relations import RELATIONS, TABLES, Relations, read, without
from migrator.shadow.trace import Measured, changes

Held = dict[int, LockMode]
"""The strongest lock on each relation, by oid."""

Connection = psycopg.Connection[tuple[Any, ...]]

_MODES = {mode.catalog_name: mode for mode in LockMode}

CASE = "case_"
"""So begin the namespaces of cases."""

_RELATIONS = (
    b"SELECT * FROM ("
    + RELATIONS
    + b") AS r (oid, schema) WHERE schema = %(namespace)s OR NOT starts_with(schema, 'case_')"
)

_LOCKS: LiteralString = """
    SELECT relation::bigint, mode FROM pg_locks
    WHERE pid = %s AND locktype = 'relation'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What happened."""

    measured: Measured
    scans: frozenset[str]
    """Tables read from end to end, under whatever lock."""
    sequences: frozenset[str]


def relations(connection: Connection, namespace: str) -> Relations:
    """Look at every relation outside the namespaces of other cases; scans are those of the session."""
    found = connection.execute(_RELATIONS, {**without("migrator"), "namespace": namespace}).fetchall()
    return read(found)


def locks(connection: Connection, session: int, known: Held) -> Held:
    """Return the strongest lock that a session has, or waits for, on each relation, beside those known."""
    found = dict(known)
    for oid, name in connection.execute(_LOCKS, [session]).fetchall():
        weakest = found.get(oid, LockMode.ACCESS_SHARE)
        found[oid] = max(weakest, _MODES[name], key=lambda mode: mode.strength)
    return found


def between(before: Relations, after: Relations, held: Held, *, outside: bool = False) -> Seen:
    """Compare two looks; of statements outside a transaction nothing tells what they read."""
    kept = [(old, after[oid]) for oid, old in before.items() if oid in after and old.kind in TABLES]
    return Seen(
        measured=changes(before, after, held, outside=outside, blind=outside),
        scans=frozenset(str(old.name) for old, new in kept if not outside and new.scans > old.scans),
        sequences=frozenset(str(old.name) for old in before.values() if old.kind == "S"),
    )
