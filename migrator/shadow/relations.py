"""The relations of a database at one moment, with what a rewrite, a scan or an index build changes."""

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import msgspec

from migrator.postgres.identifiers import QualifiedName

SQL = files("migrator.shadow") / "sql"
RELATIONS = (SQL / "relations.sql").read_bytes()
"""Takes `without`: schemas that do not count."""

TABLES = frozenset("rpmf")
WITH_ROWS = frozenset("rm")
OTHERS = frozenset("iIS")
"""Kinds of relation (pg_class.relkind): what has columns and rows, what has storage of its own, the rest."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A relation as it was at one moment."""

    name: QualifiedName
    kind: str
    filenode: int
    bytes: int
    table: int
    """Of an index, the table's oid."""
    parents: tuple[int, ...]
    """What it is a partition or child of."""
    scans: int
    """Scans in this session: sequential ones of a table, all of an index."""


Relations = dict[int, Seen]
"""By oid."""


def without(journal_schema: str) -> dict[str, list[str]]:
    """Return the parameters of `RELATIONS`."""
    return {"without": ["pg_catalog", "information_schema", "pg_toast", journal_schema]}


def read(rows: Iterable[tuple[Any, ...]]) -> Relations:
    """Return what `RELATIONS` has found."""
    return {
        row[0]: Seen(
            name=QualifiedName(row[1], row[2]),
            kind=row[3],
            filenode=row[4],
            bytes=row[5],
            table=row[6],
            parents=tuple(row[7]),
            scans=row[8],
        )
        for row in rows
    }


def within(oid: int, relations: Relations) -> frozenset[QualifiedName]:
    """Return the relation with what it is a partition or child of, at whatever distance."""
    seen = relations[oid]
    above = (within(parent, relations) for parent in seen.parents if parent in relations)
    return frozenset({seen.name}).union(*above)
