"""What a step will take: rows, bytes, time, WAL and disk, as ranges; only of work that grows with a table."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName  # msgspec reads annotations
from migrator.postgres.rates import Pace, Range


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Of one step; None is unknown."""

    migration: str
    step: str
    pace: Pace
    tables: tuple[QualifiedName, ...]
    """Those whose size decides."""
    rows: int | None = None
    """In these tables."""
    bytes: int | None = None
    """Of these tables, without their indexes."""
    seconds: Range | None = None
    wal_bytes: Range | None = None
    disk_bytes: Range | None = None
    """More than before while it is at work; VACUUM or the end of the step gives some of it back."""
    measured: bool = False
    """The speed is one that the journal of the database has seen; else it is assumed."""
