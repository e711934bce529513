"""CREATE VIEW and CREATE MATERIALIZED VIEW (gram.y: ViewStmt, CreateMatViewStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.create_table import persistence
from migrator.sql.grammar.definition import parameters
from migrator.sql.grammar.query import query_to_end
from migrator.sql.syntax import CreateView

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_CHECKS = (
    ("with", "cascaded", "check", "option"),
    ("with", "local", "check", "option"),
    ("with", "check", "option"),
)


def create_view(c: Cursor, *, or_replace: bool) -> CreateView:
    """Read from the word after CREATE [OR REPLACE] to the end."""
    kept = persistence(c)
    if kept.unlogged:
        c.fail("UNLOGGED before VIEW")
    recursive = c.accept("recursive")
    c.expect("view")
    name = c.qualified_name()
    if c.at("("):
        c.names()
    elif recursive:
        c.fail("expected the columns of a recursive view")
    if c.accept("with"):
        parameters(c)
    c.expect("as")
    query, _ = query_to_end(c, *_CHECKS)
    return CreateView(name=name, or_replace=or_replace, temporary=kept.temporary, query=query)


def create_materialized_view(c: Cursor) -> CreateView:
    """Read from the word after CREATE to the end."""
    c.accept("unlogged")
    c.expect("materialized", "view")
    if_not_exists = c.accept("if", "not", "exists")
    name = c.qualified_name()
    if c.at("("):
        c.names()
    if c.accept("using"):
        c.name()
    if c.accept("with"):
        parameters(c)
    if c.accept("tablespace"):
        c.name()
    c.expect("as")
    query, tail = query_to_end(c, ("with", "no", "data"), ("with", "data"))
    return CreateView(
        name=name,
        materialized=True,
        if_not_exists=if_not_exists,
        with_data=tail != ("with", "no", "data"),
        query=query,
    )
