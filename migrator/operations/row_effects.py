"""What UPDATE and DELETE lock and read: the table, what belongs to it, and what its foreign keys reach."""

from migrator.operations.base import Context
from migrator.operations.foreign_key_support import indexed
from migrator.operations.steps import locks_on
from migrator.plan.effect import Effect, RelationLock
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

_REACHING = ("ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE SET DEFAULT")


def effect_on_rows(table: QualifiedName, context: Context, *, only: bool) -> Effect:
    """Return the effect of changing rows of a table; `only` leaves partitions and children out."""
    mode = LockMode.ROW_EXCLUSIVE
    locks = (RelationLock(table, mode),) if only else locks_on(table, mode, context.facts)
    relation = context.facts.relation(table)
    nothing_stored = only and relation is not None and bool(relation.partitions)
    return Effect(locks=locks, scans=() if nothing_stored else (table,))


def effect_of_delete(table: QualifiedName, context: Context, *, only: bool) -> Effect:
    """Return the effect of deleting rows, with what goes or is emptied by foreign keys (catalogue 184)."""
    own, facts = effect_on_rows(table, context, only=only), context.facts
    keys = _keys_that_reach(table, facts)
    locks = [lock for child, _ in keys for lock in locks_on(child, LockMode.ROW_EXCLUSIVE, facts)]
    scans = [child for child, key in keys if not indexed(facts.relation(child), key.columns)]
    return Effect(
        locks=tuple(dict.fromkeys((*own.locks, *locks))), scans=tuple(dict.fromkeys((*own.scans, *scans)))
    )


def reaches(constraint: Constraint) -> bool:
    """Whether deleting a row that is referred to changes or deletes those that refer to it."""
    definition = " ".join(constraint.definition.upper().split())
    return any(action in definition for action in _REACHING)


def foreign_keys(relation: Relation) -> list[Constraint]:
    """Return the foreign keys of a table."""
    return [c for c in relation.constraints if c.kind is ConstraintKind.FOREIGN_KEY]


def _keys_that_reach(table: QualifiedName, facts: Facts) -> list[tuple[QualifiedName, Constraint]]:
    """Return the foreign keys by which rows of other tables change, at whatever distance."""
    found: list[tuple[QualifiedName, Constraint]] = []
    queue, seen = [table], {table}
    while queue:
        parent = facts.relation(queue.pop())
        children = () if parent is None else parent.referenced_by
        for child in filter(None, map(facts.relation, children)):
            keys = [k for k in foreign_keys(child) if parent and k.references == parent.name and reaches(k)]
            found += [(child.name, key) for key in keys]
            queue += [child.name] if keys and child.name not in seen else []
            seen |= {child.name}
    return found
