"""The safe sequence of SET NOT NULL: R5 by a helper CHECK (13 to 17), R5-18 by the constraint itself.

It may assume a table in use, and a column that accepts NULL now; partitions and children get what their table
gets, and each has its own proof. Used by SET NOT NULL, and by ADD COLUMN and ADD PRIMARY KEY, whose columns
become NOT NULL on the way.
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations.base import Context
from migrator.operations.fill_triggers import of_column
from migrator.operations.hazards import answered, good_to_know, warning
from migrator.operations.liveness import in_use
from migrator.operations.names import constraint_name, not_null_name
from migrator.operations.partition_validation import validations
from migrator.operations.steps import (
    effect_on,
    transaction,
)
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_diagnosis import CHECK_VIOLATION, NOT_NULL_VIOLATION, null_rows
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Diagnosis, Phase, Step
from migrator.postgres.facts import ConstraintKind, Facts, Relation
from migrator.postgres.identifiers import QualifiedName


class NotNullTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The column that becomes NOT NULL."""

    table: QualifiedName
    column: str
    name: str | None = None
    """The constraint's name where the file gives one (18+)."""
    filled: bool = False
    """A backfill of this file has proved that no row is NULL."""


def steps_and_facts(target: NotNullTarget, context: Context) -> tuple[tuple[Step, ...], Facts]:
    """Return the safe sequence for a table in use, and the facts after it."""
    if context.facts.server_version.not_null_not_valid:
        return _by_constraint(target, context)
    return _by_helper(target, context)


def hazards(target: NotNullTarget, context: Context) -> tuple[Hazard, ...]:
    """Return what the safe sequence answers, and what it cannot see."""
    relation = context.facts.relation(target.table)
    scan = answered(
        HazardKind.SCAN_UNDER_LOCK,
        f"SET NOT NULL reads all of {target.table} under ACCESS EXCLUSIVE",
        "a NOT VALID constraint is validated while reads and writes go on",
        target.table,
        "catalogue 35, R5",
    )
    may_fail = good_to_know(
        HazardKind.MAY_FAIL_ON_DATA,
        f"rows of {target.table} that have no {target.column} make the validation fail; the step names them",
        relation=target.table,
    )
    return (scan, may_fail, *writers(target, relation, context))


def writers(target: NotNullTarget, relation: Relation | None, context: Context) -> tuple[Hazard, ...]:
    """Return the warning about writes of running code, where nothing supplies a value."""
    column = None if relation is None else relation.column(target.column)
    supplied = column is not None and (column.default is not None or column.identity or column.generated)
    if supplied or not in_use(relation, context):
        return ()
    message = (
        f"a write that leaves {target.column} of {target.table} NULL fails from now on, "
        "and the column has no default"
    )
    return (
        warning(
            HazardKind.MAY_BREAK_WRITERS,
            message,
            "make sure that the running application writes it, or give it a default first",
            target.table,
            "catalogue 35, appendix A 2",
        ),
    )


def _by_helper(target: NotNullTarget, context: Context) -> tuple[tuple[Step, ...], Facts]:
    """R5: a CHECK proves it, SET NOT NULL trusts the CHECK, the CHECK goes."""
    table, column = target.table, target.column
    helper = constraint_name(table, column, "migrator_not_null", context.facts)
    effect = effect_on(context, table)
    add = ddl.add_constraint(helper, ddl.check_not_null(column), not_valid=True)
    steps = (
        transaction(
            context,
            f"ADD CHECK ({column} IS NOT NULL) NOT VALID to {table}",
            (ddl.alter_table(table, add),),
            effect,
            phase=Phase.VALIDATE,
            recipe="R5",
            undo=(ddl.alter_table(table, ddl.drop_constraint(helper)),),
            preconditions=unproved(target, context, CHECK_VIOLATION),
        ),
        *validations(
            context, table, helper, recipe="R5", diagnoses=(nulls(target, context, CHECK_VIOLATION),)
        ),
        _set(target, context, (ddl.alter_table(table, ddl.drop_constraint(helper)),)),
    )
    return steps, after(target, context)


def _set(target: NotNullTarget, context: Context, then: tuple[Sql, ...]) -> Step:
    """SET NOT NULL, which finds its proof, and what goes with it in the same transaction."""
    table, column = target.table, target.column
    statements = (ddl.alter_table(table, ddl.set_not_null(column)), *then)
    return transaction(
        context,
        f"SET NOT NULL on {column} of {table}",
        statements,
        effect_on(context, table),
        phase=Phase.VALIDATE,
        recipe="R5",
        undo=(ddl.alter_table(table, ddl.drop_not_null(column)),),
    )


def _by_constraint(target: NotNullTarget, context: Context) -> tuple[tuple[Step, ...], Facts]:
    """R5-18: the constraint itself, NOT VALID and then validated."""
    table, column = target.table, target.column
    pending = not_validated(target, context)
    name = pending or target.name or not_null_name(table, column, context.facts)
    diagnosis = nulls(target, context, NOT_NULL_VIOLATION)
    steps = [*validations(context, table, name, recipe="R5-18", diagnoses=(diagnosis,))]
    if pending is None:
        steps.insert(0, _add_not_valid(target, name, context))
    return tuple(steps), after(replace(target, name=name), context)


def _add_not_valid(target: NotNullTarget, name: str, context: Context) -> Step:
    table = target.table
    add = ddl.add_constraint(name, ddl.not_null(target.column), not_valid=True)
    return transaction(
        context,
        f"ADD NOT NULL {target.column} NOT VALID to {table}",
        (ddl.alter_table(table, add),),
        effect_on(context, table),
        phase=Phase.VALIDATE,
        recipe="R5-18",
        undo=(ddl.alter_table(table, ddl.drop_constraint(name)),),
        preconditions=unproved(target, context, NOT_NULL_VIOLATION),
    )


def not_validated(target: NotNullTarget, context: Context) -> str | None:
    """Return the name of a NOT NULL constraint that is there but NOT VALID (18+)."""
    relation = context.facts.relation(target.table)
    return None if relation is None else _not_validated(relation, target.column)


def validated(relation: Relation, column: str) -> bool:
    """Whether no NOT NULL constraint of the column is NOT VALID."""
    return _not_validated(relation, column) is None


def _not_validated(relation: Relation, column: str) -> str | None:
    found = (c for c in relation.constraints if c.kind is ConstraintKind.NOT_NULL and c.columns == (column,))
    return next((c.name for c in found if not c.validated), None)


def nulls(target: NotNullTarget, context: Context, sqlstate: str) -> Diagnosis:
    """Return the query that names the rows without a value."""
    relation = context.facts.relation(target.table)
    key = () if relation is None else relation.primary_key
    return null_rows(target.table, key, target.column, sqlstate)


def after(target: NotNullTarget, context: Context) -> Facts:
    """Return the facts of a column that is NOT NULL."""
    facts = context.facts
    name = None
    if facts.server_version.not_null_not_valid:
        name = target.name or not_null_name(target.table, target.column, facts)
    return folding.with_not_null(facts, target.table, target.column, name)


def unproved(target: NotNullTarget, context: Context, sqlstate: str) -> tuple[Diagnosis, ...]:
    """Return the query to ask beforehand, unless a backfill of this file has proved that no row is NULL."""
    if target.filled or of_column(context.facts.relation(target.table), target.column):
        return ()
    return (nulls(target, context, sqlstate),)
