"""VALIDATE CONSTRAINT, RENAME CONSTRAINT: free whatever the size.

What it does
    Changes the catalog alone; VALIDATE CONSTRAINT reads the table under a lock that blocks no reads or
    writes.

Why it is dangerous
    ACCESS EXCLUSIVE for a moment: waiting for it blocks everybody who comes later (catalogue 113).

What is done instead
    The action runs as written, its lock taken within the lock budget, without queueing first.

Source
    Catalogue 86, 91, 113; manual, ALTER TABLE.
"""

import msgspec

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.steps import as_written, effect_on, locks_on
from migrator.operations.target import relation_of, table_of
from migrator.plan import ddl
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import Phase
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import (
    RenameConstraint,
    ValidateConstraint,
)


def _quick(operation: str, title: str, facts: Facts, undo: tuple[str, ...], context: Context) -> Outcome:
    table = table_of(context)
    effect = effect_on(context, table)
    return Outcome(
        operation=operation,
        effect=effect,
        steps=(as_written(context, title, effect, undo=undo),),
        facts=facts,
        touches=(table,),
        as_written=True,
    )


def _rename_constraint(action: RenameConstraint, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    found = None if relation is None else relation.constraint(action.old)
    facts = context.facts
    if found is not None:
        facts = folding.without_constraint(facts, table, action.old)
        renamed = msgspec.structs.replace(found, name=action.new)
        facts = folding.with_constraint(facts, table, renamed)
    title = f"RENAME CONSTRAINT {action.old} of {table}"
    back = ddl.alter_table(table, ddl.rename_constraint(action.new, action.old))
    return _quick("rename-constraint", title, facts, (back,), context)


def _valid_already(action: ValidateConstraint, table: QualifiedName, context: Context) -> Outcome:
    """Nothing is to be done; as written it would take its lock for nothing."""
    return Outcome(
        operation="validate-constraint",
        effect=Effect(locks=locks_on(table, LockMode.SHARE_UPDATE_EXCLUSIVE, context.facts)),
        facts=context.facts,
        touches=(table,),
        note=f"{action.name} of {table} is valid already",
    )


def _validate(action: ValidateConstraint, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    found = None if relation is None else relation.constraint(action.name)
    if found is not None and found.validated:
        return _valid_already(action, table, context)
    partner = None if found is None else found.references
    locks = [*locks_on(table, LockMode.SHARE_UPDATE_EXCLUSIVE, context.facts)]
    if partner is not None and partner != table:
        locks.append(RelationLock(partner, LockMode.ROW_SHARE))
    effect = Effect(locks=tuple(locks), scans=(table,))
    title = f"VALIDATE CONSTRAINT {action.name} of {table}"
    return Outcome(
        operation="validate-constraint",
        effect=effect,
        steps=(as_written(context, title, effect, phase=Phase.VALIDATE),),
        facts=folding.validated(context.facts, table, action.name),
        touches=(table,) if partner is None else (table, partner),
        as_written=True,
    )


RENAME_CONSTRAINT = FormOperation(name="rename-constraint", form=RenameConstraint, outcome=_rename_constraint)
VALIDATE_CONSTRAINT = FormOperation(name="validate-constraint", form=ValidateConstraint, outcome=_validate)
