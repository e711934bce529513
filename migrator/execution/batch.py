"""The size of a backfill's batches: a wall time is aimed at, the application's trouble counts for more.

A batch that its own time limit cancels is halved, down to one row; where one row does not make it, the limit
grows, up to the longest that a row may be held.

`Pace` is a value: it learns by `after_batch` and `after_trouble`, which return another one. Times are
milliseconds.
"""

import math

import msgspec
from msgspec.structs import replace

from migrator.policy import Policy

_WINDOW = 20
"""Batches that the percentile looks back on."""
_PERCENTILE = 0.9
_GROWTH = 1.5
_SLOW = 5
"""A batch that takes so many times the target cuts the size to a tenth."""
_SMOOTHING = 0.3
"""Weight of the newest batch in the rate."""
_LIMIT = 20
"""The time limit of a batch, in times of its target."""
_LEAST_LIMIT_MS = 100
"""Longer than a batch waits for locked rows, which would look like a slow batch otherwise."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How large the next batch is, and how quick the walk has been."""

    rows: int
    """Rows of the next window."""
    target_ms: int
    least: int
    most: int
    limit_ms: int = 4_000
    """The server cancels a batch that takes longer."""
    longest_ms: int = 5_000
    """The limit grows no further."""
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
        grown = max(self.rows * _GROWTH, self.rows + 1)  # one row too has to grow
        return replace(self, rows=self._within(min(fitting, grown)), recent=recent, rate=rate)

    def after_trouble(self) -> "Pace":
        """Return half the size, after a lock not to be had, a deadlock or somebody's cancellation."""
        return replace(self, rows=self._within(self.rows // 2), recent=())

    def after_timeout(self) -> "Pace":
        """Return half the size after a batch ran into its own limit; for one row twice the limit."""
        if self.rows > 1:
            half = self.rows // 2
            return replace(self, rows=half, least=min(self.least, half), recent=())
        return replace(self, limit_ms=min(self.limit_ms * 2, self.longest_ms), recent=())

    @property
    def exhausted(self) -> bool:
        """Neither fewer rows nor more time are to be had."""
        return self.rows == 1 and self.limit_ms >= self.longest_ms

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


def first_pace(
    policy: Policy, rows: int | None = None, rate: float | None = None, statement_ms: int | None = None
) -> Pace:
    """Return the pace of a walk that begins, or goes on with batches of `rows` rows.

    `statement_ms` is the step's own limit, which one row may take if need be.
    """
    wanted = policy.batch_rows if rows is None else max(rows, 1)
    least = policy.batch_rows_min if rows is None else min(policy.batch_rows_min, wanted)
    limit = max(policy.batch_target_ms * _LIMIT, _LEAST_LIMIT_MS)
    return Pace(
        rows=min(max(wanted, least), policy.batch_rows_max),
        target_ms=policy.batch_target_ms,
        least=least,
        most=policy.batch_rows_max,
        limit_ms=limit,
        longest_ms=max(limit, statement_ms or policy.statement_timeout_ms),
        rate=rate,
    )
