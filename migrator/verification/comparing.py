"""Both results compared: schema and rows; and which differences are none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migrator.shadow.row_comparison import Allowed, RowComparison, compare_rows
from migrator.shadow.schema import schema_differences, schema_of
from migrator.verification.planning import shadow_facts
from migrator.verification.triggers import of_backfilled

if TYPE_CHECKING:
    from migrator.plan.plan import Plan
    from migrator.postgres.facts import Facts
    from migrator.postgres.identifiers import QualifiedName
    from migrator.verification.scene import Scene

_NUMBERED = re.compile(r"nextval\s*\(|\bserial\d?\b|\b(?:big|small)serial\b|\bidentity\b", re.IGNORECASE)
"""A statement that hands out numbers of a sequence."""


def compare_schemas(planned: str, written: str, plan: Plan) -> tuple[str, ...]:
    """Return where the two schemas differ."""
    without = (plan.journal_schema,)
    return schema_differences(schema_of(planned, without=without), schema_of(written, without=without))


def compare_contents(planned: str, written: str, rehearsed: str, scene: Scene) -> RowComparison:
    """Compare all rows; columns that are numbered by a sequence may be numbered in another order."""
    after = shadow_facts(written, scene.request.policy, None)
    return compare_rows(
        planned,
        written,
        without=(scene.plan.journal_schema,),
        allowed=Allowed(
            numbered=_numbered(scene.plan, scene.facts, after),
            triggered=of_backfilled(scene.plan, scene.facts),
            touched=frozenset(name for s in scene.plan.statements for name in s.touches),
        ),
        again=lambda: rehearsed,
    )


def _numbered(plan: Plan, before: Facts, after: Facts) -> frozenset[tuple[QualifiedName, str]]:
    """Return the columns that a statement numbers: new ones, and those that an UPDATE assigns."""
    found: set[tuple[QualifiedName, str]] = set()
    for statement in plan.statements:
        if not _NUMBERED.search(statement.text):
            continue
        for name in statement.touches:
            old, new = before.relation(name), after.relation(name)
            if new is None:
                continue
            known = {column.name for column in old.columns} if old is not None else set()
            assigned = statement.kind == "update"
            found |= {
                (name, column.name)
                for column in new.columns
                if re.search(rf"\b{re.escape(column.name)}\b", statement.text)
                and (assigned or column.name not in known)
            }
    return frozenset(found)
