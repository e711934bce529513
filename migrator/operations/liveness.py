"""Whether there is anything to endanger: the rule against false alarms.

A hazard needs a relation that somebody may be using. It may assume that facts are folded over all earlier
statements of the plan. What is unknown counts as large and in use: a mistake here costs a needless rewrite,
never a stalled application.
"""

from collections.abc import Callable

from migrator.operations.base import Context
from migrator.plan.effect import Effect
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName

_PAGE_BYTES = 8192
_ROWS_PER_PAGE = 291
"""The most rows that fit into a page (MaxHeapTuplesPerPage)."""


def live(context: Context) -> bool:
    """Whether anything in the database is in use."""
    return context.facts.live and not context.policy.disposable


def in_use(relation: Relation | None, context: Context) -> bool:
    """Whether sessions of the application may be using the relation: any lock on it is felt."""
    return live(context) and (relation is None or not relation.created_in_plan)


def endangered(relation: Relation | None, context: Context) -> bool:
    """Whether work in proportion to the table's size, done under a lock, would be felt."""
    return in_use(relation, context) and (relation is None or not small(relation, context))


def small(relation: Relation, context: Context) -> bool:
    """Whether the table, with its partitions and children, is proved to be below both thresholds."""
    rows, size = rows_at_most(relation, context.facts), total_bytes(relation, context.facts)
    if rows is None or size is None:
        return rows == 0
    return rows <= context.policy.small_table_rows and size <= context.policy.small_table_bytes


def empty(relation: Relation, facts: Facts) -> bool:
    """Whether the table is proved to hold no row."""
    return rows_at_most(relation, facts) == 0


def rows_at_most(relation: Relation, facts: Facts) -> int | None:
    """Return the known or largest possible number of rows, with partitions and children."""
    own = _own_rows_at_most(relation)
    return _sum([own, *(_of_child(name, facts, rows_at_most) for name in _descendants(relation))])


def total_bytes(relation: Relation, facts: Facts) -> int | None:
    """Return the size with partitions and children; None if unknown."""
    own = 0 if _has_no_storage(relation) else relation.bytes
    return _sum([own, *(_of_child(name, facts, total_bytes) for name in _descendants(relation))])


def felt(effect: Effect, context: Context) -> bool:
    """Whether the effect takes a lock that blocks reads or writes of a relation in use."""
    return any(
        lock.mode.blocks_writes and in_use(context.facts.relation(lock.relation), context)
        for lock in effect.locks
    )


def _own_rows_at_most(relation: Relation) -> int | None:
    if _has_no_storage(relation):
        return 0
    if relation.rows is not None:
        return relation.rows
    return None if relation.bytes is None else relation.bytes // _PAGE_BYTES * _ROWS_PER_PAGE


def _has_no_storage(relation: Relation) -> bool:
    return relation.kind is RelationKind.PARTITIONED_TABLE


def _descendants(relation: Relation) -> tuple[QualifiedName, ...]:
    return (*relation.partitions, *relation.children)


def _of_child(
    name: QualifiedName, facts: Facts, measure: Callable[[Relation, Facts], int | None]
) -> int | None:
    child = facts.relation(name)
    return None if child is None else measure(child, facts)


def _sum(parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
