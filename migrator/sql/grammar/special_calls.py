"""Calls with a syntax of their own: CAST, EXTRACT, SUBSTRING … FROM, and what may follow any call (gram.y).

XML and JSON constructs are consumed as balanced tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import migrator.sql.grammar.expression as whole
from migrator.sql.grammar.typenames import type_name
from migrator.sql.keywords import words
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_LOOSE_CALLS = words("""
    grouping json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar
    json_serialize json_value json merge_action treat xmlconcat xmlelement xmlexists xmlforest xmlparse xmlpi
    xmlroot xmlserialize
    """)
_LIST_CALLS = frozenset({"coalesce", "greatest", "least", "nullif"})
_NORMAL_FORMS = ("nfc", "nfd", "nfkc", "nfkd")


def special_call(c: Cursor) -> None:
    """Consume a call that has a syntax of its own."""
    word = c.value
    c.index += 1
    if word in _LOOSE_CALLS:
        c.balanced()
        call_tail(c)
        return
    c.expect("(")
    if word in _LIST_CALLS:
        whole.expressions(c)
    else:
        _SPECIAL_ARGUMENTS[word](c)
    c.expect(")")


def _cast(c: Cursor) -> None:
    whole.expression(c)
    c.expect("as")
    type_name(c)


def _extract(c: Cursor) -> None:
    if c.kind_at() is TokenKind.STRING:
        c.constant()
    else:
        c.label()
    c.expect("from")
    whole.expression(c)


def _position(c: Cursor) -> None:
    whole.restricted_expression(c)
    c.expect("in")
    whole.restricted_expression(c)


def _substring(c: Cursor) -> None:
    if _between_words(c, "from", "for"):
        return
    if c.accept("similar"):
        whole.expression(c)
        c.expect("escape")
        whole.expression(c)
    else:
        _more_arguments(c)


def _overlay(c: Cursor) -> None:
    whole.expression(c)
    if c.accept("placing"):
        whole.expression(c)
        c.expect("from")
        whole.expression(c)
        if c.accept("for"):
            whole.expression(c)
    else:
        _more_arguments(c)


def _trim(c: Cursor) -> None:
    c.accept_any("both", "leading", "trailing")
    if not c.accept("from"):
        whole.expression(c)
        if c.at(","):
            _more_arguments(c)
            return
        if not c.accept("from"):
            return
    whole.expressions(c)


def _normalize(c: Cursor) -> None:
    whole.expression(c)
    if c.accept(","):
        c.expect_any(*_NORMAL_FORMS)


def _between_words(c: Cursor, *words: str) -> bool:
    """`a FROM b FOR c`, in either order; false where the plain form with commas stands here."""
    whole.expression(c)
    found = False
    while c.accept_any(*words):
        whole.expression(c)
        found = True
    return found


def _more_arguments(c: Cursor) -> None:
    while c.accept(","):
        whole.expression(c)


_SPECIAL_ARGUMENTS = {
    "cast": _cast,
    "extract": _extract,
    "position": _position,
    "substring": _substring,
    "overlay": _overlay,
    "trim": _trim,
    "normalize": _normalize,
}
SPECIAL_CALLS = _LOOSE_CALLS | _LIST_CALLS | frozenset(_SPECIAL_ARGUMENTS)


def call_tail(c: Cursor) -> None:
    """Consume WITHIN GROUP, FILTER and OVER of an aggregate or window function."""
    if c.at("within", "group", "("):
        c.index += 3
        c.expect("order", "by")
        sort_keys(c)
        c.expect(")")
    if c.at("filter", "("):
        c.index += 2
        c.expect("where")
        whole.expression(c)
        c.expect(")")
    if c.accept("over"):
        if c.at("("):
            c.balanced()
        else:
            c.name()


def sort_keys(c: Cursor) -> None:
    """Consume what stands after ORDER BY."""
    while True:
        whole.expression(c)
        if c.accept("using"):
            if c.kind_at() is not TokenKind.OPERATOR:
                c.fail("expected an operator")
            c.index += 1
        else:
            c.accept_any("asc", "desc")
        if c.accept("nulls"):
            c.expect_any("first", "last")
        if not c.accept(","):
            return
