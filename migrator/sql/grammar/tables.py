"""The tables of UPDATE … FROM and DELETE … USING with their joins (gram.y: from_list)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.expression import at_query, expression, function_expression
from migrator.sql.grammar.relation import relation

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor
    from migrator.sql.syntax import Slice

_OUTER = ("left", "right", "full")


def tables(c: Cursor) -> Slice:
    """Consume `a, b JOIN c ON …, (query) AS d`."""
    start = c.index
    _joined(c)
    while c.accept(","):
        _joined(c)
    return c.slice(start)


def _joined(c: Cursor) -> None:
    _table(c)
    while _join(c):
        pass


def _join(c: Cursor) -> bool:
    """Consume `JOIN table condition`; false where no join stands here."""
    if c.accept("cross"):
        c.expect("join")
        _table(c)
        return True
    natural = c.accept("natural")
    if c.accept_any(*_OUTER):
        c.accept("outer")
        c.expect("join")
    elif c.accept("inner"):
        c.expect("join")
    elif not c.accept("join"):
        if natural:
            c.fail("expected JOIN")
        return False
    _table(c)
    if not natural:
        _condition(c)
    return True


def _condition(c: Cursor) -> None:
    if c.accept("using"):
        c.names()
        if c.accept("as"):
            c.name()
    else:
        c.expect("on")
        expression(c)


def _table(c: Cursor) -> None:
    lateral = c.accept("lateral")
    if at_query(c) and c.at("("):
        c.balanced()
        _alias(c)
    elif c.at("(") and not lateral:
        c.expect("(")
        _joined(c)
        c.expect(")")
        _alias(c)
    elif _is_call(c):
        function_expression(c)
        if c.accept("with"):
            c.expect("ordinality")
        _alias(c)
    elif lateral:
        c.fail("expected a query or function")
    else:
        relation(c)
        _alias(c)


def _is_call(c: Cursor) -> bool:
    ahead = 1
    while c.value_at(ahead) == ".":
        ahead += 2
    return c.value_at(ahead) == "(" and not c.at("only")


def _alias(c: Cursor) -> None:
    """`[AS] name [(columns)]`; column definitions of a function returning record are not understood."""
    if c.accept("as") or c.at_name():
        c.name()
        if c.at("("):
            c.names()
