"""What the traffic asks of a table, as statements: every column is named, as careful code does it.

Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from psycopg import sql

from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.traffic.session import Statement

Key = tuple[str, ...]
Values = tuple[str | None, ...]


class Request(NamedTuple):
    """A statement and what it has to be given."""

    statement: Statement
    by_key: bool
    """The values of a key are its parameters; otherwise it has none."""


class NewRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that can be inserted."""

    statement: Statement
    """Gives the row's key as text, where the table has one."""
    values: Values


@dataclass(slots=True, kw_only=True)
class Target:
    """A table and what can be done with it."""

    name: QualifiedName
    columns: tuple[str, ...]
    key: tuple[str, ...]
    """() where one row cannot be told from another."""
    keys: tuple[Key, ...] = ()
    """Of rows that are there."""
    reads: tuple[Request, ...] = ()
    updates: tuple[Request, ...] = ()
    rows: list[list[NewRow]] = field(default_factory=list)
    """For each writer."""
    delete: Statement | None = None


def keys_from(target: Target, most: int, *, end: bool) -> sql.Composed:
    """Return a query for the first keys of a table, or for the last."""
    columns = identifiers(target.key)
    descending = sql.SQL(" DESC" if end else "")
    return sql.SQL("SELECT {texts} FROM {table} ORDER BY {order} LIMIT {most}").format(
        texts=texts(target.key),
        table=table_of(target.name),
        order=_COMMA.join(column + descending for column in columns),
        most=sql.Literal(most),
    )


def reads(target: Target) -> tuple[Request, ...]:
    """Return what a reader asks: rows by their keys twice as often as lists of a few and counts."""
    columns, table = _COMMA.join(identifiers(target.columns)), table_of(target.name)
    few = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 100) AS few").format(table)
    counting = Request(Statement(f"count {target.name}", few), by_key=False)
    if not target.columns:
        return (counting,)
    if not target.key:
        some = sql.SQL("SELECT {} FROM {} LIMIT 10").format(columns, table)
        return (Request(Statement(f"read {target.name}", some), by_key=False), counting)
    one = sql.SQL("SELECT {} FROM {} WHERE {}").format(columns, table, _is_key(target))
    following = sql.SQL("SELECT {} FROM {} WHERE ({key}) >= ({places}) ORDER BY {key} LIMIT 20").format(
        columns, table, key=_COMMA.join(identifiers(target.key)), places=_places(target.key)
    )
    by_key = Request(Statement(f"read {target.name}", one), by_key=True)
    return (by_key, by_key, Request(Statement(f"list {target.name}", following), by_key=True), counting)


def updates(target: Target) -> tuple[Request, ...]:
    """Return an UPDATE for each column, which sets it to what it is; of a key where there is nothing else."""
    table = table_of(target.name)
    where = _is_key(target) if target.key else sql.SQL("ctid = (SELECT ctid FROM {} LIMIT 1)").format(table)
    columns = [c for c in target.columns if c not in target.key] or target.key
    return tuple(
        Request(
            Statement(
                f"update {target.name}",
                sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(table, column, column, where),
            ),
            by_key=bool(target.key),
        )
        for column in identifiers(columns)
    )


def delete(target: Target) -> Statement:
    """Return the DELETE of one row by its key."""
    query = sql.SQL("DELETE FROM {} WHERE {}").format(table_of(target.name), _is_key(target))
    return Statement(f"delete {target.name}", query)


def new_row(target: Target, values: Mapping[str, str | None]) -> NewRow:
    """Return the INSERT of a row."""
    form = sql.SQL("INSERT INTO {table} DEFAULT VALUES")
    if values:
        form = sql.SQL("INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({places})")
    query = form.format(
        table=table_of(target.name), columns=_COMMA.join(identifiers(values)), places=_places(values)
    )
    if target.key:
        query += sql.SQL(" RETURNING {}").format(texts(target.key))
    return NewRow(statement=Statement(f"insert {target.name}", query), values=tuple(values.values()))


def table_of(name: QualifiedName) -> sql.Identifier:
    """Return the name of a table as SQL writes it."""
    return sql.Identifier(name.schema or "public", name.name)


def identifiers(names: Iterable[str]) -> list[sql.Identifier]:
    """Return names as SQL writes them."""
    return [sql.Identifier(name) for name in names]


_COMMA = sql.SQL(", ")


def texts(names: Sequence[str]) -> sql.Composed:
    """Return columns as texts."""
    return _COMMA.join(sql.SQL("{}::text").format(name) for name in identifiers(names))


def _places(names: Iterable[str]) -> sql.Composed:
    return _COMMA.join(sql.Placeholder() for _ in names)


def _is_key(target: Target) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(n, sql.Placeholder()) for n in identifiers(target.key)
    )
