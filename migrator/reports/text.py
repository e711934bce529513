"""A plan as plain text: the verdict, what each statement would have done, the steps that run instead.

The text depends on the plan alone and fits 100 columns, but for SQL, which is shown exactly as it runs.
Colours are the command line's business.
"""

from collections.abc import Iterator

from migrator.plan.estimate import Estimate
from migrator.plan.hazard import Hazard
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.partition_text import lines_of, partitions_known
from migrator.plan.plan import Plan, PlannedMigration, SourceStatement
from migrator.plan.step import (
    Autocommit,
    Backfill,
    BuildIndex,
    DetachPartition,
    Diagnosis,
    DropIndex,
    PartitionConstraints,
    PartitionIndexes,
    Phase,
    Step,
    Transaction,
    Work,
)
from migrator.reports.approving import instruction, terms
from migrator.reports.estimates import estimate_text
from migrator.reports.verdict import verdict
from migrator.reports.words import MARGIN, RECOVERY, limits, locks, prose, whom, work

_EXCERPT = 64


def render(plan: Plan) -> str:
    """Return the report of a plan."""
    lines = [verdict(plan), *_basis(plan)]
    for migration in plan.migrations:
        lines += ["", *_migration(migration, plan)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _basis(plan: Plan) -> Iterator[str]:
    where = f" of {plan.database}" if plan.database else ""
    where += f" ({plan.facts_origin})" if plan.facts_origin else ""
    yield f"planned for PostgreSQL {plan.server_version}, from facts: {plan.facts}{where}"


def _migration(migration: PlannedMigration, plan: Plan) -> Iterator[str]:
    yield f"{migration.file}"
    for finding in migration.findings:
        yield from _hazard(finding)
    for statement in plan.statements_of(migration.version):
        yield from _statement(statement, plan)
    steps = plan.steps_of(migration.version)
    if steps:
        yield ""
        yield "  what runs"
    for phase in Phase:
        yield from _phase(phase, plan, migration.version)


def _statement(statement: SourceStatement, plan: Plan) -> Iterator[str]:
    yield ""
    yield f"  {statement.line}:{statement.column}  {_excerpt(statement.text)}"
    word = "runs as written" if statement.as_written else "as written"
    effect = statement.effect
    if effect.locks or effect.unknown or effect.long:
        parts = [locks(effect), work(effect), whom(effect)]
        yield from _prose(f"{word}: {', '.join(part for part in parts if part)}")
    for hazard in statement.hazards:
        yield from _hazard(hazard)
        if hazard.blocks and hazard.approvable:
            yield from _approving(hazard, statement, plan)
    if statement.note:
        yield from _prose(f"note: {statement.note}")


def _excerpt(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _EXCERPT else f"{one_line[: _EXCERPT - 1]}…"


def _hazard(hazard: Hazard) -> Iterator[str]:
    place = f"{hazard.file}:{hazard.line}:{hazard.column} " if hazard.file else ""
    word = "approved" if hazard.approved is not None else str(hazard.severity)
    yield from _prose(f"{word}: {place}[{hazard.kind}] {hazard.message}")
    if hazard.instead:
        yield from _prose(f"instead: {hazard.instead}", deeper=2)
    if hazard.approved is not None:
        yield from _prose(f"reason: {hazard.approved}{terms(hazard)}", deeper=2)


def _approving(hazard: Hazard, statement: SourceStatement, plan: Plan) -> Iterator[str]:
    if hazard.requested is not None:
        asked = f'"{hazard.requested}"' if hazard.requested else "without a reason"
        yield from _prose(f"asked for in the file: {asked}", deeper=2)
    sentence, *lines = instruction(hazard, statement, plan)
    yield from _prose(f"or {sentence}", deeper=2)
    yield from (f"{MARGIN}    {line}" for line in lines)


def _phase(phase: Phase, plan: Plan, version: str) -> Iterator[str]:
    steps = plan.steps_of(version, phase)
    if not steps:
        return
    yield ""
    yield f"  {phase}{' (only on demand: migrate contract)' if phase is Phase.CONTRACT else ''}"
    for step in steps:
        yield from _step(step, plan.estimate_of(step))


def _step(step: Step, estimate: Estimate | None) -> Iterator[str]:
    yield f"  {step.id:<5}{step.title}"
    for sql in work_sql(step.work):
        yield from (f"{MARGIN}| {line}" for line in f"{sql};".splitlines())
    if isinstance(step.work, PartitionIndexes | PartitionConstraints):
        yield from _prose(partitions_known(step.work))
        quick = step.work.quick
        yield from _prose(f"all but the slow work in short transactions: {limits(quick)}")
    yield from _prose(f"{locks(step.effect)}: {work(step.effect)}")
    if estimate is not None:
        yield from _prose(f"estimate: {estimate_text(estimate)}")
    yield from _prose(f"{limits(step.timeouts)}; {RECOVERY[step.recovery]}")
    yield from _undo(step)
    yield from (line for diagnosis in step.diagnoses for line in _diagnosis(diagnosis))


def _undo(step: Step) -> Iterator[str]:
    for sql in step.undo:
        yield f"{MARGIN}undo: {' '.join(sql.split())};"
    if step.undo_note:
        yield from _prose(f"undo: {step.undo_note}" if not step.undo else f"({step.undo_note})")


def _diagnosis(diagnosis: Diagnosis) -> Iterator[str]:
    yield from _prose(
        f"if it fails with {diagnosis.sqlstate}: names up to five of them ({diagnosis.message})"
    )


def work_sql(work: Work) -> tuple[str, ...]:
    """Return the SQL that a person should read; of a walk, the statement of one window."""
    match work:
        case Transaction(statements=statements, acquire=acquire):
            return (*(f"LOCK TABLE {a.relation.quoted} IN {a.mode} MODE" for a in acquire), *statements)
        case Autocommit(sql=sql) | DetachPartition(sql=sql):
            return (sql,)
        case BuildIndex(sql=sql) | DropIndex(sql=sql) | RebuildIndexes(sql=sql):
            return (sql,)
        case Backfill():
            return (*work.prepare_sql, *work.value_sql, work.update_sql, *work.finish_sql)
        case PartitionIndexes() | PartitionConstraints():
            return lines_of(work)


def _prose(text: str, *, deeper: int = 0) -> tuple[str, ...]:
    return prose(text, indent=MARGIN + " " * deeper)
