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
    VALID and then validated. A fill trigger that an UPDATE of the same file installed on the column goes
    when NOT NULL is there. A column that is NOT NULL already, a table that is small or new, and a validated
    CHECK need none of this.

Source
    Catalogue 35 to 45, R5, R5-18; manual, ALTER TABLE, "SET NOT NULL".
"""

from dataclasses import dataclass, replace

import msgspec

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.fill_triggers import dropping, without
from migrator.operations.hazards import answered, good_to_know, needs_approval, warning
from migrator.operations.liveness import endangered, in_use
from migrator.operations.names import constraint_name, not_null_name
from migrator.operations.not_null_proof import proved_not_null
from migrator.operations.steps import (
    approved_timeouts,
    effect_on,
    locks_on,
    transaction,
    validate,
    written,
)
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_diagnosis import CHECK_VIOLATION, NOT_NULL_VIOLATION, null_rows
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Diagnosis, Phase, Step
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import AddConstraint, NotNullConstraint, SetNotNull

NAME = "set-not-null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The column that becomes NOT NULL."""

    table: QualifiedName
    column: str
    name: str | None = None
    """The constraint's name where the file gives one (18+)."""


def column_target(context: Context, table: QualifiedName, column: str) -> Target:
    """Return the target of SET NOT NULL."""
    return Target(table=context.resolve(table), column=column)


def steps_and_facts(target: Target, context: Context) -> tuple[tuple[Step, ...], Facts]:
    """Return the safe sequence for a table in use, and the facts after it."""
    if context.facts.server_version.not_null_not_valid:
        return _by_constraint(target, context)
    return _by_helper(target, context)


def hazards(target: Target, context: Context) -> tuple[Hazard, ...]:
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


def writers(target: Target, relation: Relation | None, context: Context) -> tuple[Hazard, ...]:
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


def _by_helper(target: Target, context: Context) -> tuple[tuple[Step, ...], Facts]:
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
        ),
        validate(context, table, helper, recipe="R5", diagnoses=(_nulls(target, context, CHECK_VIOLATION),)),
        _set(target, context, (ddl.alter_table(table, ddl.drop_constraint(helper)),)),
    )
    return steps, after(target, context)


def _set(target: Target, context: Context, then: tuple[Sql, ...]) -> Step:
    """SET NOT NULL, which finds its proof, and what goes with it in the same transaction."""
    table, column = target.table, target.column
    statements = (ddl.alter_table(table, ddl.set_not_null(column)), *then, *_drops(target, context))
    return transaction(
        context,
        f"SET NOT NULL on {column} of {table}",
        statements,
        effect_on(context, table),
        phase=Phase.VALIDATE,
        recipe="R5",
        undo=(ddl.alter_table(table, ddl.drop_not_null(column)),),
    )


def _by_constraint(target: Target, context: Context) -> tuple[tuple[Step, ...], Facts]:
    """R5-18: the constraint itself, NOT VALID and then validated."""
    table, column = target.table, target.column
    pending = _not_validated(target, context)
    name = pending or target.name or not_null_name(table, column, context.facts)
    diagnosis = _nulls(target, context, NOT_NULL_VIOLATION)
    steps = [validate(context, table, name, recipe="R5-18", diagnoses=(diagnosis,))]
    if pending is None:
        steps.insert(0, _add_not_valid(target, name, context))
    drops = _drops(target, context)
    if drops:
        steps.append(
            transaction(
                context,
                f"DROP the fill trigger of {column} of {table}",
                drops,
                effect_on(context, table),
                phase=Phase.VALIDATE,
                recipe="R5-18",
            )
        )
    return tuple(steps), after(replace(target, name=name), context)


def _add_not_valid(target: Target, name: str, context: Context) -> Step:
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
    )


def _not_validated(target: Target, context: Context) -> str | None:
    """Return the name of a NOT NULL constraint that is there but NOT VALID (18+)."""
    relation = context.facts.relation(target.table)
    constraints = () if relation is None else relation.constraints
    return next(
        (
            c.name
            for c in constraints
            if c.kind is ConstraintKind.NOT_NULL and c.columns == (target.column,) and not c.validated
        ),
        None,
    )


def _nulls(target: Target, context: Context, sqlstate: str) -> Diagnosis:
    relation = context.facts.relation(target.table)
    key = () if relation is None else relation.primary_key
    return null_rows(target.table, key, target.column, sqlstate)


def after(target: Target, context: Context) -> Facts:
    """Return the facts of a column that is NOT NULL."""
    facts = context.facts
    name = None
    if facts.server_version.not_null_not_valid:
        name = target.name or not_null_name(target.table, target.column, facts)
    return without(
        folding.with_not_null(facts, target.table, target.column, name), target.table, target.column
    )


def _drops(target: Target, context: Context) -> tuple[Sql, ...]:
    """Return what drops the fill triggers of the column."""
    return dropping(context.facts.relation(target.table), target.column)


# --- the operation


def _plan_set_not_null(action: SetNotNull, context: Context) -> Outcome:
    return plan_target(column_target(context, _table(context), action.column), context)


def _plan_constraint(action: AddConstraint, context: Context) -> Outcome:
    constraint = action.constraint
    if not isinstance(constraint, NotNullConstraint) or constraint.column is None:
        raise TypeError(type(constraint).__name__)
    target = Target(table=context.resolve(_table(context)), column=constraint.column, name=constraint.name)
    if constraint.not_valid or constraint.no_inherit or constraint.not_enforced:
        return _quick(target, context, "as written: nothing is scanned", validated=not constraint.not_valid)
    return plan_target(target, context)


def plan_target(target: Target, context: Context) -> Outcome:
    """Decide between nothing, as written, the safe sequence and refusal."""
    relation = context.facts.relation(target.table)
    column = None if relation is None else relation.column(target.column)
    pending = _not_validated(target, context)
    if column is not None and column.not_null and pending is None:
        return _nothing(target, context)
    if relation is not None and proved_not_null(relation, target.column) and pending is None:
        return _quick(target, context, "a validated CHECK proves it: no scan")
    effect = _effect(target, context)
    if not endangered(relation, context):
        return _outcome(target, context, effect, (_as_written(target, effect, context),), as_written=True)
    if relation is not None and (relation.partitions or relation.children or _partitioned(relation)):
        return _refused(target, context, effect)
    steps, facts = steps_and_facts(target, context)
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=hazards(target, context),
        steps=steps,
        facts=facts,
        touches=(target.table,),
    )


def _table(context: Context) -> QualifiedName:
    if context.alter is None:
        raise TypeError("an action has its statement")
    return context.alter.name


def _effect(target: Target, context: Context) -> Effect:
    locks = locks_on(target.table, LockMode.ACCESS_EXCLUSIVE, context.facts)
    return Effect(locks=locks, scans=(target.table,))


def _as_written(target: Target, effect: Effect, context: Context) -> Step:
    """The statement itself, and with it goes the fill trigger of the column."""
    drops = _drops(target, context)
    return transaction(
        context,
        f"SET NOT NULL on {target.column} of {target.table}",
        (written(context), *drops),
        effect,
        as_written=not drops,
        undo=(ddl.alter_table(target.table, ddl.drop_not_null(target.column)),),
        diagnoses=(_nulls(target, context, NOT_NULL_VIOLATION),),
    )


def _nothing(target: Target, context: Context) -> Outcome:
    return Outcome(
        operation=NAME,
        effect=effect_on(context, target.table),
        facts=context.facts,
        touches=(target.table,),
        note=f"{target.column} of {target.table} is NOT NULL already",
    )


def _quick(target: Target, context: Context, note: str, *, validated: bool = True) -> Outcome:
    effect = effect_on(context, target.table)
    step = _as_written(target, effect, context)
    outcome = _outcome(target, context, effect, (step,), as_written=step.as_written)
    facts = outcome.facts if validated else _unvalidated(target, context)
    return replace(outcome, note=note, facts=facts, hazards=writers_of(target, context))


def _unvalidated(target: Target, context: Context) -> Facts:
    """Facts with a NOT NULL constraint that is NOT VALID: the column counts as NOT NULL, unproved."""
    name = target.name or not_null_name(target.table, target.column, context.facts)
    constraint = Constraint(
        name=name, kind=ConstraintKind.NOT_NULL, columns=(target.column,), validated=False
    )
    facts = folding.changed_column(context.facts, target.table, target.column, not_null=True)
    return folding.with_constraint(facts, target.table, constraint)


def writers_of(target: Target, context: Context) -> tuple[Hazard, ...]:
    """Return the warning about writes of running code."""
    return writers(target, context.facts.relation(target.table), context)


def _outcome(
    target: Target, context: Context, effect: Effect, steps: tuple[Step, ...], *, as_written: bool
) -> Outcome:
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=writers_of(target, context),
        steps=steps,
        facts=after(target, context),
        touches=(target.table,),
        as_written=as_written,
    )


def _refused(target: Target, context: Context, effect: Effect) -> Outcome:
    """A tree of tables needs the sequence for each of its leaves, which is not there yet."""
    hazard = needs_approval(
        HazardKind.INHERITANCE_CHILDREN,
        f"SET NOT NULL reads all tables below {target.table} under ACCESS EXCLUSIVE",
        "set it on each of them first; on the root it needs no scan then",
        target.table,
        "catalogue 44, 45",
    )
    step = msgspec.structs.replace(_as_written(target, effect, context), timeouts=approved_timeouts(context))
    outcome = _outcome(target, context, effect, (step,), as_written=step.as_written)
    return replace(outcome, hazards=(hazard, *outcome.hazards))


def _partitioned(relation: Relation) -> bool:
    return relation.kind is RelationKind.PARTITIONED_TABLE


SET_NOT_NULL = FormOperation(name=NAME, form=SetNotNull, outcome=_plan_set_not_null)

ADD_NOT_NULL = FormOperation(
    name=NAME,
    form=AddConstraint,
    outcome=_plan_constraint,
    when=lambda action, _: isinstance(action.constraint, NotNullConstraint),
)
