"""Style: what the checks that the policy asks for say of each statement, once all files are planned.

Only then it is known what lasts: a table that a later statement drops, an index that a later one makes.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from migrator.operations.base import Context
from migrator.plan.hazard import Hazard
from migrator.planner.approvals import Approvals
from migrator.planner.migration import Planned
from migrator.policy import Policy
from migrator.postgres.facts import Facts

if TYPE_CHECKING:
    from migrator.style import Scene


def with_style(planned: Sequence[Planned], policy: Policy) -> list[Planned]:
    """Return the files with what style says of their statements; unchanged where nobody asks for style."""
    if not policy.style:
        return list(planned)
    contexts = tuple(context for part in planned for context in part.contexts)
    return [_of_file(part, contexts, planned[-1].facts) for part in planned]


def _of_file(planned: Planned, plan: tuple[Context, ...], end: Facts) -> Planned:
    after = [*(second.facts for _, second in pairwise(planned.contexts)), planned.facts]
    from migrator.style import Scene  # noqa: PLC0415  # most plans ask for no style

    statements = []
    used = set(planned.used)
    for context, facts, statement in zip(planned.contexts, after, planned.statements, strict=False):
        found = tuple(hazard.kind for hazard in statement.hazards)
        scene = Scene(context=context, after=facts, end=end, plan=plan, found=found)
        approvals = Approvals.of(_hazards(scene), context)
        used |= set(approvals.used)
        hazards = (*statement.hazards, *approvals.hazards)
        statements.append(msgspec.structs.replace(statement, hazards=hazards))
    return replace(planned, statements=tuple(statements), used=frozenset(used))


def _hazards(scene: "Scene") -> tuple[Hazard, ...]:
    from migrator.style import CHECKS, kept_by_a_tool  # noqa: PLC0415  # as above

    if kept_by_a_tool(scene):
        return ()
    wanted = scene.context.policy.style
    checks = (check for check in CHECKS if check.kind in wanted)
    return tuple(hazard for check in checks for hazard in check.hazards(scene))
