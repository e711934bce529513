"""Estimates of the steps whose time grows with a table: from sizes, and speeds assumed or measured. Pure.

The formulas are rough and say so by their ranges; `benchmarks/estimates.py` compares them with what happens.
A table of unknown size has an estimate without numbers: that it is unknown is worth saying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.plan.estimate import Estimate
from migrator.plan.step import Backfill, BuildIndex, PartitionConstraints, PartitionIndexes
from migrator.postgres.rates import Pace, Range, pace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from migrator.plan.step import Step
    from migrator.postgres.facts import Facts, Relation
    from migrator.postgres.identifiers import QualifiedName

_TUPLE_BYTES = 28
"""Header and line pointer of a row version, aligned."""

_ENTRY_BYTES = 16
"""Header and line pointer of an entry in a B-tree, with its share of inner pages."""

_FILL = 0.9
"""Of a page of a B-tree."""

_DEDUPLICATED = 0.3
"""Of its full size a B-tree over few different values may have (13+)."""

_WAL_RECORD_BYTES = 100
"""Of a change to one page, without the row."""

_WIDTHS = {
    "boolean": 1,
    "smallint": 2,
    "integer": 4,
    "real": 4,
    "date": 4,
    "bigint": 8,
    "double precision": 8,
    "uuid": 16,
}
_WIDE = 24
"""Of a value whose type has no fixed width."""


def estimates(steps: Iterable[Step], before: Facts, after: Facts) -> tuple[Estimate, ...]:
    """Return the estimates of the steps that have one: sizes as `before`, indexes that come as `after`."""
    return tuple(found for step in steps for found in _of_step(step, before, after))


def _of_step(step: Step, before: Facts, after: Facts) -> Iterator[Estimate]:
    pace, names = _work(step)
    tables = [relation for name in names if (relation := before.relation(name)) is not None]
    if pace is None or not tables:
        return
    rows, size = _total(r.rows for r in tables), _total(r.bytes for r in tables)
    if size == 0:
        return
    speed, measured = pace_of(pace, before.measured)
    units = rows if pace is Pace.BACKFILL else size
    wal, disk = _volume(step, pace, tables, after)
    yield Estimate(
        migration=step.migration,
        step=step.id,
        pace=pace,
        tables=tuple(relation.name for relation in tables),
        rows=rows,
        bytes=size,
        seconds=None if units is None else Range(_round(units / speed.high), _round(units / speed.low)),
        wal_bytes=wal,
        disk_bytes=disk,
        measured=measured,
    )


def _work(step: Step) -> tuple[Pace | None, tuple[QualifiedName, ...]]:
    """Return the kind of work that takes longest, and on which tables."""
    work, effect = step.work, step.effect
    match work:
        case Backfill():
            return Pace.BACKFILL, (work.table,)
        case BuildIndex() | PartitionIndexes():
            return Pace.INDEX, (work.table,)
        case PartitionConstraints():
            return Pace.SCAN, (work.table,)
        case _ if effect.rewrites:
            return Pace.REWRITE, effect.rewrites
        case _ if effect.index_builds:
            return Pace.INDEX, effect.index_builds
        case _ if effect.scans:
            return Pace.SCAN, effect.scans
        case _:
            return None, ()


def _total(values: Iterable[int | None]) -> int | None:
    found = list(values)
    return None if any(value is None for value in found) else sum(value or 0 for value in found)


def _volume(
    step: Step, pace: Pace, tables: list[Relation], after: Facts
) -> tuple[Range | None, Range | None]:
    """Return the WAL that it writes, and the disk that it takes, in bytes."""
    rows, size = _total(r.rows for r in tables), _total(r.bytes for r in tables)
    if rows is None or size is None:
        return None, None
    match pace:
        case Pace.SCAN:
            return Range(0, 0), Range(0, 0)
        case Pace.INDEX:
            full = rows * (_ENTRY_BYTES + _key_width(step, after)) / _FILL
            built = Range(_round(full * _DEDUPLICATED), _round(full * 1.2))
            return built, Range(built.low, built.high * 2)  # the sort may spill as much again
        case Pace.REWRITE:
            indexes = sum(index.bytes or 0 for relation in tables for index in relation.indexes)
            anew = Range(_round(0.8 * (size + indexes)), _round(1.2 * (size + indexes)))
            return anew, anew
        case Pace.BACKFILL:
            return _backfilled(rows, size, tables)


def _backfilled(rows: int, size: int, tables: list[Relation]) -> tuple[Range, Range]:
    """Every row is written once more; unless its new version fits on its page, so are its index entries.

    With full_page_writes every page that is touched may be in the WAL as a whole, once a checkpoint.
    """
    found = [index for relation in tables for index in relation.indexes]
    indexes = sum(rows * _ENTRY_BYTES * 2 if index.bytes is None else index.bytes for index in found)
    records = rows * _WAL_RECORD_BYTES * (1 + len(found))
    least = size + rows * _TUPLE_BYTES
    wal = Range(_round(least), _round(least + size + indexes + records))
    return wal, Range(_round(0.2 * size), _round(1.2 * size + 1.1 * indexes + rows * _TUPLE_BYTES))


def _key_width(step: Step, after: Facts) -> int:
    """Return the bytes of the key of the index that is built; of an unknown one those of two wide values."""
    work = step.work
    if not isinstance(work, BuildIndex | PartitionIndexes):
        return 2 * _WIDE
    relation = after.relation(work.table)
    index = None if relation is None else relation.index(work.index.name)
    if relation is None or index is None or not index.keys:
        return 2 * _WIDE
    names = [*index.keys, *index.included]
    columns = [None if name is None else relation.column(name) for name in names]
    return sum(_WIDE if column is None else _width(column.type) for column in columns)


def _width(type_name: str) -> int:
    fixed = 8 if type_name.startswith("time") else _WIDTHS.get(type_name, _WIDE)
    return -(-fixed // 8) * 8


def _round(value: float) -> float:
    """Return two digits: more would say what nobody knows."""
    return float(f"{value:.2g}")
