"""A key of an index (gram.y: index_elem)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.definition import parameters
from migrator.sql.grammar.expression import function_expression, parenthesised
from migrator.sql.syntax import IndexElement

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


def index_element(c: Cursor) -> IndexElement:
    """Consume a column or expression with its options; an expression's slice has its parentheses."""
    start = c.index
    if c.at("nulls") and c.value_at(1) in {"first", "last"}:
        c.fail("expected a column or expression")
    column = index_key(c)
    expression = c.slice(start) if column is None else None
    first_option = c.index
    _options(c)
    options = c.slice(first_option) if c.index > first_option else None
    return IndexElement(column=column, expression=expression, options=options)


def index_key(c: Cursor) -> str | None:
    """Consume a column, a function call, or an expression in parentheses; return the name of a column."""
    if c.at("("):
        parenthesised(c)
    elif c.at_name() and c.value_at(1) not in {"(", "."}:
        return c.name()
    else:
        function_expression(c)
    return None


def _options(c: Cursor) -> None:
    if c.accept("collate"):
        c.any_name()
    if c.at_name() and not c.at("nulls"):
        c.any_name()
        if c.at("("):
            parameters(c)
    c.accept_any("asc", "desc")
    if c.accept("nulls"):
        c.expect_any("first", "last")
