"""The size of a backfill's batches: a wall time is aimed at, the application's trouble counts for more.

`Pace` is a value: it learns by `after_batch` and `after_trouble`, which return another one. Times are
milliseconds.
"""

import math
from dataclasses import dataclass, replace

from migrator.policy import Policy

_WINDOW = 20
"""Batches that the percentile looks back on."""
_PERCENTILE = 0.9
_GROWTH = 1.5
_SLOW = 5
"""A batch that takes so many times the target cuts the size to a tenth."""
_SMOOTHING = 0.3
"""Weight of the newest batch in the rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How large the next batch is, and how quick the walk has been."""

    rows: int
    """Rows of the next window."""
    target_ms: int
    least: int
    most: int
    recent: tuple[float, ...] = ()
    """Milliseconds per row of the latest batches."""
    rate: float | None = None
    """Rows a second, smoothed."""

    def after_batch(self, window: int, milliseconds: float, changed: int) -> "Pace":
        """Return the pace after a batch over `window` rows, of which `changed` were changed."""
        recent = (*self.recent, milliseconds / max(window, 1))[-_WINDOW:]
        speed = changed / max(milliseconds, 0.001) * 1000
        rate = speed if self.rate is None else _SMOOTHING * speed + (1 - _SMOOTHING) * self.rate
        if milliseconds > _SLOW * self.target_ms:
            return replace(self, rows=self._within(window // 10), recent=(), rate=rate)
        slow = sorted(recent)[math.ceil(len(recent) * _PERCENTILE) - 1]
        fitting = self.target_ms / max(slow, 1e-6)
        return replace(self, rows=self._within(min(fitting, self.rows * _GROWTH)), recent=recent, rate=rate)

    def after_trouble(self) -> "Pace":
        """Return half the size, after a cancelled batch, a lock not to be had or a deadlock."""
        return replace(self, rows=self._within(self.rows // 2), recent=())

    def narrowed(self) -> "Pace":
        """Return a tenth of the size, down to one row: to find the row that the server refuses."""
        return replace(self, rows=max(self.rows // 10, 1), least=1, most=max(self.rows // 10, 1), recent=())

    def eta_s(self, done: int, estimated: int | None) -> float | None:
        """Return the seconds that remain at this rate, None where rate or number is not known."""
        if not self.rate or estimated is None:
            return None
        return max(estimated - done, 0) / self.rate

    def _within(self, rows: float) -> int:
        return int(min(max(rows, self.least), self.most))


def first_pace(policy: Policy, rows: int | None = None, rate: float | None = None) -> Pace:
    """Return the pace of a walk that begins, or goes on with batches of `rows` rows."""
    wanted = policy.batch_rows if rows is None else rows
    return Pace(
        rows=min(max(wanted, policy.batch_rows_min), policy.batch_rows_max),
        target_ms=policy.batch_target_ms,
        least=policy.batch_rows_min,
        most=policy.batch_rows_max,
        rate=rate,
    )
