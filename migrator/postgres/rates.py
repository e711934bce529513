"""How fast a server does the work whose time grows with a table, as ranges: assumed, or measured there.

What is assumed spans slow network storage and fast local disks. A journal that has seen such work says
better: every run notes how long each step took, and how much there was to do.
"""

import enum

import msgspec


class Range(msgspec.Struct, frozen=True):
    """From the lowest to the highest that is to be expected."""

    low: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        """Return the sum, end by end."""
        return Range(self.low + other.low, self.high + other.high)


class Pace(enum.StrEnum):
    """A kind of work, and the unit in which its speed is counted."""

    SCAN = "scan"
    """Reading a table from end to end and judging its rows: bytes of the table a second."""
    INDEX = "index"
    """Building indexes, CONCURRENTLY (two scans and a sort) or not: bytes of the table a second for each."""
    REWRITE = "rewrite"
    """Writing a table anew with its indexes: bytes of the table a second."""
    BACKFILL = "backfill"
    """Changing rows in batches: rows a second."""


_MEGABYTE = 1_000_000.0

ASSUMED: dict[Pace, Range] = {
    Pace.SCAN: Range(100 * _MEGABYTE, 2_000 * _MEGABYTE),
    Pace.INDEX: Range(20 * _MEGABYTE, 250 * _MEGABYTE),
    Pace.REWRITE: Range(20 * _MEGABYTE, 250 * _MEGABYTE),
    Pace.BACKFILL: Range(5_000.0, 100_000.0),
}
"""Where nothing was measured; `benchmarks/estimates.py` compares them with what happens."""

FEW = 5
"""Below so many measurements the range is made wider."""

_WIDER = 2.0


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal has seen of one kind of work."""

    pace: Pace
    steps: int
    """So many of them were measured."""
    slow: float
    """Units a second, the tenth percentile."""
    fast: float
    """The ninetieth."""

    @property
    def range(self) -> Range:
        """The speed to be expected of the next such work."""
        wider = _WIDER if self.steps < FEW else 1.0
        return Range(self.slow / wider, self.fast * wider)


def pace_of(pace: Pace, measured: tuple[Measured, ...]) -> tuple[Range, bool]:
    """Return the speed to be expected, and whether it was measured on that server."""
    found = next((each for each in measured if each.pace is pace and each.slow > 0), None)
    return (ASSUMED[pace], False) if found is None else (found.range, True)
