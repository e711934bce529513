"""What a run does next with one migration: a pure function of its record and of what was asked for."""

import msgspec

from migrator.execution.journal import MigrationRecord, MigrationState, StepState
from migrator.execution.options import RunOptions
from migrator.plan.step import Phase, Recovery, Step


class Perform(msgspec.Struct, frozen=True, kw_only=True):
    """Run the step; `resumed` where it has begun before."""

    step: Step
    resumed: bool


class AskPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A crash interrupted a step whose outcome nothing proves."""

    step: Step


class Conclude(msgspec.Struct, frozen=True, kw_only=True):
    """Leave the migration in this state."""

    state: MigrationState
    waiting: tuple[Step, ...] = ()
    """Contract steps that nobody asked for."""
    held_before: Phase | None = None
    """The phase this run was not asked for; the state is BEGUN."""


Action = Perform | AskPerson | Conclude


def next_action(record: MigrationRecord, options: RunOptions) -> Action:
    """Return what to do next with a migration that has begun.

    Phases are monotone in step order, so the first step that is not done decides. Raises ValueError for a
    record without a plan: there is nothing to go on with.
    """
    if record.plan is None:
        raise ValueError(f"migration {record.version} has no stored plan")
    open_steps = tuple(s for s in record.plan.steps if not _done(record, s))
    if not open_steps:
        return Conclude(state=MigrationState.APPLIED)
    step = open_steps[0]
    if step.phase is Phase.CONTRACT:
        if not options.may_contract(record.version):
            return Conclude(state=MigrationState.WAITING, waiting=open_steps)
    elif step.phase not in options.phases:
        return Conclude(state=MigrationState.BEGUN, held_before=step.phase)
    before = record.steps.get(step.id)
    interrupted = before is not None and before.state is StepState.BEGUN
    if interrupted and step.recovery is Recovery.UNPROVABLE:
        return AskPerson(step=step)
    return Perform(step=step, resumed=before is not None)


def _done(record: MigrationRecord, step: Step) -> bool:
    found = record.steps.get(step.id)
    return found is not None and found.done
