"""Rows that an application can insert and delete again, tried before the run.

They look like a row that is there, but for what has to be different; or, where no such row is accepted, like
those that `rows` makes. A row that the schema after the change refuses is taken only where there are not
enough others: then the change itself breaks the application.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg import sql

from migrator.database.queries import load
from migrator.database.session import Connection
from migrator.shadow.rows.catalog import Table, Types
from migrator.shadow.rows.parents import Parents
from migrator.shadow.rows.row import RowMaker, Unfillable
from migrator.shadow.rows.solve import Values
from migrator.shadow.traffic import statements
from migrator.shadow.traffic.statements import NewRow, Target
from migrator.shadow.traffic.trial import refusal, violates

PACKAGE = "migrator.shadow.traffic"

_ATTEMPTS = 12
"""Rows that are tried for one that is accepted."""

_FIRST = 4_000_000
"""Numbers of rows made here begin beyond those that a table was filled with."""

_EXAMPLES = 16


@dataclass(slots=True, kw_only=True)
class Found:
    """Rows that were accepted."""

    kept: list[NewRow] = field(default_factory=list)
    """By the schema after the change too."""
    doubtful: list[NewRow] = field(default_factory=list)
    reason: str = "nothing is known of its rows"
    """Why there are no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFinder:
    """Finds rows for the tables of one database."""

    connection: Connection
    after: Connection | None
    types: Types
    parents: Parents
    seed: int

    def find(self, target: Target, leaves: Sequence[Table], most: int) -> Found:
        """Look for so many rows of a table, whose rows are in these tables."""
        found = Found()
        examples = {leaf.name: self._examples(leaf) for leaf in leaves}
        for number in range(most if leaves else 0):
            leaf = leaves[number % len(leaves)]
            if not self._add(found, target, leaf, examples[leaf.name], number):
                break
        return found

    def _add(
        self, found: Found, target: Target, leaf: Table, examples: Sequence[Values], number: int
    ) -> bool:
        """Add a row; return False where none was accepted."""
        doubtful: NewRow | None = None
        for attempt in range(_ATTEMPTS):
            like: Values = {}
            if examples and attempt % 2 == 0:
                like = examples[number % len(examples)]
            row = self._made(found, target, leaf, like, number * _ATTEMPTS + attempt)
            if row is None or not self._accepts(found, target, row):
                continue
            if self._keeps(row):
                found.kept.append(row)
                return True
            doubtful = doubtful or row
        if doubtful is not None:
            found.doubtful.append(doubtful)
        return doubtful is not None

    def _made(self, found: Found, target: Target, leaf: Table, like: Values, number: int) -> NewRow | None:
        maker = RowMaker(
            connection=self.connection, table=leaf, types=self.types, parents=self.parents, seed=self.seed
        )
        try:
            made = maker.make(_FIRST + number, 0, like)
        except Unfillable as error:
            found.reason = str(error)
            return None
        return statements.new_row(target, made.values)

    def _accepts(self, found: Found, target: Target, row: NewRow) -> bool:
        """Insert the row and delete it."""

        def insert_and_delete() -> None:
            self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor = self.connection.execute(row.statement.sql, row.values)
            if target.delete is not None:
                self.connection.execute(target.delete.sql, cursor.fetchone())

        error = refusal(self.connection, insert_and_delete)
        if error is not None:
            found.reason = f"{error.sqlstate}: {str(error).splitlines()[0]}"
        return error is None

    def _keeps(self, row: NewRow) -> bool:
        after = self.after
        if after is None:
            return True
        return not violates(refusal(after, lambda: after.execute(row.statement.sql, row.values)))

    def _examples(self, leaf: Table) -> list[Values]:
        """Return what some rows hold where a new row may hold the same."""
        name = {"schema": leaf.name.schema, "name": leaf.name.name}
        unique = self.connection.execute(load("tables.sql", package=PACKAGE)["unique columns"], name)
        fixed = {column for (column,) in unique} | {c for key in leaf.foreign_keys for c in key.columns}
        columns = [c.name for c in leaf.columns if not c.drawn and c.name not in fixed]
        if not columns:
            return []
        query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
            statements.texts(columns), statements.table_of(leaf.name), sql.Literal(_EXAMPLES)
        )
        rows = self.connection.execute(query).fetchall()
        return [dict(zip(columns, row, strict=True)) for row in rows]
