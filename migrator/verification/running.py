"""The plan carried out by the runner, all phases, and the user's own text beside it, each on its database.

Neither fails where the server refuses a step or a statement: the last measurement says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from migrator.database.session import Connector
from migrator.plan.proof import Measurement
from migrator.shadow.measure import measure_plan
from migrator.shadow.measure_statements import measure_statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.plan.plan import Plan, SourceStatement
    from migrator.plan.proof import LockSpan
    from migrator.policy import Policy
    from migrator.verification.scene import Scene

NOT_RUN = "it was not run"


def run_plan(url: str, plan: Plan, policy: Policy) -> tuple[Measurement, ...]:
    """Carry out the plan, contract included; a step that was not run is there too, and says so."""
    measured = measure_plan(Connector(conninfo=url), plan, policy, contract=True)
    if not plan.live or any(each.error for each in measured):
        return measured
    done = {(each.migration, each.id) for each in measured}
    left = [step for step in plan.steps if (step.migration, step.id) not in done]
    never = [
        Measurement(
            migration=step.migration, id=step.id, title=step.title, began_s=0.0, seconds=0.0, error=NOT_RUN
        )
        for step in left
    ]
    return (*measured, *never)


def left_out(plan: Plan) -> tuple[SourceStatement, ...]:
    """Return the statements that the plan has no step for, because nobody has approved them."""
    planned = {(step.migration, step.statement) for step in plan.steps}
    return tuple(
        statement
        for statement in plan.statements
        if any(hazard.blocks for hazard in statement.hazards)
        and (statement.migration, statement.index) not in planned
    )


def run_as_written(url: str, scene: Scene) -> tuple[Measurement, ...]:
    """Execute the files, each in a session of its own; end where the server refuses a statement."""
    found: list[Measurement] = []
    plan = scene.plan
    without = {(statement.migration, statement.index) for statement in left_out(plan)}
    for migration in scene.request.migrations:
        texts = {number: s.text for number, s in enumerate(migration.statements, start=1)}
        sources = [
            s
            for s in plan.statements
            if s.migration == migration.version and (s.migration, s.index) not in without
        ]
        ended = max((each.began_s + each.seconds for each in found), default=0.0)
        found += [
            _later(each, ended)
            for each in measure_statements(
                url, sources, [texts[s.index] for s in sources], journal_schema=plan.journal_schema
            )
        ]
        if found and found[-1].error is not None:
            break
    return tuple(found)


def _later(measured: Measurement, seconds: float) -> Measurement:
    return replace(
        measured,
        began_s=measured.began_s + seconds,
        locks=_spans_later(measured.locks, seconds),
        other_locks=_spans_later(measured.other_locks, seconds),
    )


def _spans_later(spans: Sequence[LockSpan], seconds: float) -> tuple[LockSpan, ...]:
    return tuple(
        replace(span, began_s=span.began_s + seconds, ended_s=span.ended_s + seconds) for span in spans
    )
