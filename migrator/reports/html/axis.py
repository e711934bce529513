"""Scales of the timeline: seconds from left to right, milliseconds upwards by powers of ten."""

from __future__ import annotations

import math

import msgspec

LEFT, RIGHT = 178.0, 988.0
"""Where time begins and ends, in the units of the picture; names stand left of it."""

WIDTH = 1000.0

_TICKS = 10


class Time(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from left to right."""

    begin_s: float
    end_s: float

    def x(self, seconds: float) -> float:
        """Return the place of a moment, at the edge if it is beyond."""
        part = (seconds - self.begin_s) / max(self.end_s - self.begin_s, 1e-9)
        return LEFT + min(max(part, 0.0), 1.0) * (RIGHT - LEFT)

    @property
    def step(self) -> float:
        """The distance of two ticks in seconds: 1, 2 or 5 times a power of ten."""
        least = max(self.end_s - self.begin_s, 1e-9) / _TICKS
        power = 10.0 ** math.floor(math.log10(least))
        return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)

    def ticks(self) -> list[float]:
        """Return the moments that are marked."""
        first = math.ceil(self.begin_s / self.step - 1e-6)
        last = math.floor(self.end_s / self.step + 1e-6)
        return [number * self.step for number in range(first, last + 1)]

    def label(self, seconds: float) -> str:
        """Return a mark's text."""
        decimals = max(0, -math.floor(math.log10(self.step)))
        return f"{seconds:.{decimals}f} s" if self.step >= 0.01 else f"{seconds * 1000:g} ms"  # noqa: PLR2004  # finer marks are told in ms


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds upwards, by powers of ten."""

    highest: int
    """The power of ten at the top."""
    top: float
    bottom: float
    lowest: int = -1

    def y(self, milliseconds: float) -> float:
        """Return the height of a latency, at the edge if it is beyond."""
        power = math.log10(max(milliseconds, 1e-9))
        part = (power - self.lowest) / (self.highest - self.lowest)
        return self.bottom - min(max(part, 0.0), 1.0) * (self.bottom - self.top)

    def ticks(self) -> list[float]:
        """Return the powers of ten in milliseconds."""
        return [10.0**power for power in range(self.lowest, self.highest + 1)]


def highest_power(milliseconds: float) -> int:
    """Return the power of ten above a latency, 2 (100 ms) at least."""
    return max(2, math.ceil(math.log10(max(milliseconds, 1e-9))))
