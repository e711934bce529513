"""The rows of a scratch database by counts and digests, whatever their order and however many there are.

A digest is the sum of a hash over the texts of a row's columns, taken by name. Fails with errors of psycopg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from psycopg import sql

from migrator.database.queries import load
from migrator.database.session import Connector
from migrator.postgres.identifiers import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from migrator.database.session import Connection

PACKAGE = "migrator.shadow"

Digest = tuple[int, ...]
"""Rows, and two sums of hashes; equal for equal rows."""

_SHOWN = 2
"""Rows that are shown of each side."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sequence stands."""

    next: int
    owner: tuple[QualifiedName, str] | None


class Contents:
    """The rows of one database, asked for through an open session."""

    def __init__(self, connection: Connection, *, without: Sequence[str]) -> None:
        self._connection = connection
        queries = load("contents.sql", package=PACKAGE)
        connection.execute(queries["settings"])
        given = {"without": list(without)}
        self.columns = {
            QualifiedName(schema, name): tuple(columns)
            for schema, name, columns in connection.execute(queries["relations"], given).fetchall()
        }
        self.sequences = dict(self._sequences(connection.execute(queries["sequences"], given).fetchall()))

    def digest(self, table: QualifiedName, columns: Iterable[str]) -> Digest:
        """Return the digest of these columns of all rows."""
        text = _text(columns)
        query = sql.SQL(
            "SELECT count(*), coalesce(sum(hashtextextended({text}, 0)), 0),"
            " coalesce(sum(hashtextextended({text}, 1)), 0) FROM ONLY {table}"
        )
        return tuple(map(int, self._one(query.format(text=text, table=_identifier(table)))))

    def missing_and_different(self, table: QualifiedName, column: str) -> tuple[int, int]:
        """Return how many rows have no value, and how many different values there are."""
        query = sql.SQL(
            "SELECT count(*) FILTER (WHERE {c} IS NULL), count(DISTINCT {c}::text) FROM ONLY {table}"
        )
        missing, different = self._one(query.format(c=sql.Identifier(column), table=_identifier(table)))
        return int(missing), int(different)

    def hashes(self, table: QualifiedName, columns: Iterable[str]) -> frozenset[int]:
        """Return the hash of every row."""
        query = sql.SQL("SELECT DISTINCT hashtextextended({}, 0) FROM ONLY {}")
        found = self._connection.execute(query.format(_text(columns), _identifier(table))).fetchall()
        return frozenset(each for (each,) in found)

    def rows(
        self, table: QualifiedName, columns: Iterable[str], hashes: Iterable[int], shown: Iterable[str]
    ) -> list[str]:
        """Return some columns of a few of the rows whose `columns` have these hashes."""
        query = sql.SQL(
            "SELECT {shown} FROM ONLY {table} WHERE hashtextextended({text}, 0) = ANY (%s)"
            " ORDER BY 1 LIMIT {n}"
        )
        composed = query.format(
            shown=_text(shown), text=_text(columns), table=_identifier(table), n=sql.Literal(_SHOWN)
        )
        return [text for (text,) in self._connection.execute(composed, [list(hashes)]).fetchall()]

    def _sequences(self, found: list[tuple[Any, ...]]) -> Iterator[tuple[QualifiedName, Standing]]:
        for schema, name, owner_schema, owner, column in found:
            sequence = QualifiedName(schema, name)
            query = sql.SQL("SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END FROM {}")
            (after,) = self._one(query.format(_identifier(sequence)))
            of = None if owner is None else (QualifiedName(owner_schema, owner), str(column))
            yield sequence, Standing(next=after, owner=of)

    def _one(self, query: sql.Composed) -> tuple[Any, ...]:
        return self._connection.execute(query).fetchone() or ()


def contents_connector(url: str) -> Connector:
    """Return how the databases to be compared are connected to."""
    return Connector(conninfo=url)


def _identifier(table: QualifiedName) -> sql.Identifier:
    return sql.Identifier(table.schema or "public", table.name)


def _text(columns: Iterable[str]) -> sql.Composed:
    """Return the text of a row: of its columns, so that all of any type can be compared."""
    texts = [sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns]
    return sql.SQL("ROW({})::text").format(sql.SQL(", ").join(texts))
