"""DROP TABLE and DROP FOREIGN TABLE.

What it does
    Removes tables with their rows, partitions, indexes, constraints, triggers and owned sequences; with
    CASCADE whatever depends on them.

Why it is dangerous
    Rows are lost, running code that uses a table fails. It locks every table that it refers to in ACCESS
    EXCLUSIVE (catalogue 174), with CASCADE those that refer to it as well. CASCADE drops views, functions
    and columns that nobody named (175).

What is done instead
    R8 as corrected: each foreign key between a table that goes and one that stays is dropped first, in a
    transaction of its own, so that a busy table is locked for an instant and never while another one is
    waited for. Then the tables, which nothing else is locked for. All of it waits in the contract phase, for
    one approval; what goes along is named. What the server would refuse is an error of the plan. What an
    earlier statement of the same plan made may go at once. A partition is detached first, by R18.

Source
    Catalogue 98, 173 to 175, R8; manual, DROP TABLE; Dependency Tracking.
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.dependents import (
    ForeignKeyOf,
    owned_sequences,
    without_relations,
)
from migrator.operations.detach_partition import Detachment, detach_first, referencing
from migrator.operations.drop_table_hazards import Going, going_of, hazards, unknown, used
from migrator.operations.liveness import in_use
from migrator.operations.steps import approved_timeouts, as_written, locks_on, transaction
from migrator.operations.target import absent
from migrator.plan import ddl
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Facts
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import Drop

NAME = "drop-table"

KINDS = frozenset({"TABLE", "FOREIGN TABLE"})


def _plan(command: Drop, context: Context) -> Outcome:
    named = tuple(dict.fromkeys(context.resolve(name) for name in command.names))
    tables = tuple(name for name in named if not absent(name, context))
    missing = [name for name in named if name not in tables]
    if not tables and command.if_exists:
        note = f"{', '.join(map(str, missing))} does not exist"
        return Outcome(operation=NAME, facts=context.facts, touches=named, note=note)
    going = going_of(command, tables, context.facts)
    effect = Effect(locks=_locks(going, context.facts), unknown=unknown(going, context))
    alone = _alone(going, context)
    detached = _detached_first(going, context)
    tied = going_of(command, tables, alone.facts)
    keys = _foreign_keys_first(tied, alone)
    before = (*detached, *keys)
    facts = _without_keys(tied, alone.facts) if keys else alone.facts
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=hazards(going, named, context),
        steps=(*before, _drop(going, replace(context, facts=facts))),
        facts=_after(going, context.facts),
        touches=tuple(dict.fromkeys((*named, *(lock.relation for lock in effect.locks)))),
        as_written=not before,
    )


def _locks(going: Going, facts: Facts) -> tuple[RelationLock, ...]:
    mode, gone = LockMode.ACCESS_EXCLUSIVE, set(going.all)
    locks = [lock for name in going.tables for lock in locks_on(name, mode, facts)]
    locks += [lock for each in _partitions(going, facts) for lock in _above(each, facts)]
    for key in going.keys:
        other = key.parent if key.table in gone else key.table
        if going.command.cascade or key.table in gone:
            locks += locks_on(other, mode, facts)
    if going.command.cascade:
        locks += [RelationLock(view, mode) for view in going.views]
    return tuple(dict.fromkeys(locks))


def _partitions(going: Going, facts: Facts) -> tuple[Detachment, ...]:
    """Return the partitions that go from a partitioned table that stays."""
    found = [(facts.relation(name), name) for name in going.tables]
    return tuple(
        Detachment(root=relation.partition_of, partition=name)
        for relation, name in found
        if relation is not None
        and relation.partition_of is not None
        and relation.partition_of not in going.all
    )


def _above(partition: Detachment, facts: Facts) -> tuple[RelationLock, ...]:
    """DROP TABLE of a partition locks the partitioned table, and its default partition (142)."""
    root = facts.relation(partition.root)
    default = None if root is None else root.default_partition
    names = [partition.root, *([] if default is None else [default])]
    return tuple(
        RelationLock(name, LockMode.ACCESS_EXCLUSIVE) for name in names if name != partition.partition
    )


# --- steps


def _detached(going: Going, context: Context) -> tuple[Detachment, ...]:
    """Return the partitions of tables in use that nothing refers to: what is referred to is refused."""
    roots = {each: context.facts.relation(each.root) for each in _partitions(going, context.facts)}
    return tuple(e for e, root in roots.items() if in_use(root, context) and not referencing(root))


def _detached_first(going: Going, context: Context) -> tuple[Step, ...]:
    """R18: the partitioned table is not locked in ACCESS EXCLUSIVE where the server can do without."""
    return tuple(
        changed(detach_first(each, context), phase=Phase.CONTRACT) for each in _detached(going, context)
    )


def _alone(going: Going, context: Context) -> Context:
    """Return the context in which the partitions are tables by themselves."""
    facts = context.facts
    for each in _detached(going, context):
        facts = folding.without_partition(facts, each.root, each.partition)
    return replace(context, facts=facts)


def _foreign_keys_first(going: Going, context: Context) -> tuple[Step, ...]:
    """R8: one transaction for each foreign key that ties a table in use to what goes."""
    steps = []
    for key in _dropped_first(going, context):
        steps.append(drop_foreign_key(key, context, phase=Phase.CONTRACT))
        context = replace(context, facts=folding.without_constraint(context.facts, key.table, key.key.name))
    return tuple(steps)


def _dropped_first(going: Going, context: Context) -> tuple[ForeignKeyOf, ...]:
    if not used(going, context):
        return ()
    gone = set(going.all)
    keys = [key for key in going.keys if going.command.cascade or key.table in gone]
    others = {key: key.parent if key.table in gone else key.table for key in keys}
    return tuple(key for key, other in others.items() if in_use(context.facts.relation(other), context))


def drop_foreign_key(key: ForeignKeyOf, context: Context, *, phase: Phase) -> Step:
    """Return DROP CONSTRAINT of a foreign key, both tables locked beforehand and for an instant."""
    mode = LockMode.ACCESS_EXCLUSIVE
    locks = (*locks_on(key.table, mode, context.facts), *locks_on(key.parent, mode, context.facts))
    return transaction(
        context,
        f"DROP CONSTRAINT {key.key.name} of {key.table}",
        (ddl.alter_table(key.table, ddl.drop_constraint(key.key.name)),),
        Effect(locks=tuple(dict.fromkeys(locks))),
        phase=phase,
        recipe="R8",
        undo=restoring(key),
    )


def restoring(key: ForeignKeyOf) -> tuple[ddl.Sql, ...]:
    """Return what brings the foreign key back, for rows that are written from then on."""
    if not key.key.definition.startswith("FOREIGN KEY"):
        return ()
    return (ddl.alter_table(key.table, ddl.restore_constraint(key.key.name, key.key.definition)),)


def _without_keys(going: Going, facts: Facts) -> Facts:
    for key in going.keys:
        facts = folding.without_constraint(facts, key.table, key.key.name)
    return facts


def _drop(going: Going, context: Context) -> Step:
    names = ", ".join(map(str, going.tables))
    facts = context.facts
    effect = Effect(
        locks=_locks(going_of(going.command, going.tables, facts), facts), unknown=unknown(going, context)
    )
    note = "what is gone is gone"
    step = as_written(context, f"DROP {going.command.object_kind} {names}", effect, undo_note=note)
    if not used(going, context):
        return step
    return changed(step, phase=Phase.CONTRACT, timeouts=approved_timeouts(context))


def _after(going: Going, facts: Facts) -> Facts:
    taken = going.views if going.command.cascade else ()
    gone = (*going.all, *owned_sequences(going.all, facts), *taken)
    return without_relations(facts, gone)


DROP_TABLE = FormOperation(
    name=NAME, form=Drop, outcome=_plan, when=lambda command, _: command.object_kind in KINDS
)
