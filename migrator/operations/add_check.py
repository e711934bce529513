"""ADD CONSTRAINT … CHECK.

What it does
    Adds a condition that every row has to satisfy.

Why it is dangerous
    The table is read from end to end under ACCESS EXCLUSIVE (catalogue 84): nobody reads or writes for as
    long as that takes. Afterwards a write of running code that violates it fails.

What is done instead
    R6: the constraint NOT VALID, which is quick, and then VALIDATE CONSTRAINT in a transaction of its own,
    while reads and writes go on. An unnamed constraint gets the name that the server would choose; where
    the columns of its expression cannot be told, that name is not known beforehand, and the file has to
    give one.

Source
    Catalogue 84 to 88, R6; manual, ALTER TABLE, "ADD table_constraint [NOT VALID]" and "VALIDATE
    CONSTRAINT".
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.expressions import columns_of
from migrator.operations.hazards import answered, good_to_know, needs_approval, warning
from migrator.operations.liveness import endangered, in_use
from migrator.operations.names import check_name
from migrator.operations.partition_tree import spread
from migrator.operations.partition_validation import validations
from migrator.operations.steps import (
    approved_timeouts,
    as_written,
    effect_on,
    locks_on,
    transaction,
)
from migrator.operations.target import constraint_name_taken, relation_of, table_of
from migrator.plan import ddl
from migrator.plan.ddl_diagnosis import violating_rows
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Constraint, ConstraintKind, Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import AddConstraint, CheckConstraint

NAME = "add-check"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A CHECK that is to be added, under a name that is known."""

    table: QualifiedName
    name: str
    constraint: CheckConstraint
    columns: tuple[str, ...]


def named_check(constraint: CheckConstraint, table: QualifiedName, context: Context) -> Check | None:
    """Return the CHECK with the name that it will have; None where only the server can tell."""
    columns = columns_of(constraint.expression, context.facts.relation(table))
    name = constraint.name
    if name is None and columns is not None:
        name = check_name(table, columns, context.facts)
    if name is None:
        return None
    return Check(table=table, name=name, constraint=constraint, columns=tuple(sorted(columns or ())))


def steps_and_facts(check: Check, context: Context) -> tuple[tuple[Step, ...], Facts]:
    """Return R6, and the facts after it."""
    table = check.table
    add = ddl.add_constraint(check.name, ddl.verbatim(check.constraint.text), not_valid=True)
    relation = context.facts.relation(table)
    key = () if relation is None else relation.primary_key
    diagnosis = violating_rows(table, key, check.name, check.constraint.expression)
    added = transaction(
        context,
        f"ADD CHECK {check.name} NOT VALID to {table}",
        (ddl.alter_table(table, add),),
        effect_on(context, table),
        phase=Phase.VALIDATE,
        recipe="R6",
        undo=(ddl.alter_table(table, ddl.drop_constraint(check.name)),),
        preconditions=(diagnosis,),
    )
    validated = validations(context, table, check.name, recipe="R6", diagnoses=(diagnosis,))
    return (added, *validated), after(check, context)


def hazards(check: Check, context: Context) -> tuple[Hazard, ...]:
    """Return what the safe sequence answers, and what it cannot see."""
    scan = answered(
        HazardKind.SCAN_UNDER_LOCK,
        f"ADD CHECK reads all of {check.table} under ACCESS EXCLUSIVE",
        "it is added NOT VALID and validated while reads and writes go on",
        check.table,
        "catalogue 84, R6",
    )
    may_fail = good_to_know(
        HazardKind.MAY_FAIL_ON_DATA,
        f"rows of {check.table} that violate {check.name} make the validation fail; the step names them",
        relation=check.table,
    )
    return (scan, may_fail, *writers(check, context))


def writers(check: Check, context: Context) -> tuple[Hazard, ...]:
    """Return the warning about writes of running code."""
    if not in_use(context.facts.relation(check.table), context):
        return ()
    message = (
        f"a write to {check.table} that violates {check.name} fails from now on, an UPDATE of an old row too"
    )
    instead = "make sure that the running application keeps to it, and mend old rows first"
    source = "catalogue 85, appendix A 4"
    return (warning(HazardKind.MAY_BREAK_WRITERS, message, instead, check.table, source),)


def after(check: Check, context: Context) -> Facts:
    """Return the facts with the constraint."""
    constraint = Constraint(
        name=check.name,
        kind=ConstraintKind.CHECK,
        columns=check.columns,
        definition=f"CHECK ({check.constraint.expression.text})",
        validated=not check.constraint.not_valid and not check.constraint.not_enforced,
    )
    return spread(folding.with_constraint(context.facts, check.table, constraint), check.table)


def _plan(action: AddConstraint, context: Context) -> Outcome:
    constraint = action.constraint
    if not isinstance(constraint, CheckConstraint):
        raise TypeError(type(constraint).__name__)
    taken = constraint_name_taken(relation_of(context), constraint.name, context)
    outcome = _added(constraint, context)
    return replace(outcome, hazards=(*taken, *outcome.hazards))


def _added(constraint: CheckConstraint, context: Context) -> Outcome:
    table = table_of(context)
    check = named_check(constraint, table, context)
    if constraint.not_valid or constraint.not_enforced:
        return _as_written(check, effect_on(context, table), context)
    effect = Effect(locks=locks_on(table, LockMode.ACCESS_EXCLUSIVE, context.facts), scans=(table,))
    if not endangered(context.facts.relation(table), context):
        return _as_written(check, effect, context)
    if check is None:
        return _refused(effect, context)
    steps, facts = steps_and_facts(check, context)
    found = hazards(check, context)
    return Outcome(operation=NAME, effect=effect, hazards=found, steps=steps, facts=facts, touches=(table,))


def _as_written(check: Check | None, effect: Effect, context: Context) -> Outcome:
    table = table_of(context)
    undo = () if check is None else (ddl.alter_table(table, ddl.drop_constraint(check.name)),)
    title = f"ADD CHECK {'' if check is None else check.name + ' '}to {table}"
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=() if check is None else writers(check, context),
        steps=(as_written(context, title, effect, undo=undo),),
        facts=context.facts if check is None else after(check, context),
        touches=(table,),
        as_written=True,
    )


def _refused(effect: Effect, context: Context) -> Outcome:
    """The name that the server would choose depends on columns that could not be read."""
    table = table_of(context)
    hazard = needs_approval(
        HazardKind.NO_SAFE_SEQUENCE,
        f"ADD CHECK reads all of {table} under ACCESS EXCLUSIVE, and which name the server "
        "gives this constraint cannot be told from its expression",
        "give the constraint a name: ADD CONSTRAINT name CHECK (…)",
        table,
        "catalogue 84, R6",
    )
    outcome = _as_written(None, effect, context)
    steps = tuple(msgspec.structs.replace(s, timeouts=approved_timeouts(context)) for s in outcome.steps)
    return replace(outcome, hazards=(hazard,), steps=steps)


ADD_CHECK = FormOperation(
    name=NAME,
    form=AddConstraint,
    outcome=_plan,
    when=lambda action, _: isinstance(action.constraint, CheckConstraint),
)
