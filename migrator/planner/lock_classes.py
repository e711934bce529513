"""Actions of one ALTER TABLE that cannot run together: those of one class still share a transaction.

A class is what runs as written, takes the same locks, is over at once and belongs to the same phase. Its
actions wait for their locks once, and happen together or not at all. Everything else (scans, index builds,
batches) keeps steps of its own. Only neighbours in the order of the server's passes are joined, so no action
comes before one that it may build on.
"""

from functools import reduce
from itertools import groupby

import msgspec

from migrator.operations.base import Outcome
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import Phase, Step, Transaction

_NOT_VALID_FIRST = frozenset({"R6", "R7"})
"""Recipes whose first step adds a constraint NOT VALID."""


def joined_steps(outcomes: tuple[Outcome, ...]) -> tuple[Step, ...]:
    """Return the steps of all actions, in their order, with neighbours of one class as one step."""
    steps: list[Step] = []
    for each, group in groupby((o for o in outcomes if o.steps), key=_class):
        found = [step for outcome in group for step in outcome.steps]
        steps += found if each is None else [reduce(_joined, found)]
    return _replacing(steps)


def _replacing(steps: list[Step]) -> tuple[Step, ...]:
    """Let a constraint go in the transaction that adds its successor NOT VALID: no write goes unchecked."""
    found: list[Step] = []
    for step in steps:
        if found and _replaces(found[-1], step):
            dropped = found.pop()
            found.append(together(dropped, step))
        else:
            found.append(step)
    return tuple(found)


def drops_constraints(step: Step) -> bool:
    """Whether it drops constraints and does nothing else."""
    return isinstance(step.work, Transaction) and all("DROP CONSTRAINT" in t for t in step.title.split("; "))


def _replaces(first: Step, second: Step) -> bool:
    drops = drops_constraints(first)
    return drops and first.phase is Phase.EXPAND and isinstance(second.work, Transaction) and _adds(second)


def _adds(step: Step) -> bool:
    return step.recipe in _NOT_VALID_FIRST and not step.as_written and not step.effect.long


def together(first: Step, second: Step) -> Step:
    """Return the second step with the DROP CONSTRAINT of the first in its transaction."""
    joined = _joined(first, second)
    locks = union((first.effect, second.effect)).locks
    wanted = {lock.relation for step in (first, second) for lock in _acquired(step)}
    acquire = tuple(lock for lock in locks if lock.relation in wanted)
    return msgspec.structs.replace(
        second,
        title=f"DROP, {second.title}",
        work=msgspec.structs.replace(joined.work, acquire=acquire),
        effect=joined.effect,
        undo=joined.undo,
        undo_note=joined.undo_note,
        diagnoses=joined.diagnoses,
    )


def _acquired(step: Step) -> tuple[RelationLock, ...]:
    return step.work.acquire if isinstance(step.work, Transaction) else ()


def _class(outcome: Outcome) -> tuple[object, ...] | None:
    """Return what neighbours have in common; None for what stands alone."""
    if len(outcome.steps) > 1:
        return None
    step = outcome.steps[0]
    if not isinstance(step.work, Transaction) or not step.as_written or step.effect.long:
        return None
    if step.preconditions or step.phase not in {Phase.EXPAND, Phase.CONTRACT}:
        return None
    return (step.phase, step.work.acquire, step.session, step.timeouts, step.commutes)


def _joined(first: Step, second: Step) -> Step:
    before, after = first.work, second.work
    if not isinstance(before, Transaction) or not isinstance(after, Transaction):
        raise TypeError("only transactions are joined")
    return msgspec.structs.replace(
        first,
        title=f"{first.title}; {second.title}",
        work=msgspec.structs.replace(before, statements=(*before.statements, *after.statements)),
        effect=union((first.effect, second.effect)),
        undo=(*second.undo, *first.undo),
        undo_note=first.undo_note or second.undo_note,
        diagnoses=(*first.diagnoses, *second.diagnoses),
    )


def union(effects: tuple[Effect, ...]) -> Effect:
    """Return what several effects come to: the strictest lock on each relation, and all of the work."""
    strictest: dict[object, RelationLock] = {}
    for lock in (lock for effect in effects for lock in effect.locks):
        known = strictest.get(lock.relation)
        if known is None or known.mode.strength < lock.mode.strength:
            strictest[lock.relation] = lock
    return Effect(
        locks=tuple(strictest.values()),
        scans=tuple(dict.fromkeys(name for effect in effects for name in effect.scans)),
        rewrites=tuple(dict.fromkeys(name for effect in effects for name in effect.rewrites)),
        index_builds=tuple(dict.fromkeys(name for effect in effects for name in effect.index_builds)),
        unknown=any(effect.unknown for effect in effects),
    )
