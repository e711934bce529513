"""Rows that an application can insert and delete again, tried before the run.

They look like a row that is there, but for what has to be different; or, where no such row is accepted, like
those that `rows` makes. What the schema after the change refuses is not inserted, as a careful application
would not; unless it asks for a column that no application can know before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import psycopg
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

_NOT_NULL = "23502"


@dataclass(slots=True, kw_only=True)
class Found:
    """Rows that were accepted."""

    kept: list[NewRow] = field(default_factory=list)
    """By the schema after the change too."""
    outdated: list[NewRow] = field(default_factory=list)
    """They lack a value for a column that the change adds."""
    reason: str = "nothing is known of its rows"
    """Why there are no more."""


class RowFinder(msgspec.Struct, frozen=True, kw_only=True):
    """Finds rows for the tables of one database."""

    connection: Connection
    after: Connection | None
    types: Types
    parents: Parents
    seed: int

    def find(self, target: Target, leaves: Sequence[Table], most: int) -> Found:
        """Look for so many rows of a table, whose rows are in these tables."""
        found = Found()
        known = {leaf.name: self._known(leaf) for leaf in leaves}
        for number in range(most if leaves else 0):
            leaf = leaves[number % len(leaves)]
            examples = self._like(leaf, known[leaf.name], number)
            if not self._add(found, target, leaf, examples, number):
                break
        return found

    def _add(
        self, found: Found, target: Target, leaf: Table, examples: Sequence[Values], number: int
    ) -> bool:
        """Add a row; return False where none was accepted."""
        outdated: NewRow | None = None
        for attempt in range(_ATTEMPTS):
            like = examples[attempt % len(examples)]
            row = self._made(found, target, leaf, like, number * _ATTEMPTS + attempt)
            if row is None or not self._accepts(found, target, row):
                continue
            refused = self._refused_after(row)
            if refused is None:
                found.kept.append(row)
                return True
            found.reason = _words(refused)
            if refused.sqlstate == _NOT_NULL and refused.diag.column_name not in target.columns:
                outdated = outdated or row
        if outdated is not None:
            found.outdated.append(outdated)
        return outdated is not None

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
            found.reason = _words(error)
        return error is None

    def _refused_after(self, row: NewRow) -> psycopg.Error | None:
        """Return what a constraint of the schema after the change says, or None."""
        after = self.after
        if after is None:
            return None

        def insert() -> None:
            after.execute("SET CONSTRAINTS ALL IMMEDIATE")
            after.execute(row.statement.sql, row.values)

        error = refusal(after, insert)
        return error if violates(error) else None

    def _like(self, leaf: Table, known: Sequence[Values], number: int) -> list[Values]:
        """Return what a new row may have in common with an old one, the most first; at last nothing.

        Of each unique key one column has another value, or all of them have.
        """
        if not known:
            return [{}]
        name = {"schema": leaf.name.schema, "name": leaf.name.name}
        query = load("tables.sql", package=PACKAGE)["unique columns"]
        keys = [tuple(columns) for (columns,) in self.connection.execute(query, name) if columns]
        example = known[number % len(known)]
        without = [{key[-1] for key in keys}, {key[0] for key in keys}, {c for key in keys for c in key}]
        return [*({c: v for c, v in example.items() if c not in some} for some in without), {}]

    def _known(self, leaf: Table) -> list[Values]:
        """Return some rows, without what the server gives and what refers to other rows."""
        referring = {c for key in leaf.foreign_keys for c in key.columns}
        columns = [c.name for c in leaf.columns if not c.drawn and c.name not in referring]
        if not columns:
            return []
        query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
            statements.texts(columns), statements.table_of(leaf.name), sql.Literal(_EXAMPLES)
        )
        rows = self.connection.execute(query).fetchall()
        return [dict(zip(columns, row, strict=True)) for row in rows]


def _words(error: psycopg.Error) -> str:
    return f"{error.sqlstate}: {str(error).splitlines()[0]}"
