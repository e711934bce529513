"""A UNIQUE or PRIMARY KEY that takes another's place in one ALTER TABLE: the new index is built first.

The server drops before it adds. Here the index is built CONCURRENTLY in between, for as long as that takes,
and meanwhile nothing would keep values apart, and ON CONFLICT would find no index. So the old constraint
goes in the transaction in which the new one takes its index over (R9, R10).
"""

import msgspec

from migrator.plan.step import BuildIndex, Step, Transaction
from migrator.planner.lock_classes import drops_constraints, together

_TAKE_OVER = frozenset({"R9", "R10"})


def index_first(steps: tuple[Step, ...], dropped: frozenset[str]) -> tuple[Step, ...]:
    """Return the steps with each DROP of such a constraint moved into its successor's last step."""
    for position, step in enumerate(steps):
        if not _drops(step, dropped):
            continue
        taken = _takes_over(steps, position)
        if taken is not None:
            moved = _moved(step, steps[taken])
            between = steps[position + 1 : taken]
            rest = index_first(steps[taken + 1 :], dropped)
            return (*steps[:position], *between, moved, *rest)
    return steps


def _drops(step: Step, dropped: frozenset[str]) -> bool:
    words = step.title.split()
    return drops_constraints(step) and not dropped.isdisjoint(words) and not step.effect.unknown


def _takes_over(steps: tuple[Step, ...], position: int) -> int | None:
    """Return the place of the step that adds the successor, if only its preparation comes before."""
    for place in range(position + 1, len(steps)):
        step = steps[place]
        if step.as_written:
            return None
        if step.recipe in _TAKE_OVER and isinstance(step.work, Transaction):
            return place if isinstance(steps[place - 1].work, BuildIndex) else None
    return None


def _moved(drop: Step, successor: Step) -> Step:
    phase = max(drop.phase, successor.phase, key=lambda each: each.rank)
    longest = max(drop, successor, key=lambda step: step.timeouts.deadline_s)
    return msgspec.structs.replace(together(drop, successor), phase=phase, timeouts=longest.timeouts)
