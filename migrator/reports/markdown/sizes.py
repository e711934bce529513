"""How large what a step works on is, and how long that takes, as far as the facts know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.plan.step import Backfill, Step
from migrator.reports.amounts import size
from migrator.reports.estimates import estimate_text
from migrator.reports.markdown.escape import code, text, unbroken
from migrator.reports.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.plan.estimate import Estimate
    from migrator.postgres.identifiers import QualifiedName
    from migrator.reports.subject import Subject

_NAMED = 3


def amount_of(step: Step, estimate: Estimate | None, subject: Subject) -> str:
    """Return what the step reads or writes from end to end, and what that takes as far as it is known."""
    relations = worked_on(step)
    if not relations:
        return "–"
    sizes = _sizes(relations, subject)
    if estimate is None or estimate.seconds is None:
        return sizes
    return f"{sizes}<br>{text(estimate_text(estimate))}"


def _sizes(relations: Sequence[QualifiedName], subject: Subject) -> str:
    if len(relations) == 1:
        return extent(relations[0], subject)
    parts = [f"{code(name, 130)}: {extent(name, subject)}" for name in relations[:_NAMED]]
    more = f"<br>and {len(relations) - _NAMED:,} more" if len(relations) > _NAMED else ""
    return "<br>".join(parts) + more


def worked_on(step: Step) -> list[QualifiedName]:
    """Return the tables whose size decides how long the step takes."""
    effect = step.effect
    walked = (step.work.table,) if isinstance(step.work, Backfill) else ()
    return list(dict.fromkeys((*walked, *effect.rewrites, *effect.index_builds, *effect.scans)))


def extent(name: QualifiedName, subject: Subject) -> str:
    """Return rows and bytes of a table, `new` where the plan makes it."""
    relation = subject.facts.relation(name)
    if relation is None:
        return "new" if subject.facts.complete else "not known"
    if relation.rows == 0:
        return "empty"
    rows = "rows not known" if relation.rows is None else counted(int(relation.rows), "row")
    parts = [rows] if relation.bytes is None else [rows, size(relation.bytes)]
    return ", ".join(unbroken(part) for part in parts)
