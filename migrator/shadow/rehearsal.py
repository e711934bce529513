"""The user's own text once more, without measuring: whether rows let it pass, and what they lack if not.

A constraint that a statement adds is not one that the rows were made for. What the server says of a refusal
names it, and its definition stands in a copy without rows on which the text has run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import psycopg

from migrator.database.session import Connector
from migrator.database.translate import message_of
from migrator.errors import Location
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.rows.catalog import read_catalog
from migrator.shadow.rows.values import STYLES
from migrator.sql.migration import Statement

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from migrator.shadow.rows import Rules
    from migrator.shadow.rows.catalog import Table
    from migrator.sql.migration import Migration

_NOT_NULL, _FOREIGN_KEY, _UNIQUE, _CHECK, _EXCLUSION = "23502", "23503", "23505", "23514", "23P01"

_DATA = "22"
"""The class of values that a type or a function does not accept."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The statement that was refused, and what of its rows was wrong."""

    at: Location
    message: str
    sqlstate: str
    statement: Statement
    table: QualifiedName | None = None
    column: str | None = None
    constraint: str | None = None

    @property
    def concerns_rows(self) -> bool:
        """Whether other rows may let it pass."""
        return self.sqlstate.startswith((_DATA, "23"))


def rehearse(url: str, migrations: Sequence[Migration], skipped: set[tuple[str, int]]) -> Refusal | None:
    """Execute the files as written but for the statements (version, number) `skipped`.

    Return the first that is refused.
    """
    for migration in migrations:
        with psycopg.connect(url, autocommit=True, application_name="migrator rehearsal") as connection:
            cursor = psycopg.RawCursor(connection)
            for number, statement in enumerate(migration.statements, start=1):
                if (migration.version, number) in skipped:
                    continue
                try:
                    cursor.execute(statement.text.encode())
                except psycopg.Error as error:
                    return _refusal(statement, error)
    return None


def _refusal(statement: Statement, error: psycopg.Error) -> Refusal:
    said = error.diag
    table = QualifiedName(said.schema_name, said.table_name) if said.table_name else None
    return Refusal(
        at=statement.at,
        message=message_of(error),
        sqlstate=error.sqlstate or "",
        statement=statement,
        table=table,
        column=said.column_name,
        constraint=said.constraint_name,
    )


def learn(refusal: Refusal, rules: Rules, before: str, after: str, family: Collection[QualifiedName]) -> bool:
    """Add to the rules what would have let the statement pass; False where nothing is known that would.

    `before` is the URL of the database that is filled, `after` that of a copy without rows on which the
    text has run. `family` is the refused table, with the other partitions of its tree.
    """
    if refusal.sqlstate == _NOT_NULL and refusal.column is not None:
        return _learn_not_null(rules, before, family, refusal.column)
    if refusal.sqlstate in {_CHECK, _FOREIGN_KEY}:
        return _learn_constraint(refusal, rules, after, family)
    if refusal.sqlstate in {_UNIQUE, _EXCLUSION} and refusal.constraint is not None:
        return _learn_unique(refusal, rules, after)
    return False


def learn_style(rules: Rules, tables: Sequence[QualifiedName]) -> bool:
    """Let the texts of these tables be of the next style; False where all have been tried."""
    for table in tables:
        style = rules.styles.get(table, 0) + 1
        if style == STYLES:
            return False
        rules.styles[table] = style
    return bool(tables)


def _learn_not_null(rules: Rules, before: str, family: Collection[QualifiedName], column: str) -> bool:
    """Forbid NULLs in the column; where the text adds it, in all that it may have been computed from."""
    known = len(rules.not_null)
    for table in _tables(before, family):
        names = [each.name for each in table.columns]
        rules.not_null |= {(table.name, name) for name in ([column] if column in names else names)}
    return len(rules.not_null) > known


def _learn_constraint(refusal: Refusal, rules: Rules, after: str, family: Collection[QualifiedName]) -> bool:
    learned = False
    for table in _tables(after, family):
        checks, keys = rules.checks.setdefault(table.name, []), rules.foreign_keys.setdefault(table.name, [])
        new_checks = [c for c in table.checks if c.name == refusal.constraint and c not in checks]
        new_keys = [k for k in table.foreign_keys if k.name == refusal.constraint and k not in keys]
        checks += new_checks
        keys += new_keys
        learned = learned or bool(new_checks or new_keys)
    return learned


def _learn_unique(refusal: Refusal, rules: Rules, after: str) -> bool:
    query = (
        "SELECT pg_get_indexdef(c.oid) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'i'"
    )
    schema = refusal.table.schema if refusal.table is not None else "public"
    with Connector(conninfo=after).session("verify") as connection:
        row = connection.execute(query, [schema, refusal.constraint]).fetchone()
    if row is None or row[0] in rules.indexes:
        return False
    rules.indexes.append(row[0])
    return True


def _tables(url: str, names: Collection[QualifiedName]) -> tuple[Table, ...]:
    with Connector(conninfo=url).session("verify") as connection:
        catalog = read_catalog(connection, without=())
    return tuple(table for table in catalog.tables if table.name in names)
