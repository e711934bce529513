"""Estimates in words."""

from migrator.plan.estimate import Estimate
from migrator.postgres.rates import Pace, Range
from migrator.reports.amounts import seconds, size

_DOES = {
    Pace.SCAN: "reads",
    Pace.INDEX: "indexes",
    Pace.REWRITE: "writes anew",
    Pace.BACKFILL: "changes",
}

_NOTABLE_BYTES = 16 * 1024 * 1024
"""Less WAL or disk is not mentioned."""

_NOTABLE_S = 1.0


def estimate_text(estimate: Estimate) -> str:
    """Return `reads about 12 GB in 6 s to 2 min; WAL up to 3 GB; disk up to 5 GB`."""
    if estimate.seconds is None:
        return f"takes as long as {_tables(estimate)} is large, which is not known"
    amount = f"{estimate.rows:,} rows" if estimate.pace is Pace.BACKFILL else size(estimate.bytes or 0)
    parts = [f"{_DOES[estimate.pace]} about {amount}, {_times(estimate.seconds)}"]
    for what, volume in (("WAL", estimate.wal_bytes), ("disk", estimate.disk_bytes)):
        if volume is not None and volume.high >= _NOTABLE_BYTES:
            parts.append(f"{what} {size(round(volume.low))} to {size(round(volume.high))}")
    return "; ".join(parts) + (" (speed as measured there)" if estimate.measured else "")


def _times(span: Range) -> str:
    if span.high < _NOTABLE_S:
        return "less than a second"
    if span.low < _NOTABLE_S:
        return f"up to {seconds(span.high)}"
    return f"{seconds(span.low)} to {seconds(span.high)}"


def _tables(estimate: Estimate) -> str:
    return " and ".join(map(str, estimate.tables))
