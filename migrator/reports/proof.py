"""A proof as text: the verdict first, then what was measured step by step, then what was not proved."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from migrator.postgres.lock_modes import LockMode
from migrator.reports.proof_traffic import traffic_lines
from migrator.reports.words import MARGIN, WIDTH, counted, names, prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from migrator.plan.plan import Plan
    from migrator.plan.proof import LockSpan, Measurement, Proof
    from migrator.postgres.identifiers import QualifiedName

_HARMLESS = frozenset({LockMode.ACCESS_SHARE, LockMode.ROW_SHARE})

_KIB, _MIB = 1024, 1024 * 1024


def render(plan: Plan, proof: Proof) -> str:
    """Return the report."""
    return "\n".join(_lines(plan, proof)) + "\n"


def verdict(proof: Proof) -> str:
    """Return the line that says what was proved, or what stands in the way."""
    where = f"PostgreSQL {proof.server} ({proof.shadow}) with {proof.rows:,} rows per table"
    if proof.holds:
        exclusive = _milliseconds(proof.longest_exclusive_s)
        under = names(_worked_under_exclusive(proof.steps))
        work = f"under it work on {under}" if under else "no scan under it"
        rest = "; some things are not proved" if proof.unproved or proof.unfilled else ""
        same = "schema identical, rows identical"
        return f"proved on {where}: {same}, longest ACCESS EXCLUSIVE {exclusive}, {work}{rest}"
    return f"not proved on {where}: {', '.join(_reasons(proof))}"


def _reasons(proof: Proof) -> Iterator[str]:
    refused = [step for step in proof.steps if step.error]
    if refused:
        yield f"step {refused[0].id} was refused"
    differing = [step for step in proof.steps if step.differences]
    if differing:
        yield f"{counted(len(differing), 'step')} not as declared"
    if proof.schema_differences:
        yield f"{counted(len(proof.schema_differences), 'difference')} of the schema"
    if proof.row_differences:
        yield f"{counted(len(proof.row_differences), 'difference')} of the rows"


def _worked_under_exclusive(steps: Iterable[Measurement]) -> list[QualifiedName]:
    """Return the tables that were read or written from end to end while nobody could use them."""
    found: list[QualifiedName] = []
    for step in steps:
        exclusive = {span.relation for span in step.locks if span.mode is LockMode.ACCESS_EXCLUSIVE}
        found += [name for name in (*step.scans, *step.rewrites, *step.index_builds) if name in exclusive]
    return found


def _lines(plan: Plan, proof: Proof) -> Iterator[str]:
    yield verdict(proof)
    several = len(plan.migrations) > 1
    for migration in plan.migrations:
        yield ""
        yield f"{migration.file}, the plan"
        yield from _measured([m for m in proof.steps if m.migration == migration.version])
        yield ""
        yield f"{migration.file if several else 'the same'}, as written"
        yield from _measured([m for m in proof.statements if m.migration == migration.version])
    yield from traffic_lines(proof)
    yield from _section("the schema differs", proof.schema_differences)
    yield from _section("the rows differ", proof.row_differences)
    yield from _section("not proved", (*proof.unfilled, *proof.unproved))


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title}:"
        for line in lines:
            yield from prose(line, indent="  ")


def _measured(measurements: Sequence[Measurement]) -> Iterator[str]:
    if not measurements:
        yield f"{MARGIN}nothing was measured"
    for each in measurements:
        yield f"  {each.id:<5}{_short(each.title)}"
        yield from prose(_costs(each))
        for line in _locks(each.locks):
            yield from prose(line)
        for line in each.differences:
            yield from prose(f"not as declared: {line}")
        if each.error:
            yield from prose(f"refused: {each.error}")


def _costs(measured: Measurement) -> str:
    work = [
        f"rewrites {names(measured.rewrites)}" if measured.rewrites else "",
        f"builds an index on {names(measured.index_builds)}" if measured.index_builds else "",
        f"scans {names(measured.scans)}" if measured.scans else "",
    ]
    done = ", ".join(part for part in work if part) or "no scan, no rewrite"
    in_all = "" if measured.transactions == 1 else f" in {counted(measured.transactions, 'transaction')}"
    return f"{_milliseconds(measured.seconds)}{in_all}, {_bytes(measured.wal_bytes)} of WAL; {done}"


def _locks(spans: Sequence[LockSpan]) -> Iterator[str]:
    """Say how long each lock was held that anybody may have waited for; of several the longest."""
    longest: dict[tuple[LockMode, object], float] = {}
    for span in spans:
        key = (span.mode, span.relation)
        longest[key] = max(longest.get(key, 0.0), span.seconds)
    for (mode, relation), seconds in longest.items():
        if mode not in _HARMLESS:
            yield f"{mode} on {relation} for {_milliseconds(seconds)}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"


def _bytes(number: int) -> str:
    if number < _MIB:
        return f"{number / _KIB:,.0f} kB"
    return f"{number / _MIB:,.1f} MB"


def _short(title: str) -> str:
    return textwrap.shorten(title, WIDTH - len(MARGIN), placeholder=" …")
