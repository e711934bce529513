"""By which columns a table is walked, and where it cannot be walked at all. Pure knowledge of facts.

A walk needs a key that is unique and never NULL: the primary key, else a valid unique index on plain NOT NULL
columns. An ordinary table without one is walked by its pages (`()`).
"""

from __future__ import annotations

from migrator.plan.step import KeyColumn
from migrator.postgres.facts import Index, Relation, RelationKind

_UNCHANGING = frozenset({'"C"', '"POSIX"', "ucs_basic"})
"""As facts write them: quoted where the name needs it."""

COLLATABLE = ("text", "character", "name", "citext")


def walk_key(relation: Relation) -> tuple[KeyColumn, ...]:
    """Return the columns to walk by, () for a walk by pages."""
    candidates = [columns for columns in _candidates(relation) if _usable(relation, columns)]
    return tuple(KeyColumn(name, _type(relation, name)) for name in candidates[0]) if candidates else ()


def walkable(relation: Relation) -> bool:
    """Whether windows can be cut at all: pages are those of one ordinary table, not of its partitions."""
    if relation.kind is RelationKind.TABLE:
        return True
    return relation.kind is RelationKind.PARTITIONED_TABLE and bool(walk_key(relation))


def avoids_collation(relation: Relation) -> bool:
    """Whether the key that would be taken is passed over because its collation's version changed."""
    return relation.collation_mismatch and any(
        _collatable(relation, columns) for columns in _candidates(relation)[:1]
    )


def _candidates(relation: Relation) -> list[tuple[str, ...]]:
    """The primary key first, then unique indexes: fewer columns before more, by name."""
    primary = [relation.primary_key] if relation.primary_key else []
    others = sorted(
        (len(index.keys), index.name, index) for index in relation.indexes if _is_key(relation, index)
    )
    return primary + [tuple(name for name in index.keys if name is not None) for _, _, index in others]


def _is_key(relation: Relation, index: Index) -> bool:
    """Whether the index proves its columns unique and never NULL."""
    plain = index.unique and index.valid and index.predicate is None and index.method == "btree"
    if not plain or not index.keys or None in index.keys:
        return False
    columns = [relation.column(name) for name in index.keys if name is not None]
    return all(column is not None and column.not_null for column in columns)


def _usable(relation: Relation, columns: tuple[str, ...]) -> bool:
    known = all(relation.column(name) is not None for name in columns)
    return known and not (relation.collation_mismatch and _collatable(relation, columns))


def _collatable(relation: Relation, columns: tuple[str, ...]) -> bool:
    """Whether a column of the key sorts by a collation other than C."""
    found = [column for column in map(relation.column, columns) if column is not None]
    return any(c.type.startswith(COLLATABLE) and c.collation not in _UNCHANGING for c in found)


def _type(relation: Relation, name: str) -> str:
    column = relation.column(name)
    if column is None:
        message = f"{relation.name} has no column {name}"
        raise ValueError(message)
    return column.type
