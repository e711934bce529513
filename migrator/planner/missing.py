"""Actions of ALTER TABLE on columns and constraints that are known not to be there.

It may assume facts folded over the actions before. IF EXISTS makes the action nothing; without it
the plan says that the server will refuse it.
"""

from migrator.operations.base import Context, Outcome
from migrator.operations.hazards import needs_approval
from migrator.operations.steps import effect_on
from migrator.operations.target import missing_columns, relation_of, table_of
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.facts import Relation
from migrator.sql.syntax import (
    Action,
    AlterColumnType,
    DropColumn,
    DropConstraint,
    RenameColumn,
    RenameConstraint,
    SetNotNull,
    ValidateConstraint,
)


def gone_already(action: Action, context: Context) -> Outcome | None:
    """Return the outcome of DROP … IF EXISTS of what does not exist."""
    relation, table = relation_of(context), table_of(context)
    if relation is None or not context.facts.complete or not relation.columns:
        return None
    match action:
        case DropColumn(if_exists=True, column=name) if relation.column(name) is None:
            operation, note = "drop-column", f"{table} has no column {name}"
        case DropConstraint(if_exists=True, name=name) if _has_no(relation, name):
            operation, note = "drop-constraint", f"{table} has no constraint {name}"
        case _:
            return None
    effect = effect_on(context, table)
    return Outcome(operation=operation, effect=effect, facts=context.facts, touches=(table,), note=note)


def _has_no(relation: Relation, constraint: str) -> bool:
    """Whether it is known not to have the constraint; LIKE and INHERITS give some that facts do not list."""
    return relation.constraint(constraint) is None and not relation.created_in_plan


def _missing_constraint(name: str, context: Context) -> tuple[Hazard, ...]:
    relation = relation_of(context)
    if relation is None or not context.facts.complete or not relation.is_table or not _has_no(relation, name):
        return ()
    message = f"{relation.name} has no constraint {name}"
    instead = "mend the name or the order of the statements"
    return (needs_approval(HazardKind.MISSING_OBJECT, message, instead, relation.name),)


def missing_parts(action: Action, context: Context) -> tuple[Hazard, ...]:
    """Return hazards for the column that an action names."""
    match action:
        case DropColumn(if_exists=True):
            return ()
        case ValidateConstraint(name=name) | RenameConstraint(old=name):
            return _missing_constraint(name, context)
        case SetNotNull(column=name) | AlterColumnType(column=name) | DropColumn(column=name):
            return missing_columns(relation_of(context), (name,), context)
        case RenameColumn(old=name):
            return missing_columns(relation_of(context), (name,), context)
        case _:
            return ()
