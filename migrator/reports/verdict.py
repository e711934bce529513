"""What a plan comes to, in one line: whether it may run, and how long anybody can be made to wait."""

import math

from migrator.plan.hazard import Severity
from migrator.plan.plan import Plan
from migrator.plan.step import PartitionConstraints, PartitionIndexes, Phase, Step
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.reports.words import counted


def verdict(plan: Plan) -> str:
    """Return the one line that says whether the plan may run."""
    blocking = [hazard for hazard in plan.hazards if hazard.blocks]
    if not plan.migrations:
        return "nothing to do: no file is pending"
    final = [hazard for hazard in blocking if not hazard.approvable]
    if final:
        return f"cannot run: {counted(len(final), 'error')} to mend{_also(len(blocking) - len(final))}"
    if blocking:
        return f"needs approval: {counted(len(blocking), 'hazard')}"
    size = f"{counted(len(plan.migrations), 'file')}, {counted(len(plan.steps), 'step')}"
    return f"{_safety(plan)}: {size}{_waiting(plan)}{_stalls(plan)}{_to_mend(plan)}"


def _also(approvable: int) -> str:
    return f", {counted(approvable, 'hazard')} to approve" if approvable else ""


def _safety(plan: Plan) -> str:
    return "approved" if any(hazard.approved is not None for hazard in plan.hazards) else "safe"


def _to_mend(plan: Plan) -> str:
    """Errors that only whoever reads the plan is stopped by."""
    found = [h for h in plan.hazards if h.severity is Severity.ERROR and h.advisory and h.approved is None]
    return f"; {counted(len(found), 'finding')} to mend" if found else ""


def _stalls(plan: Plan) -> str:
    """The longest that reads or writes may have to wait for one attempt of one step."""
    if not plan.live:
        return ", and nothing is in use yet"
    strong = felt(plan)
    if not strong:
        return ", nothing blocks reads or writes"
    bounds = [bound(step) for step in strong]
    known = [each for each in bounds if each is not None]
    if len(known) < len(bounds):
        return f", {counted(len(bounds) - len(known), 'step')} may block reads or writes without a limit"
    return f", nothing blocks reads or writes longer than {max(known):,} ms"


def felt(plan: Plan) -> list[Step]:
    """Return the steps whose locks the application may have to wait for."""
    made = _made(plan)
    return [step for step in plan.steps if _felt(step, made)]


def worst(plan: Plan) -> tuple[LockMode, Step] | None:
    """Return the strongest lock on anything that was there before, and the step that may hold it longest."""
    made = _made(plan)
    taken = [
        (lock.mode, step) for step in plan.steps for lock in step.effect.locks if lock.relation not in made
    ]
    return max(taken, key=lambda found: (found[0].strength, _longest(found[1])), default=None)


def _longest(step: Step) -> float:
    limit = bound(step)
    return math.inf if limit is None else limit


def _made(plan: Plan) -> frozenset[QualifiedName]:
    """Return the tables that the plan creates: nobody waits for them."""
    creating = {(s.migration, s.statement) for s in plan.steps if s.operation == "create-table"}
    found = [s for s in plan.statements if (s.migration, s.index) in creating]
    return frozenset(statement.touches[0] for statement in found if statement.touches)


def _felt(step: Step, made: frozenset[QualifiedName]) -> bool:
    locks = [lock for lock in step.effect.locks if lock.relation not in made]
    return step.effect.unknown or any(lock.mode.blocks_writes for lock in locks)


def bound(step: Step) -> int | None:
    """Return the longest that one attempt may hold a strong lock; of partitions, only the short parts do."""
    match step.work:
        case PartitionIndexes(quick=quick) | PartitionConstraints(quick=quick):
            return quick.statement_ms
        case _:
            return step.timeouts.statement_ms


def _waiting(plan: Plan) -> str:
    waiting = sum(step.phase is Phase.CONTRACT for step in plan.steps)
    return f" ({waiting} in contract)" if waiting else ""
