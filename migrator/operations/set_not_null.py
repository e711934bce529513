"""SET NOT NULL, and NOT NULL as a constraint of the table (18+).

What it does
    Forbids NULL in a column.

Why it is dangerous
    The table is read from end to end under ACCESS EXCLUSIVE to prove that no row has a NULL (catalogue 35,
    43): nobody reads or writes for as long as that takes. Afterwards a write of NULL by running code fails.

What is done instead
    13 to 17 (R5): a CHECK (column IS NOT NULL) NOT VALID, validated in a transaction of its own while reads
    and writes go on; with that proof SET NOT NULL does not scan, and the helper is dropped in the same
    transaction. 18 (R5-18): the NOT NULL constraint itself, by the name that the server would choose, NOT
    VALID and then validated. Beforehand the rows without a value are looked for: once the constraint is
    there, even NOT VALID, every UPDATE of such a row fails. A column that is NOT NULL already, a table that
    is small or new, and a validated CHECK need none of this.

Source
    Catalogue 35 to 45, R5, R5-18; manual, ALTER TABLE, "SET NOT NULL".
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations import not_null_sequence as sequence
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import needs_approval
from migrator.operations.liveness import endangered
from migrator.operations.names import not_null_name
from migrator.operations.not_null_proof import proved_not_null
from migrator.operations.not_null_sequence import NotNullTarget
from migrator.operations.steps import (
    approved_timeouts,
    effect_on,
    locks_on,
    transaction,
    written,
)
from migrator.operations.target import table_of
from migrator.plan import ddl
from migrator.plan.ddl_diagnosis import NOT_NULL_VIOLATION
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Step
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Relation
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import AddConstraint, NotNullConstraint, SetNotNull

NAME = "set-not-null"


def _plan_set_not_null(action: SetNotNull, context: Context) -> Outcome:
    return plan_target(NotNullTarget(table=table_of(context), column=action.column), context)


def _plan_constraint(action: AddConstraint, context: Context) -> Outcome:
    constraint = action.constraint
    if not isinstance(constraint, NotNullConstraint) or constraint.column is None:
        raise TypeError(type(constraint).__name__)
    target = NotNullTarget(table=table_of(context), column=constraint.column, name=constraint.name)
    if constraint.not_valid or constraint.no_inherit or constraint.not_enforced:
        return _quick(target, context, "as written: nothing is scanned", validated=not constraint.not_valid)
    return plan_target(target, context)


def plan_target(target: NotNullTarget, context: Context) -> Outcome:
    """Decide between nothing, as written, the safe sequence and refusal."""
    relation = context.facts.relation(target.table)
    column = None if relation is None else relation.column(target.column)
    pending = sequence.not_validated(target, context)
    if column is not None and column.not_null and pending is None:
        return _nothing(target, context)
    if relation is not None and pending is None and _proved(relation, target.column, context.facts):
        return _quick(target, context, "a validated CHECK proves it: no scan")
    effect = _effect(target, context)
    if not endangered(relation, context):
        return _outcome(target, context, effect, (_as_written(target, effect, context),), as_written=True)
    if relation is not None and (relation.partitions or relation.children) and _only(context):
        return _refused(target, context, effect)
    steps, facts = sequence.steps_and_facts(target, context)
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=sequence.hazards(target, context),
        steps=steps,
        facts=facts,
        touches=(target.table,),
    )


def _proved(relation: Relation, column: str, facts: Facts) -> bool:
    """Whether it is proved of the table, or of every partition below it (catalogue 45)."""
    own = relation.column(column)
    set_already = own is not None and own.not_null and sequence.validated(relation, column)
    if set_already or proved_not_null(relation, column):
        return True
    below = [facts.relation(name) for name in relation.partitions]
    return bool(below) and all(each is not None and _proved(each, column, facts) for each in below)


def _effect(target: NotNullTarget, context: Context) -> Effect:
    locks = locks_on(target.table, LockMode.ACCESS_EXCLUSIVE, context.facts)
    return Effect(locks=locks, scans=(target.table,))


def _as_written(target: NotNullTarget, effect: Effect, context: Context) -> Step:
    """The statement itself."""
    return transaction(
        context,
        f"SET NOT NULL on {target.column} of {target.table}",
        (written(context),),
        effect,
        as_written=True,
        undo=(ddl.alter_table(target.table, ddl.drop_not_null(target.column)),),
        diagnoses=(sequence.nulls(target, context, NOT_NULL_VIOLATION),),
    )


def _nothing(target: NotNullTarget, context: Context) -> Outcome:
    return Outcome(
        operation=NAME,
        effect=effect_on(context, target.table),
        facts=context.facts,
        touches=(target.table,),
        note=f"{target.column} of {target.table} is NOT NULL already",
    )


def _quick(target: NotNullTarget, context: Context, note: str, *, validated: bool = True) -> Outcome:
    effect = effect_on(context, target.table)
    step = _as_written(target, effect, context)
    outcome = _outcome(target, context, effect, (step,), as_written=step.as_written)
    facts = outcome.facts if validated else _unvalidated(target, context)
    return replace(outcome, note=note, facts=facts, hazards=writers_of(target, context))


def _unvalidated(target: NotNullTarget, context: Context) -> Facts:
    """Facts with a NOT NULL constraint that is NOT VALID: the column counts as NOT NULL, unproved."""
    name = target.name or not_null_name(target.table, target.column, context.facts)
    constraint = Constraint(
        name=name, kind=ConstraintKind.NOT_NULL, columns=(target.column,), validated=False
    )
    facts = folding.changed_column(context.facts, target.table, target.column, not_null=True)
    return folding.with_constraint(facts, target.table, constraint)


def writers_of(target: NotNullTarget, context: Context) -> tuple[Hazard, ...]:
    """Return the warning about writes of running code."""
    return sequence.writers(target, context.facts.relation(target.table), context)


def _outcome(
    target: NotNullTarget, context: Context, effect: Effect, steps: tuple[Step, ...], *, as_written: bool
) -> Outcome:
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=writers_of(target, context),
        steps=steps,
        facts=sequence.after(target, context),
        touches=(target.table,),
        as_written=as_written,
    )


def _refused(target: NotNullTarget, context: Context, effect: Effect) -> Outcome:
    """ONLY the table, and not those below it: there is no sequence that would leave them out."""
    hazard = needs_approval(
        HazardKind.INHERITANCE_CHILDREN,
        f"SET NOT NULL on ONLY {target.table} reads it under ACCESS EXCLUSIVE; of a partitioned one the "
        "server refuses it while partitions accept NULL",
        "leave out ONLY: the tables below then get it too, without a scan under a strong lock",
        target.table,
        "catalogue 44, 45",
    )
    step = msgspec.structs.replace(_as_written(target, effect, context), timeouts=approved_timeouts(context))
    outcome = _outcome(target, context, effect, (step,), as_written=step.as_written)
    return replace(outcome, hazards=(hazard, *outcome.hazards))


def _only(context: Context) -> bool:
    return context.alter is not None and context.alter.only


SET_NOT_NULL = FormOperation(name=NAME, form=SetNotNull, outcome=_plan_set_not_null)

ADD_NOT_NULL = FormOperation(
    name=NAME,
    form=AddConstraint,
    outcome=_plan_constraint,
    when=lambda action, _: isinstance(action.constraint, NotNullConstraint),
)
