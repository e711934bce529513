"""The files: for each a table of its steps, what is written beside what runs, and the SQL of the steps."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from migrator.plan.step import Backfill, Phase
from migrator.reports.markdown import differences, sql
from migrator.reports.markdown.escape import code, table, text, unbroken
from migrator.reports.markdown.sizes import amount_of
from migrator.reports.words import counted, duration, work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migrator.plan.estimate import Estimate
    from migrator.plan.plan import PlannedMigration, SourceStatement
    from migrator.plan.step import Step, Timeouts
    from migrator.reports.markdown.detail import Detail
    from migrator.reports.subject import Subject

_HEAD = (
    "Step",
    "Phase",
    "What",
    "Lock",
    "Work",
    "Size, and what it takes (estimated)",
    "Timeouts: lock / statement / all attempts",
)

_NAMED = 3
"""Relations that a cell names."""

_PATH = 200


def lines(subject: Subject, detail: Detail) -> Iterator[str]:
    """Give the lines of every file, as far as there is room for their steps."""
    steps: dict[str, list[Step]] = defaultdict(list)
    statements: dict[str, list[SourceStatement]] = defaultdict(list)
    estimates: dict[str, list[Estimate]] = defaultdict(list)
    for step in subject.plan.steps:
        steps[step.migration].append(step)
    for statement in subject.plan.statements:
        statements[statement.migration].append(statement)
    for estimate in subject.plan.estimates:
        estimates[estimate.migration].append(estimate)
    left, untold = detail.steps, 0
    for migration in subject.plan.migrations:
        mine = steps[migration.version]
        if mine and left <= 0:
            untold += 1
            continue
        yield from _file(migration, mine, estimates[migration.version], left, subject)
        if detail.differences:
            yield from differences.lines(statements[migration.version], mine)
        if detail.sql:
            yield from sql.lines(mine)
        left -= len(mine)
    if untold:
        yield ""
        yield f"{counted(untold, 'more file')}, whose steps are not shown."


def _file(
    migration: PlannedMigration,
    steps: Sequence[Step],
    estimates: Sequence[Estimate],
    left: int,
    subject: Subject,
) -> Iterator[str]:
    waiting = sum(step.phase is Phase.CONTRACT for step in steps)
    contract = f", {waiting:,} of them on demand (`migrate contract`)" if waiting else ""
    yield ""
    yield f"### {code(subject.path(migration.file), _PATH)}"
    yield ""
    if not steps:
        yield "Nothing is left to run."
        return
    yield f"{counted(len(steps), 'step')}{contract}:"
    yield ""
    expected = {estimate.step: estimate for estimate in estimates}
    yield from table(_HEAD, [_row(step, expected.get(step.id), subject) for step in steps[:left]])
    if len(steps) > left:
        yield ""
        yield f"… and {counted(len(steps) - left, 'more step')}."


def _row(step: Step, estimate: Estimate | None, subject: Subject) -> tuple[str, ...]:
    return (
        step.id,
        str(step.phase),
        text(step.title, 160),
        _locks(step),
        text(_work(step), 160),
        amount_of(step, estimate, subject),
        _limits(step.timeouts),
    )


def _work(step: Step) -> str:
    return f"in batches: {work(step.effect)}" if isinstance(step.work, Backfill) else work(step.effect)


def _locks(step: Step) -> str:
    """Return the locks, the strongest first, relations of one mode together."""
    modes = sorted({lock.mode for lock in step.effect.locks}, key=lambda mode: -mode.strength)
    parts = []
    for mode in modes:
        relations = list(dict.fromkeys(lock.relation for lock in step.effect.locks if lock.mode is mode))
        named = ", ".join(code(relation, 130) for relation in relations[:_NAMED])
        more = f" and {len(relations) - _NAMED:,} more" if len(relations) > _NAMED else ""
        parts.append(f"{mode} on {named}{more}")
    return "<br>".join(parts) or "none"


def _limits(timeouts: Timeouts) -> str:
    values = [
        "none" if limit is None else f"{limit:,} ms" for limit in (timeouts.lock_ms, timeouts.statement_ms)
    ]
    return " / ".join(unbroken(value) for value in (*values, duration(timeouts.deadline_s)))
