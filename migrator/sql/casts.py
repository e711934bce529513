"""Whether an expression is nothing but a column, or that column cast once: read exactly, token by token.

`(c)`, `t.c`, `c::type`, `CAST(c AS type)` and parentheses around any of these are understood; everything else
is None.
"""

from __future__ import annotations

import msgspec

from migrator.sql.cursor import Cursor, NotUnderstood
from migrator.sql.grammar.typenames import type_name
from migrator.sql.syntax import TypeName  # beside imports that are needed
from migrator.sql.tokens import LexError, TokenKind, scan


class ColumnCast(msgspec.Struct, frozen=True, kw_only=True):
    """A column, and the type that it is cast to, if any."""

    column: str
    type: TypeName | None = None


def column_cast(text: str) -> ColumnCast | None:
    """Read the text of an expression."""
    try:
        tokens = tuple(token for token in scan(text) if token.kind is not TokenKind.COMMENT)
        if not tokens:
            return None
        cursor = Cursor(text, tokens)
        found = _cast(cursor)
    except (LexError, NotUnderstood, RecursionError):
        return None
    return found if cursor.done else None


def _cast(c: Cursor) -> ColumnCast:
    found = _operand(c)
    while c.accept("::"):
        found = _with_type(c, found)
    return found


def _operand(c: Cursor) -> ColumnCast:
    if c.accept("("):
        found = _cast(c)
        c.expect(")")
        return found
    if c.accept("cast", "("):
        found = _cast(c)
        c.expect("as")
        found = _with_type(c, found)
        c.expect(")")
        return found
    return ColumnCast(column=c.any_name()[-1])


def _with_type(c: Cursor, found: ColumnCast) -> ColumnCast:
    if found.type is not None:
        c.fail("a second cast")
    return ColumnCast(column=found.column, type=type_name(c))
