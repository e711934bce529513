"""Rows for a scratch database: as many in each table as asked for, as its own catalog says they must be.

`fill(connection, rows=3)` reads types, NOT NULL, CHECKs, foreign keys, partitions and domains, and inserts
rows that satisfy them; triggers, defaults of sequences, identity and generated columns do what they do. The
seed and what is in the tables decide every value: two databases of equal content get equal rows. What could
not be filled is said, with the server's last word. It must not be used on a database that anybody needs.

Fails with psycopg's errors where the connection does; a row that is refused is no failure.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.rows.catalog import Catalog, Table, read_catalog
from migrator.shadow.rows.parents import Parents, parents_first
from migrator.shadow.rows.row import Made, RowMaker, Unfillable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from migrator.database.session import Connection
    from migrator.shadow.rows.solve import Values

__all__ = ["Filled", "Unfilled", "fill"]

_ATTEMPTS = 24
"""Rows that are tried for one that is accepted."""

_DEEPEST = 4
"""Parents of parents that are made in one transaction, where foreign keys go in a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfilled:
    """A table that has fewer rows than were asked for."""

    table: QualifiedName
    missing: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What was inserted, and what could not be."""

    inserted: dict[QualifiedName, int]
    unfilled: tuple[Unfilled, ...]


def fill(
    connection: Connection,
    *,
    rows: int,
    seed: int = 0,
    tables: Collection[QualifiedName] | None = None,
    without: Sequence[str] = ("migrator",),
) -> Filled:
    """Insert until every table, or each of `tables`, has at least `rows` rows.

    Needs an autocommit connection. Schemas named in `without` are left alone.
    """
    filler = _Filler(connection, read_catalog(connection, without=without), seed)
    wanted = [t for t in filler.catalog.tables if tables is None or t.name in tables]
    inserted: dict[QualifiedName, int] = {}
    missing = list(parents_first(wanted))
    left: list[Unfilled] = []
    while missing:
        left = [each for table in missing if (each := filler.fill(table, rows, inserted)) is not None]
        short = {each.table for each in left}
        again = [table for table in missing if table.name in short]
        if len(again) == len(missing):
            break
        missing = again
    foreign = [
        Unfilled(table=name, missing=rows, reason="a foreign table: its rows are elsewhere")
        for name in filler.catalog.foreign_tables
        if tables is None or name in tables
    ]
    return Filled(inserted=inserted, unfilled=(*left, *foreign))


class _Filler:
    """Fills tables one after the other."""

    def __init__(self, connection: Connection, catalog: Catalog, seed: int) -> None:
        self.catalog = catalog
        self._connection = connection
        self._seed = seed
        self._parents = Parents(connection)
        self._tables = {table.name: table for table in catalog.tables}

    def fill(self, table: Table, rows: int, inserted: dict[QualifiedName, int]) -> Unfilled | None:
        """Insert what the table lacks; say so where that is not possible."""
        while (present := self._count(table)) < rows:
            refused = self._insert_one(table, present + 1)
            if refused is not None:
                return Unfilled(table=table.name, missing=rows - present, reason=refused)
            inserted[table.name] = inserted.get(table.name, 0) + 1
            self._parents.forget()
        return None

    def _count(self, table: Table) -> int:
        query = sql.SQL("SELECT count(*) FROM ONLY {}").format(_identifier(table))
        row = self._connection.execute(query).fetchone()
        return 0 if row is None else int(row[0])

    def _insert_one(self, table: Table, n: int) -> str | None:
        """Return why no row was accepted, or None."""
        refused = ""
        for attempt in range(_ATTEMPTS):
            try:
                with self._connection.transaction():
                    self._insert(table, n, attempt, {}, depth=0)
            except Unfillable as error:
                return refused or str(error)
            except psycopg.errors.OperationalError:
                raise
            except psycopg.Error as error:
                refused = f"{error.sqlstate}: {str(error).splitlines()[0]}"
            else:
                return None
            finally:
                self._parents.forget()
        return refused

    def _insert(self, table: Table, n: int, attempt: int, forced: Values, *, depth: int) -> None:
        maker = RowMaker(
            connection=self._connection,
            table=table,
            types=self.catalog.types,
            parents=self._parents,
            seed=self._seed,
        )
        made = maker.make(n, attempt, forced)
        if made.owed and depth == 0:
            self._connection.execute("SET CONSTRAINTS ALL DEFERRED")
        self._connection.execute(_insert_query(table, made.values), list(made.values.values()))
        self._pay(made, n, attempt, depth)

    def _pay(self, made: Made, n: int, attempt: int, depth: int) -> None:
        """Insert the parents that the row refers to."""
        for key, texts in made.owed:
            parent = self._tables.get(key.parent)
            if parent is None or depth == _DEEPEST:
                raise Unfillable(f"{key.parent} has no row that {key.name} could refer to")
            self._parents.forget()
            forced: Values = dict(zip(key.referenced, texts, strict=True))
            self._insert(parent, n, attempt, forced, depth=depth + 1)


def _identifier(table: Table) -> sql.Identifier:
    return sql.Identifier(*itertools.chain([table.name.schema or "public"], [table.name.name]))


def _insert_query(table: Table, values: Values) -> sql.Composed:
    """Return an INSERT with a parameter for each value, of the column's own type."""
    if not values:
        return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(_identifier(table))
    comma = sql.SQL(", ")
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        _identifier(table),
        comma.join(map(sql.Identifier, values)),
        comma.join([sql.Placeholder()] * len(values)),
    )
