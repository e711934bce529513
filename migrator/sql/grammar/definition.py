"""Lists of `name = value` in parentheses: storage parameters, options of types (gram.y: definition)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.keywords import NOT_FUNCTION, RESERVED
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor
    from migrator.sql.syntax import Slice


def parameters(c: Cursor, *, qualified: bool = True) -> Slice:
    """Consume `(name = value, …)`; a value may be missing. Storage parameters may be `toast.x`."""
    start = c.index
    c.expect("(")
    while True:
        c.label()
        if qualified and c.accept("."):
            c.label()
        if c.accept("="):
            parameter_value(c)
        if not c.accept(","):
            break
    c.expect(")")
    return c.slice(start)


def options(c: Cursor) -> None:
    """Consume `(name [value], …)` of VACUUM, ANALYZE, REINDEX and CLUSTER."""
    c.expect("(")
    while True:
        c.name(RESERVED - {"analyze", "analyse"})
        if c.kind_at() is TokenKind.STRING:
            c.constant()
        elif c.at_any("true", "false", "on"):
            c.index += 1
        elif c.at_name(RESERVED):
            c.name(RESERVED)
        elif c.kind_at() is not TokenKind.PUNCTUATION:
            c.number()
        if not c.accept(","):
            break
    c.expect(")")


def parameter_names(c: Cursor) -> None:
    """Consume `(name, …)` of RESET."""
    c.expect("(")
    while True:
        c.label()
        if c.accept("."):
            c.label()
        if not c.accept(","):
            break
    c.expect(")")


def parameter_value(c: Cursor) -> None:
    """Consume a word, number, string or operator (def_arg)."""
    kind = c.kind_at()
    if kind is TokenKind.STRING:
        c.constant()
    elif kind in {TokenKind.WORD, TokenKind.QUOTED}:
        # Reserved words may stand alone here; only a name that is not reserved may be qualified.
        qualified = c.value_at(1) == "."
        c.any_name(NOT_FUNCTION if qualified else frozenset())
    elif kind is TokenKind.OPERATOR and c.kind_at(1) is not TokenKind.NUMBER:
        c.index += 1
    else:
        c.number()
