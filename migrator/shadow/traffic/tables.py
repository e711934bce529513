"""What an application can do with a table of any schema, learnt before the run by trying it.

It reads rows by key, counts a few, sets columns to what they are, inserts rows that `rows` has made and deletes
those again. What the server refuses beforehand is not done later: the traffic behaves as the application
that works with the schema before the change. Every trial is rolled back. Fails with psycopg's errors where the
connection does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from migrator.database.queries import load
from migrator.database.session import Connection
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.rows.catalog import Catalog, Table, read_catalog
from migrator.shadow.rows.parents import Parents
from migrator.shadow.rows.row import RowMaker, Unfillable
from migrator.shadow.traffic import statements
from migrator.shadow.traffic.session import Statement
from migrator.shadow.traffic.statements import Key, NewRow, Request, Target, Values

PACKAGE = "migrator.shadow.traffic"

KEYS = 400
"""Rows that are read and changed, from each end of the key."""

ROWS = 8
"""Rows that each writer has ready to be inserted, of each table."""

_ATTEMPTS = 12
"""Rows that are tried for each of them."""

_FIRST = 4_000_000
"""Numbers of rows made here begin beyond those that a table was filled with."""

_CONSTRAINTS = "23"
"""Class of the SQLSTATEs of refused rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """All that the traffic is going to do."""

    targets: tuple[Target, ...]
    notes: tuple[str, ...]
    """What it does not do, with the reason."""


def learn(
    connection: Connection,
    names: Sequence[QualifiedName],
    *,
    writers: int,
    seed: int,
    after: Connection | None,
) -> Learnt:
    """Try what can be done; what the schema after the change refuses to keep is left out where that is possible.

    Both connections are in autocommit mode; `after` is one to a database that the change was made to.
    """
    return _Learner(connection, after, seed).learnt(names, writers)


class _Learner:
    def __init__(self, connection: Connection, after: Connection | None, seed: int) -> None:
        self._connection = connection
        self._after = after
        self._seed = seed
        self._queries = load("tables.sql", package=PACKAGE)
        self._parents = Parents(connection)
        self._notes: list[str] = []

    def learnt(self, names: Sequence[QualifiedName], writers: int) -> Learnt:
        catalog = read_catalog(self._connection, without=())
        given = {"schemas": [n.schema or "public" for n in names], "names": [n.name for n in names]}
        found = self._connection.execute(self._queries["targets"], given).fetchall()
        targets = [self._target(oid, QualifiedName(schema, name)) for oid, schema, name in found]
        for (oid, *_), target in zip(found, targets, strict=True):
            if not self._has_rows(target):
                self._notes.append(f"{target.name} is only read: it has no rows before the change")
                continue
            target.updates = self._updates(target)
            self._make_rows(oid, target, catalog, writers)
        return Learnt(targets=tuple(t for t in targets if t.reads), notes=tuple(self._notes))

    def _target(self, oid: int, name: QualifiedName) -> Target:
        columns = self._connection.execute(self._queries["columns"], {"table": oid}).fetchall()
        key = self._connection.execute(self._queries["key"], {"table": oid}).fetchone()
        target = Target(
            name=name, columns=tuple(c for (c,) in columns), key=() if key is None else tuple(key[0])
        )
        if target.key:
            target.keys = self._keys(target)
        target.reads = tuple(r for r in statements.reads(target) if self._refused(r, target) is None)
        return target

    def _keys(self, target: Target) -> tuple[Key, ...]:
        first = self._connection.execute(statements.keys_from(target, KEYS, end=False)).fetchall()
        last = self._connection.execute(statements.keys_from(target, KEYS, end=True)).fetchall()
        return tuple(dict.fromkeys([*first, *last]))

    def _has_rows(self, target: Target) -> bool:
        query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(statements.table_of(target.name))
        row = self._connection.execute(query).fetchone()
        return bool(row and row[0])

    def _updates(self, target: Target) -> tuple[Request, ...]:
        """Return those that work before the change, and that no constraint of the schema after it refuses."""
        possible = tuple(
            request
            for request in statements.updates(target)
            if self._refused(request, target) is None and self._kept_after(request.statement, _first(target))
        )
        if not possible:
            self._notes.append(f"no column of {target.name} can be set to what it is")
        return possible

    def _refused(self, request: Request, target: Target) -> str | None:
        """Return the SQLSTATE with which it is refused, or None."""
        if request.by_key and not target.keys:
            return None
        return self._tried(self._connection, request.statement, _first(target) if request.by_key else ())

    def _kept_after(self, statement: Statement, values: Values) -> bool:
        """Whether no constraint of the schema after the change refuses it."""
        refused = None if self._after is None else self._tried(self._after, statement, values)
        return not (refused or "").startswith(_CONSTRAINTS)

    def _tried(self, connection: Connection, statement: Statement, values: Values) -> str | None:
        """Return the SQLSTATE with which it is refused, or None."""
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.sql, values)
        except psycopg.errors.OperationalError:
            raise
        except psycopg.Error as error:
            return error.sqlstate or "lost"
        return None

    def _make_rows(self, oid: int, target: Target, catalog: Catalog, writers: int) -> None:
        """Find rows for every writer."""
        found = self._connection.execute(self._queries["leaves"], {"table": oid}).fetchall()
        names = {QualifiedName(schema, name) for schema, name in found}
        leaves = [table for table in catalog.tables if table.name in names]
        if target.key:
            target.delete = statements.delete(target)
        ready: list[NewRow] = []
        doubtful: list[NewRow] = []
        reason = "nothing is known of its tables"
        for number in range(writers * ROWS if leaves else 0):
            row, reason = self._row(target, leaves[number % len(leaves)], catalog, number)
            if row is None:
                break
            (ready if self._kept_after(row.statement, row.values) else doubtful).append(row)
        chosen = ready if len(ready) >= writers else doubtful
        if not chosen:
            self._notes.append(f"no row can be inserted into {target.name}: {reason}")
        target.rows = [chosen[writer::writers] for writer in range(writers)]

    def _row(self, target: Target, leaf: Table, catalog: Catalog, number: int) -> tuple[NewRow | None, str]:
        """Return a row that the server accepts, and lets go again; or why there is none."""
        maker = RowMaker(
            connection=self._connection,
            table=leaf,
            types=catalog.types,
            parents=self._parents,
            seed=self._seed,
        )
        reason = ""
        for attempt in range(_ATTEMPTS):
            try:
                made = maker.make(_FIRST + number * _ATTEMPTS, attempt, {})
            except Unfillable as error:
                return None, reason or str(error)
            row = statements.new_row(target, made.values)
            refused = self._row_refused(target, row)
            if refused is None:
                return row, ""
            reason = refused
        return None, reason

    def _row_refused(self, target: Target, row: NewRow) -> str | None:
        """Insert the row and delete it, in a transaction that is rolled back; return what the server says."""
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                key = self._connection.execute(row.statement.sql, row.values).fetchone()
                if target.delete is not None:
                    self._connection.execute(target.delete.sql, key)
        except psycopg.errors.OperationalError:
            raise
        except psycopg.Error as error:
            return f"{error.sqlstate}: {str(error).splitlines()[0]}"
        return None


def _first(target: Target) -> Values:
    return target.keys[0] if target.keys else ()
