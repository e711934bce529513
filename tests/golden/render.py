"""A plan as the text that golden files hold: all that matters, nothing that changes from run to run."""

from collections.abc import Iterator
from typing import assert_never

from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.partition_text import lines_of
from migrator.plan.plan import Plan, SourceStatement
from migrator.plan.step import (
    Autocommit,
    Backfill,
    BuildIndex,
    DetachPartition,
    DropIndex,
    PartitionConstraints,
    PartitionIndexes,
    Step,
    Transaction,
    Work,
)
from migrator.postgres.facts import Facts


def render(plan: Plan, facts: Facts) -> str:
    """Settings are shown where they are not those that the session begins with."""
    lines = [*_findings(plan)]
    for statement in plan.statements:
        lines += _statement(statement)
    for step in plan.steps:
        lines += _step(step, facts)
    return "\n".join(lines) + "\n"


def _findings(plan: Plan) -> Iterator[str]:
    for migration in plan.migrations:
        for hazard in migration.findings:
            yield from _hazard(hazard)


def _statement(statement: SourceStatement) -> Iterator[str]:
    unchanged = " as written" if statement.as_written else ""
    yield f"statement {statement.index}: {statement.kind}{unchanged}"
    yield from (f"  {line}" for line in _effect(statement.effect))
    for hazard in statement.hazards:
        yield from (f"  {line}" for line in _hazard(hazard))
    if statement.note:
        yield f"  note: {statement.note}"


def _effect(effect: Effect) -> Iterator[str]:
    if effect.unknown:
        yield "effect: unknown"
    for lock in effect.locks:
        yield f"lock: {lock.mode} on {lock.relation}"
    for word, names in (
        ("scan", effect.scans),
        ("rewrite", effect.rewrites),
        ("index build", effect.index_builds),
    ):
        yield from (f"{word}: {name}" for name in names)


def _hazard(hazard: Hazard) -> Iterator[str]:
    approved = "" if hazard.approved is None else f" (approved: {hazard.approved})"
    final = "" if hazard.approvable or hazard.severity != "error" else " (not approvable)"
    yield f"{hazard.severity} {hazard.kind}{approved}{final}: {hazard.message}"
    if hazard.instead:
        yield f"  instead: {hazard.instead}"


def _step(step: Step, facts: Facts) -> Iterator[str]:
    yield f"step {step.id} {step.phase} {step.recovery}: {step.title}"
    limits = step.timeouts
    yield f"  limits: lock {limits.lock_ms} ms, statement {limits.statement_ms} ms, {limits.deadline_s:g} s"
    for name, value in step.session.settings:
        if (name, value) not in facts.settings:
            yield f"  session: {name.lower()} = {value}"
    yield from (f"  {line}" for line in _work(step.work))
    yield from (f"  undo: {sql}" for sql in step.undo)
    yield from (f"  precondition: {d.sql}" for d in step.preconditions)
    yield from (f"  diagnosis {d.sqlstate}: {d.sql}" for d in step.diagnoses)


def _work(work: Work) -> Iterator[str]:
    match work:
        case Transaction():
            yield from (f"acquire: {lock.mode} on {lock.relation}" for lock in work.acquire)
            yield from (f"sql: {sql}" for sql in work.statements)
        case Autocommit():
            yield f"sql: {work.sql}"
        case BuildIndex():
            yield f"build: {work.sql}"
            yield f"else: {work.drop_sql}"
        case RebuildIndexes():
            yield f"rebuild: {work.sql}"
            yield f"remains: {work.drop_sql}"
        case DropIndex():
            yield f"drop: {work.sql}"
        case DetachPartition():
            yield f"detach: {work.sql}"
            yield f"half done: {work.finalize_sql}"
        case Backfill():
            yield f"walk: {work.table} by {', '.join(column.name for column in work.key) or 'pages'}"
            yield f"batch: {work.update_sql}"
        case PartitionIndexes() | PartitionConstraints():
            quick = work.quick
            yield f"limits of short parts: lock {quick.lock_ms} ms, statement {quick.statement_ms} ms"
            yield f"known: {', '.join(map(str, work.known))}"
            yield from (f"each: {text}" for line in lines_of(work) for text in line.splitlines())
        case _:
            assert_never(work)
