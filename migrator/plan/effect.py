"""What a statement does to the relations it touches: declared by the catalogue, measured by the tests."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


class RelationLock(msgspec.Struct, frozen=True):
    """A lock on one relation."""

    relation: QualifiedName
    mode: LockMode


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Locks per relation, and the work done while they are held."""

    locks: tuple[RelationLock, ...] = ()
    scans: tuple[QualifiedName, ...] = ()
    """Tables read from end to end."""
    rewrites: tuple[QualifiedName, ...] = ()
    """Tables written anew, with all their indexes."""
    index_builds: tuple[QualifiedName, ...] = ()
    """Tables on which an index is built (or rebuilt)."""
    unknown: bool = False
    """An opaque statement: it may do anything."""

    @property
    def worst(self) -> LockMode | None:
        """The strongest lock."""
        return max((lock.mode for lock in self.locks), key=lambda mode: mode.strength, default=None)

    @property
    def long(self) -> bool:
        """Whether the locks are held for a time that grows with a table."""
        return bool(self.scans or self.rewrites or self.index_builds or self.unknown)

    @property
    def blocks_reads_long(self) -> bool:
        """Reads wait for as long as a scan, rewrite or index build takes."""
        return self.long and any(lock.mode.blocks_reads for lock in self.locks)

    @property
    def blocks_writes_long(self) -> bool:
        """Writes wait for as long as a scan, rewrite or index build takes."""
        return self.long and any(lock.mode.blocks_writes for lock in self.locks)
