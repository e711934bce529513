"""A primary key of four bytes or fewer that the database counts up: it runs out, and then every insert fails.

A key that nothing generates may be a code of its own and is left alone, and so is one that refers to another
table's.
"""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.sql.syntax import IdentityConstraint, UniqueConstraint
from migrator.style.base import Advice, Scene, StyleCheck
from migrator.style.columns import NewColumn, about, follows_partner, new_columns


def _find(scene: Scene) -> Iterator[Advice]:
    narrow = (column for column in new_columns(scene) if column.is_of("int4", "int2"))
    return about(
        (c for c in narrow if _is_key(c, scene) and _counts(c, scene) and not follows_partner(c, scene)),
        "the key ends at 2,147,483,647 (smallint: 32,767), and then no row can be inserted",
        "bigint; to widen the key of a large table is long work",
    )


def _is_key(column: NewColumn, scene: Scene) -> bool:
    relation = scene.end.relation(column.table)
    if relation is None:
        return any(isinstance(c, UniqueConstraint) and c.primary for c in column.constraints)
    return relation.primary_key == (column.name,)


def _counts(column: NewColumn, scene: Scene) -> bool:
    """Whether a sequence gives its values."""
    if column.type.serial or any(isinstance(c, IdentityConstraint) for c in column.constraints):
        return True
    relation = scene.end.relation(column.table)
    found = None if relation is None else relation.column(column.name)
    return found is not None and (bool(found.identity) or "nextval" in (found.default or "").lower())


PREFER_BIGINT_KEY = StyleCheck(kind=HazardKind.PREFER_BIGINT_KEY, find=_find)
