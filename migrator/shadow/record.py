"""What was traced of a run, piece by piece: transactions, and statements outside one, each with whose it is.

Times are the server's, in seconds since 1970; what the tracing itself took, or made a statement wait, is
noted apart and taken off where times are handed out (`Timeline`).
"""

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate

import msgspec

from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.trace import Measured

Key = tuple[str, str]
"""Whose it is: a migration's version and a step's id, or a statement's number."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The strongest lock of a transaction on one relation."""

    relation: QualifiedName
    mode: LockMode
    other: bool
    """On an index or a sequence."""
    began: float
    ended: float


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction, or one statement outside a transaction."""

    key: Key
    began: float
    ended: float
    held: tuple[Held, ...]
    wal_bytes: int
    measured: Measured | None
    """None where only times and locks are traced, and of what was rolled back."""


@dataclass(slots=True, kw_only=True)
class Timeline:
    """The run's time without what the tracing added to it; its beginning is the first moment noted."""

    spent: list[tuple[float, float]] = field(default_factory=list)
    """From when to when the tracing was at work, or made the run wait."""
    origin: float | None = None
    _began: list[float] = field(default_factory=list)
    _before: list[float] = field(default_factory=list)
    _merged: list[tuple[float, float]] = field(default_factory=list)

    def begin(self, moment: float) -> None:
        """Note a moment of the run; the earliest of them is its beginning."""
        self.origin = moment if self.origin is None else min(moment, self.origin)

    def at(self, moment: float) -> float:
        """Return the seconds from the run's beginning to this moment of the server's clock."""
        self._merge()
        origin = moment if self.origin is None else self.origin
        return self._net(moment) - self._net(origin)

    def _net(self, moment: float) -> float:
        """Return the moment less all that was spent before it."""
        count = bisect(self._began, moment)
        if count == 0:
            return moment
        began, ended = self._merged[count - 1]
        return moment - self._before[count - 1] - (min(moment, ended) - began)

    def _merge(self) -> None:
        """Make one ordered list of what was noted, without overlaps."""
        if not self.spent:
            return
        merged: list[tuple[float, float]] = []
        for began, ended in sorted([*self._merged, *self.spent]):
            if merged and began <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], ended))
            else:
                merged.append((began, ended))
        self.spent.clear()
        self._merged = merged
        self._began = [began for began, _ in merged]
        self._before = [0.0, *accumulate(ended - began for began, ended in merged)]
