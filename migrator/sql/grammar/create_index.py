"""CREATE INDEX (gram.y: IndexStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.column import null_treatment
from migrator.sql.grammar.definition import parameters
from migrator.sql.grammar.expression import expression
from migrator.sql.grammar.index_element import index_element
from migrator.sql.syntax import CreateIndex, IndexElement

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


def create_index(c: Cursor) -> CreateIndex:
    """Read from the word after CREATE to the end."""
    unique = c.accept("unique")
    c.expect("index")
    concurrently = c.accept("concurrently")
    if_not_exists = c.accept("if", "not", "exists")
    name = c.name() if if_not_exists or not c.at("on") else None
    tail = c.index
    c.expect("on")
    only = c.accept("only")
    table = c.qualified_name()
    body = c.index
    method = c.name() if c.accept("using") else "btree"
    elements = _elements(c)
    include = c.names() if c.accept("include") else ()
    nulls_not_distinct = null_treatment(c)
    if c.accept("with"):
        parameters(c)
    if c.accept("tablespace"):
        c.name()
    where = expression(c) if c.accept("where") else None
    c.expect_end()
    return CreateIndex(
        name=name,
        table=table,
        unique=unique,
        concurrently=concurrently,
        if_not_exists=if_not_exists,
        only=only,
        method=method,
        elements=elements,
        include=include,
        nulls_not_distinct=nulls_not_distinct,
        where=where,
        tail=c.slice(tail),
        body=c.slice(body),
    )


def _elements(c: Cursor) -> tuple[IndexElement, ...]:
    c.expect("(")
    found = [index_element(c)]
    while c.accept(","):
        found.append(index_element(c))
    c.expect(")")
    return tuple(found)
