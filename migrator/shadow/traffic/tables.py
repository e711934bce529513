"""What an application can do with a table of any schema, learnt before the run by trying it.

It reads rows by key, counts a few, sets columns to what they are, inserts rows and deletes those again. What
the server refuses beforehand is not done later: the traffic behaves as the application that works with the
schema before the change. Every trial is rolled back. Fails with psycopg's errors where the connection does.
"""

from collections.abc import Sequence

import msgspec
import psycopg
from psycopg import sql

from migrator.database.queries import load
from migrator.database.session import Connection
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.rows.catalog import read_catalog
from migrator.shadow.rows.parents import Parents
from migrator.shadow.traffic import statements
from migrator.shadow.traffic.new_rows import RowFinder
from migrator.shadow.traffic.statements import Key, Request, Target
from migrator.shadow.traffic.trial import refusal, violates

PACKAGE = "migrator.shadow.traffic"

KEYS = 400
"""Rows that are read and changed, from each end of the key."""

ROWS = 8
"""Rows that each writer has ready to be inserted, of each table."""


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
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
    """Try what can be done; what the schema after the change refuses is left out where that is possible.

    Both connections are in autocommit mode; `after` is one to a database that the change was made to.
    """
    return _Learner(connection, after, seed).learnt(names, writers)


class _Learner:
    def __init__(self, connection: Connection, after: Connection | None, seed: int) -> None:
        self._connection = connection
        self._after = after
        self._queries = load("tables.sql", package=PACKAGE)
        self._catalog = read_catalog(connection, without=())
        self._finder = RowFinder(
            connection=connection,
            after=after,
            types=self._catalog.types,
            parents=Parents(connection),
            seed=seed,
        )
        self._notes: list[str] = []

    def learnt(self, names: Sequence[QualifiedName], writers: int) -> Learnt:
        given = {"schemas": [n.schema or "public" for n in names], "names": [n.name for n in names]}
        found = self._connection.execute(self._queries["targets"], given).fetchall()
        targets = [self._target(oid, QualifiedName(schema, name)) for oid, schema, name in found]
        for (oid, *_), target in zip(found, targets, strict=True):
            if not self._has_rows(target):
                self._notes.append(f"{target.name} is only read: it has no rows before the change")
                continue
            target.updates = self._updates(target)
            self._find_rows(oid, target, writers)
        return Learnt(targets=tuple(t for t in targets if t.reads), notes=tuple(self._notes))

    def _target(self, oid: int, name: QualifiedName) -> Target:
        columns = self._connection.execute(self._queries["columns"], {"table": oid}).fetchall()
        key = self._connection.execute(self._queries["key"], {"table": oid}).fetchone()
        target = Target(
            name=name, columns=tuple(c for (c,) in columns), key=() if key is None else tuple(key[0])
        )
        if target.key:
            target.keys = self._keys(target)
        target.reads = tuple(r for r in statements.reads(target) if self._works(r, target))
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
            if self._works(request, target) and self._kept_after(request, target)
        )
        if not possible:
            self._notes.append(f"no column of {target.name} can be set to what it is")
        return possible

    def _find_rows(self, oid: int, target: Target, writers: int) -> None:
        """Find rows for every writer."""
        found = self._connection.execute(self._queries["leaves"], {"table": oid}).fetchall()
        names = {QualifiedName(schema, name) for schema, name in found}
        leaves = [table for table in self._catalog.tables if table.name in names]
        target.delete = statements.delete(target) if target.key else None
        rows = self._finder.find(target, leaves, writers * ROWS)
        chosen = rows.kept or rows.outdated
        if not chosen:
            self._notes.append(f"no row can be inserted into {target.name}: {rows.reason}")
        target.rows = [chosen[writer::writers] for writer in range(writers)]

    def _works(self, request: Request, target: Target) -> bool:
        """Whether it is accepted before the change; one that needs a key, where there is a row."""
        return self._refusal(self._connection, request, target) is None

    def _kept_after(self, request: Request, target: Target) -> bool:
        return self._after is None or not violates(self._refusal(self._after, request, target))

    def _refusal(self, connection: Connection, request: Request, target: Target) -> psycopg.Error | None:
        if request.by_key and not target.keys:
            return None
        values = target.keys[0] if request.by_key else ()
        return refusal(connection, lambda: connection.execute(request.statement.sql, values))
