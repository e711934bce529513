"""ADD CONSTRAINT … FOREIGN KEY.

What it does
    Ties columns of a table to rows of another.

Why it is dangerous
    Both tables are read under SHARE ROW EXCLUSIVE (catalogue 89): nobody writes to either for as long as
    that takes. The locks on two tables, child first, may meet a transaction that takes them parent first: a
    deadlock.

What is done instead
    R7: both locks taken beforehand, parent first, then the constraint NOT VALID, which is quick; then
    VALIDATE CONSTRAINT in a transaction of its own, while reads and writes go on. Orphans are named where
    it fails. A partitioned table is validated partition by partition; before 18 each partition gets the
    constraint by itself, and the table's own takes them over (R7p).

Source
    Catalogue 89 to 97, 115, 184, R7; manual, ALTER TABLE, "ADD table_constraint [NOT VALID]".
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.foreign_key_support import duplicate, foreign_key_definition, unindexed
from migrator.operations.hazards import answered, good_to_know
from migrator.operations.liveness import endangered, in_use, small
from migrator.operations.names import foreign_key_name
from migrator.operations.partition_facts import has_constraint
from migrator.operations.partition_tree import below, partitioned, spread
from migrator.operations.partition_validation import validations
from migrator.operations.partitioned_foreign_key import (
    PartitionedForeignKey,
    foreign_key_step,
    refusal,
)
from migrator.operations.steps import approved_timeouts, as_written, partition_locks, transaction
from migrator.operations.target import constraint_name_taken, missing_columns, missing_relation, table_of
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_diagnosis import orphans
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Diagnosis, Phase, Step
from migrator.postgres.facts import Constraint, ConstraintKind, Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import AddConstraint, ForeignKeyConstraint

NAME = "add-foreign-key"


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign key that is to be added."""

    table: QualifiedName
    columns: tuple[str, ...]
    name: str
    parent: QualifiedName
    parent_columns: tuple[str, ...]
    """Those written, else the parent's primary key; () where that is not known."""
    constraint: ForeignKeyConstraint
    body: Sql
    """FOREIGN KEY (…) REFERENCES … as a constraint of the table."""


def table_foreign_key(constraint: ForeignKeyConstraint, table: QualifiedName, context: Context) -> ForeignKey:
    """Read a constraint of the table."""
    body = ddl.verbatim(constraint.text)
    return _foreign_key(constraint, table, constraint.columns, body, context)


def column_foreign_key(
    constraint: ForeignKeyConstraint, table: QualifiedName, column: str, context: Context
) -> ForeignKey:
    """Read REFERENCES of a column definition."""
    body = ddl.foreign_key((column,), constraint.text)
    return _foreign_key(constraint, table, (column,), body, context)


def _foreign_key(
    constraint: ForeignKeyConstraint,
    table: QualifiedName,
    columns: tuple[str, ...],
    body: Sql,
    context: Context,
) -> ForeignKey:
    name = constraint.name or foreign_key_name(table, columns, context.facts)
    parent = context.resolve(constraint.references)
    relation = context.facts.relation(parent)
    primary = () if relation is None else relation.primary_key
    return ForeignKey(
        table=table,
        columns=columns,
        name=name,
        parent=parent,
        parent_columns=constraint.referenced_columns or primary,
        constraint=constraint,
        body=body,
    )


def locks(key: ForeignKey, context: Context) -> tuple[RelationLock, ...]:
    """Return SHARE ROW EXCLUSIVE on both tables, parent first: child first is prone to deadlocks."""
    mode, facts = LockMode.SHARE_ROW_EXCLUSIVE, context.facts
    # The key of a partition that has it becomes part of this one, and loses triggers on the parent.
    on_parent = LockMode.ACCESS_EXCLUSIVE if any(_have_it(key, context)) else mode
    both = (*partition_locks(key.parent, on_parent, facts), *partition_locks(key.table, mode, facts))
    return tuple(dict.fromkeys(both))


def _have_it(key: ForeignKey, context: Context) -> list[bool]:
    """Say of each partition with rows whether it has the same foreign key, validated (catalogue 96)."""
    relations = (context.facts.relation(name) for name in below(key.table, context.facts))
    with_rows = [relation for relation in relations if not partitioned(relation)]
    wanted = _constraint(key)
    wanted = msgspec.structs.replace(wanted, definition=wanted.definition.removesuffix(" NOT VALID"))
    return [relation is not None and has_constraint(relation, wanted) for relation in with_rows]


def steps_and_facts(key: ForeignKey, context: Context) -> tuple[tuple[Step, ...], Facts]:
    """Return R7, or R7p before 18 for a partitioned table, and the facts after it."""
    if _partitioned_before_18(key, context):
        each = PartitionedForeignKey(
            table=key.table,
            columns=key.columns,
            parent=key.parent,
            name=key.name,
            body=key.body,
            diagnoses=_orphans(key, context),
        )
        return (foreign_key_step(each, context),), after(key, context)
    add = ddl.alter_table(key.table, ddl.add_constraint(key.name, key.body, not_valid=True))
    added = transaction(
        context,
        f"ADD FOREIGN KEY {key.name} NOT VALID to {key.table}",
        (add,),
        Effect(locks=locks(key, context)),
        phase=Phase.VALIDATE,
        recipe="R7",
        undo=(ddl.alter_table(key.table, ddl.drop_constraint(key.name)),),
    )
    partners = () if key.parent == key.table else (key.parent,)
    validated = validations(
        context, key.table, key.name, partners=partners, recipe="R7", diagnoses=_orphans(key, context)
    )
    return (added, *validated), after(key, context)


def hazards(key: ForeignKey) -> tuple[Hazard, ...]:
    """Return what the safe sequence answers, and what it cannot see."""
    scan = answered(
        HazardKind.SCAN_UNDER_LOCK,
        f"ADD FOREIGN KEY reads {key.table} and {key.parent} under SHARE ROW EXCLUSIVE: writes to both wait",
        "it is added NOT VALID and validated while reads and writes go on",
        key.table,
        "catalogue 89, R7",
    )
    may_fail = good_to_know(
        HazardKind.MAY_FAIL_ON_DATA,
        f"rows of {key.table} without a row in {key.parent} make the validation fail; the step names them",
        relation=key.table,
    )
    return (scan, may_fail)


def findings(key: ForeignKey, context: Context) -> tuple[Hazard, ...]:
    """Return what is worth saying whichever way it is added."""
    child, parent = context.facts.relation(key.table), context.facts.relation(key.parent)
    return (
        *missing_relation(key.parent, context),
        *missing_columns(child, key.columns, context),
        *missing_columns(parent, key.constraint.referenced_columns, context),
        *constraint_name_taken(child, key.constraint.name, context),
        *duplicate(child, key.columns, key.parent, key.parent_columns),
        *unindexed(key.table, key.columns, context),
    )


def after(key: ForeignKey, context: Context) -> Facts:
    """Return the facts with the constraint."""
    return spread(folding.with_constraint(context.facts, key.table, _constraint(key)), key.table)


def _constraint(key: ForeignKey) -> Constraint:
    return Constraint(
        name=key.name,
        kind=ConstraintKind.FOREIGN_KEY,
        columns=key.columns,
        definition=_definition(key),
        validated=not key.constraint.not_valid and not key.constraint.not_enforced,
        references=key.parent,
        referenced_columns=key.parent_columns,
    )


def _definition(key: ForeignKey) -> str:
    """Return what the server will call it, as far as that is known."""
    found = foreign_key_definition(key.columns, key.parent, key.parent_columns, key.constraint)
    return found or str(key.body)


def _orphans(key: ForeignKey, context: Context) -> tuple[Diagnosis, ...]:
    if len(key.parent_columns) != len(key.columns):
        return ()
    relation = context.facts.relation(key.table)
    primary = () if relation is None else relation.primary_key
    return (orphans(key.table, key.columns, key.parent, key.parent_columns, primary),)


# --- the operation


def _plan(action: AddConstraint, context: Context) -> Outcome:
    constraint = action.constraint
    if not isinstance(constraint, ForeignKeyConstraint):
        raise TypeError(type(constraint).__name__)
    key = table_foreign_key(constraint, table_of(context), context)
    if constraint.not_valid or constraint.not_enforced:
        return _as_written(key, Effect(locks=locks(key, context)), context)
    effect = Effect(locks=locks(key, context), scans=tuple(dict.fromkeys((key.table, key.parent))))
    have_it = _have_it(key, context)
    if have_it and all(have_it):
        return _as_written(key, Effect(locks=effect.locks), context)
    if _harmless(key, context):
        return _as_written(key, effect, context)
    if _partitioned_before_18(key, context):
        stands = refusal(key.table, key.columns, key.parent, key.name, context)
        if stands is not None:
            return _refused(key, effect, stands, context)
    steps, facts = steps_and_facts(key, context)
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=(*hazards(key), *findings(key, context)),
        steps=steps,
        facts=facts,
        touches=(key.table, key.parent),
    )


def _harmless(key: ForeignKey, context: Context) -> bool:
    """Whether the scan cannot be felt: few rows to check, or nobody who waits for the locks."""
    child, parent = context.facts.relation(key.table), context.facts.relation(key.parent)
    if endangered(child, context):
        return False
    return not in_use(parent, context) or (child is not None and small(child, context))


def _partitioned_before_18(key: ForeignKey, context: Context) -> bool:
    version = context.facts.server_version
    child = context.facts.relation(key.table)
    return partitioned(child) and not version.foreign_key_not_valid_on_partitioned


def _as_written(key: ForeignKey, effect: Effect, context: Context) -> Outcome:
    undo = (ddl.alter_table(key.table, ddl.drop_constraint(key.name)),)
    title = f"ADD FOREIGN KEY {key.name} to {key.table}"
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=findings(key, context),
        steps=(as_written(context, title, effect, undo=undo, diagnoses=_orphans(key, context)),),
        facts=after(key, context),
        touches=(key.table, key.parent),
        as_written=True,
    )


def _refused(key: ForeignKey, effect: Effect, hazard: Hazard, context: Context) -> Outcome:
    outcome = _as_written(key, effect, context)
    steps = tuple(msgspec.structs.replace(s, timeouts=approved_timeouts(context)) for s in outcome.steps)
    return replace(outcome, hazards=(hazard, *outcome.hazards), steps=steps)


ADD_FOREIGN_KEY = FormOperation(
    name=NAME,
    form=AddConstraint,
    outcome=_plan,
    when=lambda action, _: isinstance(action.constraint, ForeignKeyConstraint),
)
