"""The rows that a foreign key can refer to, and the order in which tables are filled.

The keys of a parent are read once and again after it got rows; in the order of their texts, so that the same
rows give the same choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.database.session import Connection
    from migrator.postgres.identifiers import QualifiedName
    from migrator.shadow.rows.catalog import ForeignKey, Table

Key = tuple[str, ...]

_FEWEST = 200
"""Parents to choose from, where fewer rows are made."""


class Parents:
    """What has been read of the keys of parents."""

    def __init__(self, connection: Connection, most: int = 0) -> None:
        self._connection = connection
        self._most = max(most, _FEWEST)
        self._known: dict[tuple[QualifiedName, tuple[str, ...]], list[Key]] = {}

    def keys(self, key: ForeignKey) -> list[Key]:
        """Return the values of the referenced columns, as text."""
        place = (key.parent, key.referenced)
        if place not in self._known:
            self._known[place] = self._read(key)
        return self._known[place]

    def forget(self) -> None:
        """Read all of them again: a partition's row is a row of its parents too."""
        self._known.clear()

    def _read(self, key: ForeignKey) -> list[Key]:
        comma = sql.SQL(", ")
        columns = [sql.Identifier(name) for name in key.referenced]
        query = sql.SQL(
            "SELECT {texts} FROM {table} WHERE ({columns}) IS NOT NULL ORDER BY {order} LIMIT {most}"
        )
        composed = query.format(
            texts=comma.join(sql.SQL("{}::text").format(column) for column in columns),
            table=sql.Identifier(key.parent.schema or "public", key.parent.name),
            columns=comma.join(columns),
            order=comma.join(sql.SQL('{}::text COLLATE "C"').format(column) for column in columns),
            most=sql.Literal(self._most),
        )
        return self._connection.execute(composed).fetchall()


def parents_first(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Return the tables, each behind those that its foreign keys need, as far as there are no cycles."""
    by_name = {table.name: table for table in tables}
    placed: dict[QualifiedName, Table] = {}
    begun: set[QualifiedName] = set()

    def place(table: Table) -> None:
        if table.name in begun:
            return
        begun.add(table.name)
        for key in sorted(table.foreign_keys, key=lambda key: not table.requires(key)):
            if key.parent in by_name:
                place(by_name[key.parent])
        placed[table.name] = table

    for table in by_name.values():
        place(table)
    return tuple(placed.values())
