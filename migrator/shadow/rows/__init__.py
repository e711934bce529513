"""Rows for a scratch database: as many in each table as asked for, as its own catalog says they must be.

`fill(connection, rows=1000)` reads types, NOT NULL, CHECKs, foreign keys, partitions and domains, and inserts
rows that satisfy them; triggers, defaults of sequences, identity and generated columns do what they do. The
seed and what is in the tables decide every value: two databases of equal content get equal rows. What could
not be filled is said, with the server's last word. It must not be used on a database that anybody needs.

Fails with psycopg's errors where the connection does; a row that is refused is no failure.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import psycopg
from psycopg import sql

from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.rows.bulk import Pace, copy_rows, make_many
from migrator.shadow.rows.catalog import Catalog, Table, read_catalog
from migrator.shadow.rows.parents import Parents, parents_first
from migrator.shadow.rows.row import NULL_EVERY, Made, RowMaker, Unfillable
from migrator.shadow.rows.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from migrator.database.session import Connection
    from migrator.shadow.rows.solve import Values

__all__ = ["Filled", "Rules", "Unfilled", "fill"]

_ATTEMPTS = 24
"""Rows that are tried for one that is accepted."""

_DEEPEST = 4
"""Parents of parents that are made in one transaction, where foreign keys go in a circle."""


class Unfilled(msgspec.Struct, frozen=True, kw_only=True):
    """A table that has fewer rows than were asked for."""

    table: QualifiedName
    missing: int
    reason: str


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """What was inserted, and what could not be."""

    inserted: dict[QualifiedName, int]
    unfilled: tuple[Unfilled, ...]


def fill(  # each is a choice of its own
    connection: Connection,
    *,
    rows: int,
    seed: int = 0,
    tables: Collection[QualifiedName] | None = None,
    without: Sequence[str] = ("migrator",),
    rules: Rules | None = None,
    nulls: bool = True,
) -> Filled:
    """Insert until every table, or each of `tables`, has at least `rows` rows.

    Needs an autocommit connection. Schemas named in `without` are left alone. `rules` are constraints that
    the tables do not have yet. Where a column may be NULL some rows have it so; without `nulls` only where no
    value is known or accepted.
    """
    filler = _Filler(
        connection, (rules or Rules()).applied(read_catalog(connection, without=without)), seed, rows
    )
    filler.null_every = NULL_EVERY if nulls else 0
    wanted = [t for t in filler.catalog.tables if tables is None or t.name in tables]
    inserted: dict[QualifiedName, int] = {}
    with (rules or Rules()).enforced(connection):
        left = _fill_all(filler, list(parents_first(wanted)), inserted)
    foreign = [
        Unfilled(table=name, missing=rows, reason="a foreign table: its rows are elsewhere")
        for name in filler.catalog.foreign_tables
        if tables is None or name in tables
    ]
    return Filled(inserted=inserted, unfilled=(*left, *foreign))


def _fill_all(filler: _Filler, missing: list[Table], inserted: dict[QualifiedName, int]) -> list[Unfilled]:
    """Fill the tables, those that lacked a parent once more; return what is left."""
    left: list[Unfilled] = []
    while missing:
        left = [each for table in missing if (each := filler.fill(table, inserted)) is not None]
        short = {each.table for each in left}
        again = [table for table in missing if table.name in short]
        if len(again) == len(missing):
            break
        missing = again
    return left


class _Filler:
    """Fills tables one after the other."""

    def __init__(self, connection: Connection, catalog: Catalog, seed: int, rows: int) -> None:
        self.catalog = catalog
        self.null_every = NULL_EVERY
        self._connection = connection
        self._seed = seed
        self._rows = rows
        self._parents = Parents(connection, rows)
        self._tables = {table.name: table for table in catalog.tables}

    def fill(self, table: Table, inserted: dict[QualifiedName, int]) -> Unfilled | None:
        """Insert what the table lacks, many at a time where they are accepted; say so where they are not."""
        present, pace = self._count(table), Pace()
        shift = 0
        # Rows may be parents of later ones: of the same table, or of a partitioned one that it belongs to.
        own = any(k.parent == table.name or k.parent not in self._tables for k in table.foreign_keys)
        while present < self._rows:
            size = min(pace.size, self._rows - present)
            if size > 1:
                added = self._insert_many(table, present + 1 + shift, size)
                pace.tried(accepted=added > 0)
            else:
                refused, attempt = self._insert_one(table, present + 1 + shift)
                if refused is not None:
                    return Unfilled(table=table.name, missing=self._rows - present, reason=refused)
                added, shift = 1, shift + attempt
                pace.one_more()
            present += added
            inserted[table.name] = inserted.get(table.name, 0) + added
            if own:
                self._parents.forget()
        self._parents.forget()
        return None

    def _count(self, table: Table) -> int:
        query = sql.SQL("SELECT count(*) FROM ONLY {}").format(_identifier(table))
        row = self._connection.execute(query).fetchone()
        return 0 if row is None else int(row[0])

    def _maker(self, table: Table, *, may_draw: bool) -> RowMaker:
        return RowMaker(
            connection=self._connection,
            table=table,
            types=self.catalog.types,
            parents=self._parents,
            seed=self._seed,
            may_draw=may_draw,
            null_every=self.null_every,
        )

    def _insert_many(self, table: Table, n: int, size: int) -> int:
        """Return how many were accepted: all or none, but for rows that a trigger passes over."""
        try:
            rows = make_many(self._maker(table, may_draw=False), n, size)
            with self._connection.transaction():
                return copy_rows(self._connection, _identifier(table), rows)
        except Unfillable:
            return 0
        except psycopg.errors.OperationalError:
            raise
        except psycopg.Error:
            return 0

    def _insert_one(self, table: Table, n: int) -> tuple[str | None, int]:
        """Return why no row was accepted, or None; and how many attempts came before."""
        refused = ""
        for attempt in range(_ATTEMPTS):
            try:
                with self._connection.transaction():
                    self._insert(table, n, attempt, {}, depth=0)
            except Unfillable as error:
                return refused or str(error), attempt
            except psycopg.errors.OperationalError:
                raise
            except psycopg.Error as error:
                refused = f"{error.sqlstate}: {str(error).splitlines()[0]}"
            else:
                return None, attempt
            finally:
                self._parents.forget()
        return refused, _ATTEMPTS

    def _insert(self, table: Table, n: int, attempt: int, forced: Values, *, depth: int) -> None:
        made = self._maker(table, may_draw=True).make(n, attempt, forced)
        if made.owed and depth == 0:
            self._connection.execute("SET CONSTRAINTS ALL DEFERRED")
        done = self._connection.execute(_insert_query(table, made.values), list(made.values.values()))
        if done.rowcount == 0 and depth == 0:
            raise Unfillable("a trigger or a rule keeps rows out")
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
