"""ADD UNIQUE and ADD PRIMARY KEY, with columns or USING INDEX.

What it does
    Forbids rows with equal values in the columns; a primary key also forbids NULL, and there is only one.

Why it is dangerous
    The index is built under ACCESS EXCLUSIVE, and for a primary key the table is read for NULLs as well:
    nobody reads or writes for as long as that takes (catalogue 100, 105). Writes of running code that
    repeat a value, or leave it NULL, fail from then on.

What is done instead
    R9: the unique index is built CONCURRENTLY under the constraint's final name, written or chosen as the
    server would; then the constraint takes it over, which is instant. R10: before that the columns of a
    primary key become NOT NULL by R5, so that taking over scans nothing. Duplicates are named with their
    counts. Partitioned tables (R9p): the constraint of the table alone, then for each partition the index,
    the constraint over it, and ALTER INDEX … ATTACH PARTITION. Tables that are small, empty or new in the
    plan get the statement as written.

Source
    Catalogue 100 to 108, R9, R10; manual, ALTER TABLE, "ADD table_constraint_using_index".
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import endangered
from migrator.operations.names import relation_exists
from migrator.operations.not_null_proof import proved_not_null
from migrator.operations.partition_tree import foreign_partition, partitioned
from migrator.operations.partitioned_unique import partitioned_unique_steps
from migrator.operations.steps import approved_timeouts, as_written, effect_on
from migrator.operations.target import extension_owned, missing_columns, missing_relation, table_of
from migrator.operations.unique_sequence import (
    Key,
    after,
    duplicate_rows,
    key_of,
    not_null_first,
    undo,
    unique_steps,
)
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Index, Relation
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import AddConstraint, UniqueConstraint

NAME = "add-unique"

__all__ = ["ADD_UNIQUE", "NAME", "unique_steps"]


def _plan(action: AddConstraint, context: Context) -> Outcome:
    constraint = action.constraint
    if not isinstance(constraint, UniqueConstraint):
        raise TypeError(type(constraint).__name__)
    table = table_of(context)
    relation = context.facts.relation(table)
    columns = constraint.columns
    if constraint.using_index is not None and relation is not None:
        columns = _columns_of_index(relation.index(constraint.using_index))
    key = key_of(constraint, table, columns, context)
    effect = replace_builds(_locks_as_written(key, context), key, relation)
    if partitioned(relation) and context.alter is not None and context.alter.only:
        effect = Effect(locks=(RelationLock(table, LockMode.ACCESS_EXCLUSIVE),))
    outcome = Outcome(operation=NAME, effect=effect, facts=context.facts, touches=(table,))
    found = _findings(key, relation, context)
    if any(not hazard.approvable for hazard in found):
        return replace(outcome, hazards=found)
    planned = _planned(outcome, key, relation, context)
    return replace(planned, hazards=(*found, *planned.hazards))


def _locks_as_written(key: Key, context: Context) -> Effect:
    """Return the locks; those on partitions are weaker before 18, as NOT NULL is there already (measured)."""
    table, whole = key.table, effect_on(context, key.table)
    relation = context.facts.relation(table)
    columns = [] if relation is None else [relation.column(name) for name in key.columns]
    all_there = all(column is not None and column.not_null for column in columns)
    nothing_recurses = relation is not None and (not key.constraint.primary or all_there)
    if context.facts.server_version.unique_locks_partitions or not nothing_recurses:
        return whole
    weaker = LockMode.SHARE_ROW_EXCLUSIVE if key.constraint.deferrable else LockMode.SHARE
    locks = (RelationLock(e.relation, e.mode if e.relation == table else weaker) for e in whole.locks)
    return changed(whole, locks=tuple(locks))


def replace_builds(effect: Effect, key: Key, relation: Relation | None) -> Effect:
    """Return the effect with what is read and built under its locks.

    A primary key reads the table where its columns may be NULL, though the index is there (catalogue 106).
    """
    if key.constraint.using_index is not None:
        sure = relation is not None and all(_never_null(relation, name) for name in key.columns)
        return effect if sure or not key.constraint.primary else changed(effect, scans=(key.table,))
    return changed(effect, scans=(key.table,), index_builds=(key.table,))


def _never_null(relation: Relation, name: str) -> bool:
    column = relation.column(name)
    return (column is not None and column.not_null) or proved_not_null(relation, name)


def _planned(outcome: Outcome, key: Key, relation: Relation | None, context: Context) -> Outcome:
    if key.constraint.using_index is not None:
        return _using_index(outcome, key, context)
    if not endangered(relation, context):
        return _plain(outcome, key, context)
    refusal = _refusal(key, relation, context)
    if refusal is not None:
        approved = _plain(outcome, key, context)
        steps = tuple(changed(step, timeouts=approved_timeouts(context)) for step in approved.steps)
        return replace(approved, hazards=(refusal,), steps=steps)
    if partitioned(relation):
        steps, facts, hazards = partitioned_unique_steps(key, context)
    else:
        steps, facts, hazards = unique_steps(context, key.table, key.columns, key.constraint)
    return replace(outcome, steps=steps, facts=facts, hazards=hazards)


def _plain(outcome: Outcome, key: Key, context: Context) -> Outcome:
    plain = as_written(
        context,
        f"ADD {key.words} {key.name} to {key.table}",
        outcome.effect,
        undo=undo(key),
        diagnoses=(duplicate_rows(key),),
    )
    return replace(outcome, steps=(plain,), facts=after(key, context), as_written=True)


def _using_index(outcome: Outcome, key: Key, context: Context) -> Outcome:
    """As written; a primary key's columns become NOT NULL first, or taking over the index would scan."""
    draft: Context = context
    steps: tuple[Step, ...] = ()
    relation = context.facts.relation(key.table)
    if key.constraint.primary and endangered(relation, context):
        draft, steps = not_null_first(key, context)
    phase = Phase.VALIDATE if steps else Phase.EXPAND
    plain = as_written(
        draft,
        f"ADD {key.words} {key.name} to {key.table}",
        effect_on(context, key.table),
        phase=phase,
        recipe="R10" if key.constraint.primary else "R9",
        undo_note="the constraint's index cannot be kept without it; drop the constraint to undo this",
    )
    return replace(outcome, steps=(*steps, plain), facts=after(key, draft), as_written=not steps)


def _findings(key: Key, relation: Relation | None, context: Context) -> tuple[Hazard, ...]:
    return (
        *missing_relation(key.table, context),
        *missing_columns(relation, key.columns),
        *extension_owned(relation),
        *_second_primary_key(key, relation),
        *_name_taken(key, context),
        *_unusable_index(key, relation),
    )


def _second_primary_key(key: Key, relation: Relation | None) -> tuple[Hazard, ...]:
    if not key.constraint.primary or relation is None or not relation.primary_key:
        return ()
    message = f"{key.table} has a primary key already: {', '.join(relation.primary_key)}"
    return (wrong(HazardKind.NAME_TAKEN, message, "drop it first, or add UNIQUE", key.table),)


def _name_taken(key: Key, context: Context) -> tuple[Hazard, ...]:
    relation = context.facts.relation(key.table)
    constraint = None if relation is None else relation.constraint(key.name)
    remains = None if relation is None else relation.index(key.name)
    own = key.name == key.constraint.using_index or (remains is not None and not remains.valid)
    taken = not own and relation_exists(key.index, context.facts)
    if constraint is None and not taken:
        return ()
    message = f"{key.index} exists already"
    return (wrong(HazardKind.NAME_TAKEN, message, "give the constraint another name", key.table),)


def _unusable_index(key: Key, relation: Relation | None) -> tuple[Hazard, ...]:
    name = key.constraint.using_index
    if name is None or relation is None:
        return ()
    if partitioned(relation):
        message = f"{key.table} is partitioned, and the server takes over no index there"
        instead = f"write ADD {key.words} with the columns"
        return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, instead, key.table, "catalogue 103"),)
    index = relation.index(name)
    if index is None:
        message = f"{key.table} has no index {name}"
        return (wrong(HazardKind.MISSING_OBJECT, message, "build it first", key.table),)
    plain = index.unique and index.valid and index.predicate is None and None not in index.keys
    if plain and index.method == "btree" and index.constraint is None:
        return ()
    message = f"a constraint needs a valid unique btree index over plain columns, and {name} is not one"
    return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, "build another index", key.table, "catalogue 102"),)


def _refusal(key: Key, relation: Relation | None, context: Context) -> Hazard | None:
    if key.constraint.without_overlaps:
        message = f"WITHOUT OVERLAPS builds a GiST index on {key.table} under ACCESS EXCLUSIVE"
        return needs_approval(
            HazardKind.NO_SAFE_SEQUENCE, message, "run it when the table is idle", key.table, "catalogue 114"
        )
    if not partitioned(relation):
        return None
    return foreign_partition(key.table, "it cannot have a unique index", context.facts)


def _columns_of_index(index: Index | None) -> tuple[str, ...]:
    return () if index is None else tuple(name for name in index.keys if name is not None)


ADD_UNIQUE = FormOperation(
    name=NAME,
    form=AddConstraint,
    outcome=_plan,
    when=lambda action, _: isinstance(action.constraint, UniqueConstraint),
)
