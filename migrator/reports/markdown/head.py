"""The first lines of the report: the verdict, the worst lock, and what it was planned for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.characters import shortened
from migrator.reports.markdown.escape import code, text
from migrator.reports.verdict import bound, verdict, worst
from migrator.reports.words import blocked, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.plan.plan import Plan
    from migrator.plan.step import Step
    from migrator.reports.subject import Subject

_NAMED = 3


def lines(subject: Subject, left_out: tuple[str, ...]) -> Iterator[str]:
    """Give the lines."""
    plan = subject.plan
    yield f"## {_sign(subject)} migrate plan: {text(verdict(plan))}"
    if plan.migrations:
        yield ""
        yield f"**Worst lock:** {_worst(plan)}  "
        yield f"**As written:** {_written(plan)}  "
    else:
        yield ""
    yield f"**Planned for:** PostgreSQL {plan.server_version}, {_facts(subject)}"
    if left_out:
        yield ""
        yield f"> Left out, because a comment has no room for it: {', '.join(left_out)}. {_WHOLE}"


_WHOLE = "The whole report: `migrate plan`, or `migrate plan --report text=FILE`."


def _sign(subject: Subject) -> str:
    blocking = [hazard for hazard in subject.plan.hazards if hazard.blocks]
    unproved = subject.proof is not None and not subject.proof.holds
    if unproved or any(not hazard.approvable for hazard in blocking):
        return "❌"
    return "✋" if blocking else "✅"


def _worst(plan: Plan) -> str:
    if any(step.effect.unknown for step in plan.steps):
        return "not known, because a statement is not understood"
    found = worst(plan)
    if found is None:
        return "none on anything that is there already"
    mode, step = found
    relations = [lock.relation for lock in step.effect.locks if lock.mode is mode]
    named = ", ".join(code(relation) for relation in relations[:_NAMED])
    more = f" and {len(relations) - _NAMED:,} more" if len(relations) > _NAMED else ""
    return f"`{mode}` on {named}{more} in step {code(step.id)} ({_felt(step)})"


def _felt(step: Step) -> str:
    """Say whom the strongest lock of a step blocks, and for how long at most."""
    mode = step.effect.worst
    if mode is None or not mode.blocks_writes:
        return "blocks neither reads nor writes"
    longest = bound(step)
    limit = "without a limit" if longest is None else f"for at most {longest:,} ms"
    return f"{blocked(mode)} {limit}"


def _written(plan: Plan) -> str:
    """Say how many of the statements would have stopped the application."""
    reads = sum(statement.effect.blocks_reads_long for statement in plan.statements)
    writes = sum(statement.effect.blocks_writes_long for statement in plan.statements) - reads
    unknown = sum(statement.effect.unknown for statement in plan.statements)
    parts = [
        f"{counted(reads, 'statement')} would block reads and writes for as long as a table is large"
        if reads
        else "",
        f"{counted(writes, 'statement')} would block writes for as long as a table is large"
        if writes
        else "",
        f"{counted(unknown, 'statement')} not understood" if unknown else "",
    ]
    said = "; ".join(part for part in parts if part)
    return said or "no statement would block reads or writes for long"


def _facts(subject: Subject) -> str:
    plan = subject.plan
    where = f" of {code(shortened(plan.database, 80))}" if plan.database else ""
    origin = f" ({text(plan.facts_origin, 200)})" if plan.facts_origin else ""
    if plan.facts == "nothing":
        return "without facts: every table is taken to be large and in use"
    return f"from facts: {text(plan.facts, 40)}{where}{origin}"
