"""What stands between two operators: constants, columns, calls and constructs (gram.y: c_expr, func_expr).

Operands hold expressions and expressions hold operands, so this module and `expression` import each other;
the whole of an expression is reached through its module, when a statement is read.
"""

from __future__ import annotations

import migrator.sql.grammar.expression as whole
from migrator.sql.cursor import Cursor
from migrator.sql.grammar.special_calls import SPECIAL_CALLS, call_tail, sort_keys, special_call
from migrator.sql.grammar.typenames import interval_fields, simple_type
from migrator.sql.keywords import NOT_COLUMN, NOT_FUNCTION, QUERY_STARTS, VALUE_FUNCTIONS, words
from migrator.sql.tokens import TokenKind

_TYPE_STARTS = words("""
    int integer smallint bigint real boolean json float double decimal dec numeric timestamp time interval bit
    character char varchar national nchar
    """)


def operand(c: Cursor) -> None:
    """Consume one operand with its subscripts and fields."""
    match c.kind_at():
        case TokenKind.NUMBER:
            c.index += 1
        case TokenKind.STRING:
            _string(c)
            return
        case TokenKind.PARAMETER:
            c.index += 1
            _indirection(c)
        case TokenKind.PUNCTUATION if c.at("("):
            rows_or_query(c)
            _indirection(c)
        case TokenKind.WORD | TokenKind.QUOTED:
            word_operand(c)
        case _:
            c.fail("expected an expression")


def _string(c: Cursor) -> None:
    unicode = c.text(c.index)[:2] in {"U&", "u&"}
    c.index += 1
    if unicode and c.accept("uescape"):
        c.string()


def rows_or_query(c: Cursor) -> None:
    """Consume `( query )`, or `( a, b, … )`; parentheses before a set operation count as a query."""
    if whole.at_query(c):
        closing = c.closing(c.index)
        inner = Cursor(c.source, c.tokens)
        inner.index = c.index + 1
        if not inner.at("(") or _is_query_inside(inner, closing):
            c.index = closing + 1
            return
    c.expect("(")
    whole.expressions(c)
    c.expect(")")


def _is_query_inside(inner: Cursor, closing: int) -> bool:
    """`((select 1) + 1)` is an expression, `((select 1) union select 2)` is a query."""
    after = inner.closing(inner.index) + 1
    return after == closing or inner.value_at(after - inner.index) in {
        "union",
        "except",
        "intersect",
        "order",
        "limit",
        "offset",
    }


def word_operand(c: Cursor) -> None:
    """Consume an operand that begins with a word: a constant, construct, call or column."""
    word = c.value
    if word in VALUE_FUNCTIONS and not (word == "current_schema" and c.value_at(1) == "("):
        value_function(c)
    elif word in {"true", "false", "null"}:
        c.index += 1
    elif word == "case":
        _case(c)
    elif word in {"array", "exists", "row"} and c.value_at(1) in {"(", "["}:
        _constructor(c)
    elif word in SPECIAL_CALLS and c.value_at(1) == "(":
        special_call(c)
    elif word in _TYPE_STARTS and _typed_constant(c):
        return
    elif word in QUERY_STARTS:
        c.fail("expected an expression")
    else:
        _name_or_call(c)


def value_function(c: Cursor) -> None:
    """Consume CURRENT_TIMESTAMP and its like."""
    word = c.value
    c.index += 1
    precise = word in {"current_time", "current_timestamp", "localtime", "localtimestamp"}
    if precise and c.accept("("):
        c.number()
        c.expect(")")


def _case(c: Cursor) -> None:
    c.expect("case")
    if not c.at("when"):
        whole.expression(c)
    while True:
        c.expect("when")
        whole.expression(c)
        c.expect("then")
        whole.expression(c)
        if not c.at("when"):
            break
    if c.accept("else"):
        whole.expression(c)
    c.expect("end")


def _constructor(c: Cursor) -> None:
    """ARRAY[…], ARRAY(query), EXISTS (query), ROW(…)."""
    word = c.value
    c.index += 1
    if word == "array" and c.at("["):
        _array(c)
        _indirection(c)
    elif word == "row":
        c.expect("(")
        if not c.at(")"):
            whole.expressions(c)
        c.expect(")")
        _indirection(c)
    elif whole.at_query(c):
        c.balanced()
    else:
        c.fail("expected a query")


def _array(c: Cursor) -> None:
    c.expect("[")
    if not c.at("]"):
        while True:
            if c.at("["):
                _array(c)
            else:
                whole.expression(c)
            if not c.accept(","):
                break
    c.expect("]")


def _typed_constant(c: Cursor) -> bool:
    """`timestamp with time zone '…'`; takes back what it consumed where no string follows."""
    start = c.index
    interval = c.at("interval")
    if c.value == "double" and c.value_at(1) != "precision":
        return False
    if c.kind_at(1) not in {TokenKind.STRING, TokenKind.WORD} and c.value_at(1) != "(":
        return False
    simple_type(c)
    if c.kind_at() is not TokenKind.STRING:
        c.index = start
        return False
    c.constant()
    if interval:
        interval_fields(c)
    return True


def _name_or_call(c: Cursor) -> None:
    start = c.index
    if not c.at_name(NOT_COLUMN) and not c.at_name(NOT_FUNCTION):
        c.fail("expected an expression")
    parts = c.any_name(frozenset())
    first = c.value_at(start - c.index) if c.tokens[start].kind is TokenKind.WORD else ""
    if c.at("("):
        if first in (NOT_FUNCTION if len(parts) == 1 else NOT_COLUMN):
            c.fail("a keyword used as a function")
        _call(c)
    elif c.kind_at() is TokenKind.STRING:
        if first in NOT_FUNCTION or c.text(c.index)[0] in "bBxXnN":
            c.fail("a keyword used as a type")
        c.constant()
        return
    elif first in NOT_COLUMN:
        c.fail("a keyword used as a column")
    _indirection(c)


def _call(c: Cursor) -> None:
    c.expect("(")
    if not c.accept("*") and not c.at(")"):
        c.accept_any("all", "distinct")
        _argument(c)
        while c.accept(","):
            _argument(c)
        if c.accept("order", "by"):
            sort_keys(c)
    c.expect(")")
    call_tail(c)


def _argument(c: Cursor) -> None:
    c.accept("variadic")
    if c.at_name(NOT_FUNCTION) and c.value_at(1) in {":=", "=>"}:
        c.index += 2
    whole.expression(c)


def _indirection(c: Cursor) -> None:
    while True:
        if c.accept("."):
            if not c.accept("*"):
                c.label()
        elif c.accept("["):
            _subscript(c)
        else:
            return


def _subscript(c: Cursor) -> None:
    if not c.at(":"):
        whole.expression(c)
    if c.accept(":") and not c.at("]"):
        whole.expression(c)
    c.expect("]")
