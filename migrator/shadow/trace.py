"""What a transaction really did to the relations that were there before it: measured on a server.

Locks come from pg_locks, rewrites and index builds from `pg_relation_filenode`, scans from the session's own
counters (`pg_stat_get_xact_numscans`). All of it is read inside the transaction, before it commits. Scratch
databases only: the transaction holds its locks while the trace is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from migrator.plan.effect import RelationLock
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

_SQL = files("migrator.shadow") / "sql"
_RELATIONS = (_SQL / "relations.sql").read_bytes()
_LOCKS = (_SQL / "locks.sql").read_bytes()

_MODES = {mode.catalog_name: mode for mode in LockMode}

_TABLES = frozenset("rpmf")
_WITH_ROWS = frozenset("rm")
_OTHERS = frozenset("iIS")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A relation as it was at one moment."""

    name: QualifiedName
    kind: str
    filenode: int
    bytes: int
    table: int
    """Of an index, the table's oid."""
    parents: tuple[int, ...]
    """What it is a partition or child of."""
    reads: int
    """Scans of the table and of its indexes in this session."""
    scans: int
    """Sequential scans of the table in this session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a transaction did to the relations that existed before."""

    locks: tuple[RelationLock, ...]
    """The strongest on each table and view."""
    other_locks: tuple[RelationLock, ...]
    """The strongest on each index and sequence."""
    scans: tuple[QualifiedName, ...]
    """Tables read from end to end."""
    reads: tuple[QualifiedName, ...]
    """Tables read in any way."""
    rewrites: tuple[QualifiedName, ...]
    """Tables with new storage."""
    index_builds: tuple[QualifiedName, ...]
    """Tables that got an index, or have one with new storage without having new storage themselves."""
    truncated: tuple[QualifiedName, ...]
    """Tables with new storage that is empty: TRUNCATE, or a rewrite of an empty table."""
    within: dict[QualifiedName, frozenset[QualifiedName]]
    """Each relation with what it is a partition or child of, at whatever distance, itself included."""


class Trace:
    """Begin one in a transaction, execute what is to be measured, and ask for `measured()`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._before = _relations(connection)

    def measured(self) -> Measured:
        """Return what has happened since; the transaction must still be open."""
        before, after = self._before, _relations(self._connection)
        kept = [(oid, seen, after[oid]) for oid, seen in before.items() if oid in after]
        stored = {oid for oid, old, new in kept if old.kind in _WITH_ROWS and old.filenode != new.filenode}
        tables = [(old, new) for _, old, new in kept if old.kind in _TABLES]
        held = self._held()
        return Measured(
            locks=tuple(lock for kind, lock in held if kind not in _OTHERS),
            other_locks=tuple(lock for kind, lock in held if kind in _OTHERS),
            scans=_names(old for old, new in tables if new.scans > old.scans),
            reads=_names(old for old, new in tables if new.reads > old.reads),
            rewrites=_names(before[oid] for oid in stored),
            index_builds=_names(before[oid] for oid in _indexed(before, after, stored)),
            truncated=_names(before[oid] for oid in stored if after[oid].bytes == 0),
            within={seen.name: _within(oid, before) for oid, seen in before.items()},
        )

    def _held(self) -> list[tuple[str, RelationLock]]:
        strongest: dict[int, LockMode] = {}
        for oid, mode in self._connection.execute(_LOCKS).fetchall():
            known = strongest.get(oid, LockMode.ACCESS_SHARE)
            strongest[oid] = max(known, _MODES[mode], key=lambda each: each.strength)
        found = [(self._before[oid], mode) for oid, mode in strongest.items() if oid in self._before]
        locks = [(seen.kind, RelationLock(seen.name, mode)) for seen, mode in found]
        return sorted(locks, key=lambda pair: str(pair[1].relation))


def _relations(connection: psycopg.Connection[Any]) -> dict[int, _Seen]:
    return {
        row[0]: _Seen(
            name=QualifiedName(row[1], row[2]),
            kind=row[3],
            filenode=row[4],
            bytes=row[5],
            table=row[6],
            parents=tuple(row[7]),
            reads=int(row[8]),
            scans=int(row[9]),
        )
        for row in connection.execute(_RELATIONS).fetchall()
    }


def _indexed(before: dict[int, _Seen], after: dict[int, _Seen], stored: set[int]) -> set[int]:
    """Return tables of before with a new index, or with one that was built again on its own.

    A change of a column's type makes its indexes anew: over the old file where they fit, else with the rows.
    """
    found = {oid: new for oid, new in after.items() if new.kind == "i" and new.table in before}
    files = {(old.table, old.filenode) for old in before.values() if old.kind == "i"}
    names = {(old.table, old.name) for old in before.values() if old.kind == "i" and old.table in stored}
    added = {
        new.table
        for oid, new in found.items()
        if oid not in before and (new.table, new.filenode) not in files and (new.table, new.name) not in names
    }
    again = {n.table for oid, n in found.items() if oid in before and before[oid].filenode != n.filenode}
    return added | (again - stored)


def _within(oid: int, relations: dict[int, _Seen]) -> frozenset[QualifiedName]:
    seen = relations[oid]
    above = (_within(parent, relations) for parent in seen.parents if parent in relations)
    return frozenset({seen.name}).union(*above)


def _names(seen: Iterable[_Seen]) -> tuple[QualifiedName, ...]:
    return tuple(sorted({each.name for each in seen}, key=str))
