"""DROP COLUMN.

What it does
    Removes the column, and with it every index, constraint and statistics object that mentions it, also
    beside other columns, and the sequence that it owns. Space is not given back.

Why it is dangerous
    The values are lost, and queries of running code that name the column, or read whole rows into a fixed
    form, fail (catalogue 23 to 25). A foreign key of the column locks the other table in ACCESS EXCLUSIVE
    too (26). Views, policies, triggers, functions with SQL bodies and publications that use it make the
    server refuse; CASCADE drops them unnamed (27, 31). New code that leaves out a NOT NULL column without a
    default cannot insert while the column is there.

What is done instead
    It waits for an approval, with everything that goes along named, and for the contract phase. NOT NULL is
    dropped in expand where nothing else gives a value (R11). In contract the foreign keys go first, one a
    transaction (R8), then the column. Its indexes go with it: what is slow about that, the removal of their
    files, comes after the commit has released the locks.

Source
    Catalogue 23 to 33, R8, R11; manual, ALTER TABLE, "DROP COLUMN" and "Notes"; "Dependency Tracking".
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.column_uses import Uses, uses_of
from migrator.operations.dependents import ForeignKeyOf, without_relations
from migrator.operations.drop_column_hazards import hazards, must_be_written
from migrator.operations.drop_table import drop_foreign_key
from migrator.operations.liveness import in_use
from migrator.operations.steps import approved_timeouts, as_written, effect_on, locks_on, transaction
from migrator.operations.target import relation_of, table_of
from migrator.plan import ddl
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import DropColumn

NAME = "drop-column"


def _plan(action: DropColumn, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    uses = uses_of(table, action.column, context)
    effect = Effect(locks=_locks(action, uses, context.facts))
    outcome = Outcome(
        operation=NAME,
        effect=effect,
        hazards=hazards(action, uses, context),
        facts=_after(action, uses, context.facts),
        touches=tuple(dict.fromkeys(lock.relation for lock in effect.locks)),
    )
    if not in_use(relation, context):
        return replace(outcome, steps=(_drop(action, uses, context),), as_written=True)
    before = (*_nullable_first(action, relation, context), *_foreign_keys_first(action, uses, context))
    facts = context.facts
    for key in _going(action, uses):
        facts = folding.without_constraint(facts, key.table, key.key.name)
    after = replace(context, facts=facts)
    drop = _drop(action, uses_of(table, action.column, after), after)
    drop = changed(drop, phase=Phase.CONTRACT, timeouts=approved_timeouts(context))
    return replace(outcome, steps=(*before, drop), as_written=not before)


def _going(action: DropColumn, uses: Uses) -> tuple[ForeignKeyOf, ...]:
    """The foreign keys that go with the column; those that refer to it only with CASCADE."""
    return (*uses.keys, *(uses.referring if action.cascade else ()))


def _locks(action: DropColumn, uses: Uses, facts: Facts) -> tuple[RelationLock, ...]:
    mode = LockMode.ACCESS_EXCLUSIVE
    names = [uses.table, *(name for key in _going(action, uses) for name in (key.table, key.parent))]
    locks = [lock for name in names for lock in locks_on(name, mode, facts)]
    locks += [] if uses.sequence is None else [RelationLock(uses.sequence, mode)]
    views = uses.views if action.cascade else ()
    return tuple(dict.fromkeys((*locks, *(RelationLock(view, mode) for view in views))))


def _drop(action: DropColumn, uses: Uses, context: Context) -> Step:
    title = f"DROP COLUMN {action.column} of {uses.table}"
    effect = Effect(locks=_locks(action, uses, context.facts))
    return as_written(context, title, effect, operation=NAME, undo_note="what is gone is gone")


def _nullable_first(action: DropColumn, relation: Relation | None, context: Context) -> tuple[Step, ...]:
    """R11: new code may leave the column out while it is still there."""
    if relation is None or not must_be_written(relation.column(action.column), relation):
        return ()
    drop = ddl.alter_table(context.named(relation.name), ddl.drop_not_null(action.column))
    back = ddl.alter_table(relation.name, ddl.set_not_null(action.column))
    step = transaction(
        context,
        f"DROP NOT NULL of {action.column} of {relation.name}",
        (drop,),
        effect_on(context, relation.name),
        recipe="R11",
        undo=(back,),
        undo_note="SET NOT NULL reads the whole table, and fails once there is a NULL",
        commutes=True,
    )
    return (step,)


def _foreign_keys_first(action: DropColumn, uses: Uses, context: Context) -> tuple[Step, ...]:
    """R8: one transaction for each foreign key that locks another table in use."""
    steps = []
    for key in _going(action, uses):
        other = key.parent if key.table == uses.table else key.table
        if other == uses.table or not in_use(context.facts.relation(other), context):
            continue
        steps.append(changed(drop_foreign_key(key, context, phase=Phase.CONTRACT), operation=NAME))
        facts = folding.without_constraint(context.facts, key.table, key.key.name)
        context = replace(context, facts=facts)
    return tuple(steps)


def _after(action: DropColumn, uses: Uses, facts: Facts) -> Facts:
    for key in _going(action, uses):
        facts = folding.without_constraint(facts, key.table, key.key.name)
    gone = [*uses.views, *uses.above] if action.cascade else []
    gone += [] if uses.sequence is None else [uses.sequence]
    facts = without_relations(facts, gone) if gone else facts
    for name in (action.column, *uses.generated):
        facts = folding.without_column(facts, uses.table, name)
    return facts


DROP_COLUMN = FormOperation(name=NAME, form=DropColumn, outcome=_plan)
