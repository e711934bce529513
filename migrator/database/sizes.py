"""Rows and bytes of relations, from the statistics of the last ANALYZE and the sizes of the files. Pure.

Unknown is None and counts as large. 0 rows is said only of what is proved empty: a table whose file has no
page, or a partitioned table all of whose partitions are empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migrator.postgres.facts import Relation, RelationKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from migrator.postgres.identifiers import QualifiedName


class Statistics(msgspec.Struct, frozen=True):
    """pg_class.reltuples and relpages, as of the last VACUUM or ANALYZE."""

    tuples: float
    pages: int


class Size(msgspec.Struct, frozen=True):
    """Bytes of the main fork and of the TOAST table now, and of a block."""

    main: int
    toast: int
    block: int


Measured = tuple[Relation, Statistics, Size | None]


def with_sizes(measured: Iterable[Measured]) -> tuple[Relation, ...]:
    """Return the relations with rows and bytes; a partitioned table has the sums of its partitions."""
    own = {relation.name: _with_own(relation, statistics, size) for relation, statistics, size in measured}
    return tuple(_with_partitions(relation, own) for relation in own.values())


def estimated_rows(statistics: Statistics, size: Size | None) -> int | None:
    """Return reltuples at the density of then and the pages of now, as the server's own planner has it.

    Before 14 a table that was never analysed has 0 tuples and 0 pages, and cannot be told from one that was
    empty when it was.
    """
    if size is None:
        return None
    if size.main == 0:
        return 0
    if statistics.tuples <= 0 or statistics.pages <= 0:
        return None
    return max(1, round(statistics.tuples / statistics.pages * (size.main / size.block)))


def _with_own(relation: Relation, statistics: Statistics, size: Size | None) -> Relation:
    return msgspec.structs.replace(
        relation,
        rows=estimated_rows(statistics, size),
        bytes=None if size is None else size.main + size.toast,
    )


def _with_partitions(relation: Relation, known: Mapping[QualifiedName, Relation]) -> Relation:
    if relation.kind is not RelationKind.PARTITIONED_TABLE:
        return relation
    leaves = list(_leaves(relation, known))
    rows = [leaf.rows for leaf in leaves if leaf is not None and leaf.rows is not None]
    sizes = [leaf.bytes for leaf in leaves if leaf is not None and leaf.bytes is not None]
    return msgspec.structs.replace(
        relation,
        rows=sum(rows) if len(rows) == len(leaves) else None,
        bytes=sum(sizes) if len(sizes) == len(leaves) else None,
        published_without_identity=any(leaf and leaf.published_without_identity for leaf in leaves),
        replicated_by_key=any(leaf and leaf.replicated_by_key for leaf in leaves),
    )


def _leaves(relation: Relation, known: Mapping[QualifiedName, Relation]) -> Iterable[Relation | None]:
    for name in relation.partitions:
        partition = known.get(name)
        if partition is not None and partition.kind is RelationKind.PARTITIONED_TABLE:
            yield from _leaves(partition, known)
        else:
            yield partition
