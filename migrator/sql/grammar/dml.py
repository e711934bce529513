"""INSERT, UPDATE, DELETE and SELECT (gram.y: InsertStmt, UpdateStmt, DeleteStmt, SelectStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.expression import at_query, expression
from migrator.sql.grammar.index_element import index_element
from migrator.sql.grammar.query import query_until
from migrator.sql.grammar.relation import relation
from migrator.sql.grammar.tables import tables
from migrator.sql.syntax import Assignment, Delete, Insert, Select, Slice, Update

if TYPE_CHECKING:
    from migrator.postgres.identifiers import QualifiedName
    from migrator.sql.cursor import Cursor


def select(c: Cursor) -> Select:
    """Read a query to the end; of TABLE only the plain form, for it looks like many other statements."""
    if c.accept("table"):
        relation(c)
        return Select()
    if c.at("values"):
        _rows(c)
        return Select()
    query_until(c, c.index, len(c.tokens))
    return Select()


def with_statement(c: Cursor) -> Select | Insert | Update | Delete:
    """Read `WITH … statement`; the queries of the WITH must not change data."""
    start = c.index
    c.expect("with")
    c.accept("recursive")
    while True:
        c.name()
        if c.at("("):
            c.names()
        c.expect("as")
        if c.accept("not"):
            c.expect("materialized")
        else:
            c.accept("materialized")
        body = c.index
        query_until(c, body + 1, c.closing(body))
        c.expect(")")
        if not c.accept(","):
            break
    match c.value:
        case "insert":
            return insert(c)
        case "update":
            return update(c, with_clause=True)
        case "delete":
            return delete(c, with_clause=True)
        case _:
            c.index = start
            return select(c)


def insert(c: Cursor) -> Insert:
    """Read from INSERT to the end."""
    c.expect("insert", "into")
    table = c.qualified_name()
    if c.accept("as"):
        c.name()
    if c.at("(") and c.value_at(1) not in {"select", "with", "values", "table", "("}:
        _target_columns(c)
    if c.accept("overriding"):
        c.expect_any("user", "system")
        c.expect("value")
    values_only = _source(c)
    _conflict(c)
    _returning(c)
    c.expect_end()
    return Insert(table=table, values_only=values_only)


def _target_columns(c: Cursor) -> None:
    c.expect("(")
    while True:
        c.name()
        _subscripts(c)
        if not c.accept(","):
            break
    c.expect(")")


def _subscripts(c: Cursor) -> bool:
    found = False
    while c.at("[") or c.at("."):
        found = True
        if c.at("["):
            c.balanced()
        else:
            c.expect(".")
            c.label()
    return found


def _source(c: Cursor) -> bool:
    """Consume rows or a query; true where it is rows without a query inside."""
    if c.accept("default", "values"):
        return True
    start = c.index
    if c.at("values"):
        _rows(c)
        return not any(c.value_at(i - c.index) in {"select", "with"} for i in range(start, c.index))
    query_until(c, start, clause_end(c, start, ("conflict", "returning")))
    return False


def _rows(c: Cursor) -> None:
    c.expect("values")
    while True:
        c.expect("(")
        while True:
            if not c.accept("default"):
                expression(c)
            if not c.accept(","):
                break
        c.expect(")")
        if not c.accept(","):
            return


def clause_end(c: Cursor, start: int, words: tuple[str, ...]) -> int:
    """Return the index of the first of these words outside brackets; CONFLICT counts with its ON."""
    index = start
    while index < len(c.tokens):
        here = c.value_at(index - c.index)
        if here in {"(", "["}:
            index = c.closing(index)
        elif here in words and c.value_at(index - 1 - c.index) not in {".", "as"}:
            if here != "conflict":
                return index
            if c.value_at(index - 1 - c.index) == "on" and c.value_at(index + 1 - c.index) in {
                "(",
                "do",
                "on",
            }:
                return index - 1
        index += 1
    return index


def _conflict(c: Cursor) -> None:
    if not c.accept("on", "conflict"):
        return
    if c.accept("on", "constraint"):
        c.name()
    elif c.accept("("):
        index_element(c)
        while c.accept(","):
            index_element(c)
        c.expect(")")
        if c.accept("where"):
            expression(c)
    c.expect("do")
    if c.accept("nothing"):
        return
    c.expect("update", "set")
    _assignments(c)
    if c.accept("where"):
        expression(c)


def _returning(c: Cursor) -> bool:
    if not c.accept("returning"):
        return False
    while True:
        if not c.accept("*"):
            expression(c)
            if c.accept("as"):
                c.label()
            elif c.at_name():
                c.name()
        if not c.accept(","):
            return True


def update(c: Cursor, *, with_clause: bool = False) -> Update:
    """Read from UPDATE to the end."""
    c.expect("update")
    table, only, alias, target = _target(c, "set")
    c.expect("set")
    first = c.index
    assignments = _assignments(c)
    set_clause = c.slice(first)
    from_clause = tables(c) if c.accept("from") else None
    where = expression(c) if c.accept("where") else None
    returning = _returning(c)
    c.expect_end()
    return Update(
        table=table,
        only=only,
        alias=alias,
        target=target,
        assignments=assignments,
        set_clause=set_clause,
        from_clause=from_clause,
        where=where,
        with_clause=with_clause,
        returning=returning,
    )


def delete(c: Cursor, *, with_clause: bool = False) -> Delete:
    """Read from DELETE to the end."""
    c.expect("delete", "from")
    table, only, alias, target = _target(c, "using")
    using = tables(c) if c.accept("using") else None
    where = expression(c) if c.accept("where") else None
    returning = _returning(c)
    c.expect_end()
    return Delete(
        table=table,
        only=only,
        alias=alias,
        target=target,
        using=using,
        where=where,
        with_clause=with_clause,
        returning=returning,
    )


def _target(c: Cursor, following: str) -> tuple[QualifiedName, bool, str | None, Slice]:
    """Consume `[ONLY] table [*] [[AS] alias]`; the slice is without ONLY."""
    start = c.index + c.at("only")
    table, only = relation(c)
    alias = None
    if c.accept("as") or (c.at_name() and not c.at_any("set", following)):
        alias = c.name()
    return table, only, alias, c.slice(start)


def _assignments(c: Cursor) -> tuple[Assignment, ...]:
    """Consume `a = x, …`; nothing is returned where one of them is not simply a column."""
    found: list[Assignment] = []
    simple = True
    while True:
        if c.at("("):
            simple = False
            _many_columns(c)
        else:
            column = c.name()
            simple &= not _subscripts(c)
            c.expect("=")
            start = c.index
            if not c.accept("default"):
                expression(c)
            found.append(Assignment(column=column, value=c.slice(start)))
        if not c.accept(","):
            return tuple(found) if simple else ()


def _many_columns(c: Cursor) -> None:
    _target_columns(c)
    c.expect("=")
    if not c.at("(") or at_query(c):
        expression(c)
        return
    c.expect("(")
    while True:
        if not c.accept("default"):
            expression(c)
        if not c.accept(","):
            break
    c.expect(")")
