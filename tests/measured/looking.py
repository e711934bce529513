"""Two looks at a database, and what happened in between: as `migrator.shadow` compares them, and every scan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from migrator.postgres.lock_modes import LockMode
from migrator.shadow.relations import RELATIONS, TABLES, Relations, read, without
from migrator.shadow.trace import Measured, changes

Connection = psycopg.Connection[tuple[Any, ...]]

_MODES = {mode.catalog_name: mode for mode in LockMode}

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


def relations(connection: Connection, others: list[str]) -> Relations:
    """Look at every relation outside other schemas; scans are those of the connection's session."""
    system = without("migrator")["without"]
    return read(connection.execute(RELATIONS, {"without": [*system, *others]}).fetchall())


def locks(connection: Connection, session: int, known: Mapping[int, LockMode]) -> dict[int, LockMode]:
    """Return the strongest lock that a session has, or waits for, on each relation, beside those known."""
    found = dict(known)
    for oid, name in connection.execute(_LOCKS, [session]).fetchall():
        weakest = found.get(oid, LockMode.ACCESS_SHARE)
        found[oid] = max(weakest, _MODES[name], key=lambda mode: mode.strength)
    return found


def between(
    before: Relations, after: Relations, held: Mapping[int, LockMode], *, outside: bool = False
) -> Seen:
    """Compare two looks; of statements outside a transaction nothing tells what they read."""
    kept = [(old, after[oid]) for oid, old in before.items() if oid in after and old.kind in TABLES]
    return Seen(
        measured=changes(before, after, held, outside=outside, blind=outside),
        scans=frozenset(str(old.name) for old, new in kept if not outside and new.scans > old.scans),
        sequences=frozenset(str(old.name) for old in before.values() if old.kind == "S"),
    )
