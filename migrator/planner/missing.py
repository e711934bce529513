"""Actions of ALTER TABLE on columns and constraints that are known not to be there.

It may assume facts folded over the actions before. IF EXISTS makes the action nothing; without it
the plan says that the server will refuse it.
"""

from migrator.operations.base import Context, Outcome
from migrator.operations.steps import effect_on
from migrator.operations.target import missing_columns, relation_of, table_of
from migrator.plan.hazard import Hazard
from migrator.sql.syntax import (
    Action,
    AlterColumnType,
    DropColumn,
    DropConstraint,
    RenameColumn,
    SetNotNull,
)


def gone_already(action: Action, context: Context) -> Outcome | None:
    """Return the outcome of DROP … IF EXISTS of what does not exist."""
    relation, table = relation_of(context), table_of(context)
    if relation is None or not context.facts.complete or not relation.columns:
        return None
    match action:
        case DropColumn(if_exists=True, column=name) if relation.column(name) is None:
            operation, note = "drop-column", f"{table} has no column {name}"
        case DropConstraint(if_exists=True, name=name) if relation.constraint(name) is None:
            operation, note = "drop-constraint", f"{table} has no constraint {name}"
        case _:
            return None
    effect = effect_on(context, table)
    return Outcome(operation=operation, effect=effect, facts=context.facts, touches=(table,), note=note)


def missing_parts(action: Action, context: Context) -> tuple[Hazard, ...]:
    """Return hazards for the column that an action names."""
    match action:
        case DropColumn(if_exists=True):
            return ()
        case SetNotNull(column=name) | AlterColumnType(column=name) | DropColumn(column=name):
            return missing_columns(relation_of(context), (name,), context)
        case RenameColumn(old=name):
            return missing_columns(relation_of(context), (name,), context)
        case _:
            return ()
