"""What no declaration of a step can know: what the user's own triggers do, and that tables are empty."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from migrator.plan.step import Backfill
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.row_comparison import Triggered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.plan.plan import Plan
    from migrator.plan.proof import Measurement
    from migrator.postgres.facts import Facts
    from migrator.postgres.identifiers import QualifiedName


_NO_WORK = "did not happen"


def of_backfilled(plan: Plan, facts: Facts) -> dict[QualifiedName, Triggered]:
    """Return the tables that a backfill walks over and that have triggers on UPDATE."""
    found = {}
    for table in dict.fromkeys(s.work.table for s in plan.steps if isinstance(s.work, Backfill)):
        names = [name for name, definition in _triggers(facts, table) if " UPDATE" in definition]
        texts = " ".join(s.text for s in plan.statements if table in s.touches)
        relation = facts.relation(table)
        if names and relation is not None:
            found[table] = Triggered(
                triggers=tuple(names),
                mentioned=frozenset(
                    c.name for c in relation.columns if re.search(rf"\b{re.escape(c.name)}\b", texts)
                ),
            )
    return found


def told_apart(
    steps: Iterable[Measurement], plan: Plan, facts: Facts
) -> tuple[tuple[Measurement, ...], tuple[str, ...]]:
    """Take out of the differences what triggers write to other tables, and say it instead."""
    touched = {name for statement in plan.statements for name in statement.touches}
    triggers = [name for table in sorted(touched, key=str) for name, _ in _triggers(facts, table)]
    if not triggers:
        return tuple(steps), ()
    cleared, notes = [], []
    for step in steps:
        elsewhere = {
            f"{span.relation}: declared no lock, measured {span.mode}": span.relation
            for span in step.locks
            if span.mode is LockMode.ROW_EXCLUSIVE and span.relation not in touched
        }
        written = [elsewhere[line] for line in step.differences if line in elsewhere]
        notes += [
            f"step {step.id} writes to {name}: a trigger does ({', '.join(triggers)})" for name in written
        ]
        left = tuple(line for line in step.differences if line not in elsewhere)
        cleared.append(replace(step, differences=left))
    return tuple(cleared), tuple(notes)


def of_empty_tables(steps: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """Take out of the differences work that is declared and did not happen: without rows there is none."""
    return tuple(
        replace(step, differences=tuple(line for line in step.differences if not line.endswith(_NO_WORK)))
        for step in steps
    )


def _triggers(facts: Facts, table: QualifiedName) -> list[tuple[str, str]]:
    relation = facts.relation(table)
    return [] if relation is None else [(t.name, t.definition) for t in relation.triggers if t.enabled != "D"]
