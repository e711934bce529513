"""What a transaction, or a statement outside one, really did to the relations that were there before it.

Rewrites and index builds are seen by `pg_relation_filenode`, scans by the session's own counters
(`pg_stat_get_xact_numscans`), which are not flushed while a transaction is open; locks by pg_locks.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from migrator.plan.effect import RelationLock
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.relations import OTHERS, TABLES, WITH_ROWS, Relations, Seen, within

HARMLESS = frozenset({LockMode.ACCESS_SHARE, LockMode.ROW_SHARE})
"""Modes that neither reads nor writes wait for, nor an index build; taken by whoever reads."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to the relations that existed before."""

    locks: tuple[RelationLock, ...] = ()
    """The strongest on each table and view."""
    other_locks: tuple[RelationLock, ...] = ()
    """The strongest on each index and sequence."""
    scans: tuple[QualifiedName, ...] = ()
    """Tables read from end to end under more than ROW SHARE."""
    reads: tuple[QualifiedName, ...] = ()
    """Tables read in any way."""
    rewrites: tuple[QualifiedName, ...] = ()
    """Tables with new storage."""
    index_builds: tuple[QualifiedName, ...] = ()
    """Tables that got an index, or have one with new storage without having new storage themselves."""
    truncated: tuple[QualifiedName, ...] = ()
    """Tables with new storage that is empty: TRUNCATE, or a rewrite of an empty table."""
    within: Mapping[QualifiedName, frozenset[QualifiedName]]
    """Each relation with what it is a partition or child of, at whatever distance, itself included."""
    made: frozenset[QualifiedName] = frozenset()
    """Relations that were not there before."""
    outside: bool = False
    """It ran outside a transaction, in as many of its own as the server made of it."""
    blind: bool = False
    """Nothing tells what it read."""

    @property
    def work(self) -> tuple[QualifiedName, ...]:
        """Tables on which it did what takes the longer the larger they are."""
        rewritten = set(self.rewrites) - set(self.truncated)
        return tuple(sorted({*self.scans, *rewritten, *self.index_builds}, key=str))


def changes(
    before: Relations,
    after: Relations,
    held: Mapping[int, LockMode],
    *,
    outside: bool = False,
    blind: bool = False,
) -> Measured:
    """Compare two moments; `held` is the strongest lock of the time between on each relation, by oid.

    `blind`: the counters of scans say nothing; but what an index is built on was read.
    """
    kept = [(oid, seen, after[oid]) for oid, seen in before.items() if oid in after]
    stored = {oid for oid, old, new in kept if old.kind in WITH_ROWS and old.filenode != new.filenode}
    tables = [(oid, old, new) for oid, old, new in kept if old.kind in TABLES]
    locks = sorted(
        ((before[o], m) for o, m in held.items() if o in before), key=lambda pair: str(pair[0].name)
    )
    indexed = _indexed(before, after, stored)
    scanned = {oid for oid, old, new in tables if not blind and new.scans > old.scans}
    used = {new.table for _, old, new in kept if old.kind == "i" and new.scans > old.scans}
    read = indexed | stored if blind else scanned | used
    return Measured(
        locks=tuple(RelationLock(seen.name, mode) for seen, mode in locks if seen.kind not in OTHERS),
        other_locks=tuple(RelationLock(seen.name, mode) for seen, mode in locks if seen.kind in OTHERS),
        scans=_names(before[oid] for oid in scanned if held.get(oid, LockMode.ACCESS_SHARE) not in HARMLESS),
        reads=_names(before[oid] for oid in read if oid in before),
        rewrites=_names(before[oid] for oid in stored),
        index_builds=_names(before[oid] for oid in indexed),
        truncated=_names(before[oid] for oid in stored if after[oid].bytes == 0),
        within={seen.name: within(oid, before) for oid, seen in before.items()},
        made=frozenset(seen.name for oid, seen in after.items() if oid not in before),
        outside=outside,
        blind=blind,
    )


def together(parts: Sequence[Measured]) -> Measured:
    """Return what several transactions of one step did: of each lock the strongest, all else that any did."""
    rewritten = {name for part in parts for name in set(part.rewrites) - set(part.truncated)}
    truncated = {name for part in parts for name in part.truncated}
    return Measured(
        locks=strongest(lock for part in parts for lock in part.locks),
        other_locks=strongest(lock for part in parts for lock in part.other_locks),
        scans=_all(part.scans for part in parts),
        reads=_all(part.reads for part in parts),
        rewrites=_all(part.rewrites for part in parts),
        index_builds=_all(part.index_builds for part in parts),
        truncated=_all([truncated - rewritten]),
        within={name: above for part in reversed(parts) for name, above in part.within.items()},
        made=frozenset().union(*(part.made for part in parts)),
        outside=any(part.outside for part in parts),
        blind=any(part.blind for part in parts),
    )


def strongest(locks: Iterable[RelationLock]) -> tuple[RelationLock, ...]:
    """Return the strongest lock on each relation, by name."""
    found: dict[QualifiedName, LockMode] = {}
    for lock in locks:
        known = found.get(lock.relation, LockMode.ACCESS_SHARE)
        found[lock.relation] = max(known, lock.mode, key=lambda mode: mode.strength)
    return tuple(RelationLock(name, found[name]) for name in sorted(found, key=str))


def _indexed(before: Relations, after: Relations, stored: set[int]) -> set[int]:
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


def _names(seen: Iterable[Seen]) -> tuple[QualifiedName, ...]:
    return tuple(sorted({each.name for each in seen}, key=str))


def _all(names: Iterable[Iterable[QualifiedName]]) -> tuple[QualifiedName, ...]:
    return tuple(sorted({name for some in names for name in some}, key=str))
