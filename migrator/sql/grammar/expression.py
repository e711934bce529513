"""Where an expression ends, and that it is one (gram.y: a_expr, b_expr, c_expr).

Only acceptance is decided, not precedence: operands and operators alternate. Queries in parentheses, windows,
and the arguments of XML and JSON constructs are consumed as balanced tokens. An expression that is cut short,
or holds a word that cannot stand there, is not understood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.operand import operand, rows_or_query, value_function, word_operand
from migrator.sql.grammar.typenames import type_name
from migrator.sql.keywords import NOT_COLUMN, QUERY_STARTS, VALUE_FUNCTIONS
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor
    from migrator.sql.syntax import Slice

_NOT_PREFIXES = frozenset({"between", "in", "like", "ilike", "similar"})
_IS_TESTS = frozenset({"null", "true", "false", "unknown", "document", "normalized", "json"})
_NORMAL_FORMS = ("nfc", "nfd", "nfkc", "nfkd")
_MATCHES = frozenset({"like", "ilike", "similar"})
_NONASSOCIATIVE = _MATCHES | {"in", "between"}
_QUANTIFIED = _MATCHES | {"operator", "comparison"}
_COMPARISONS = frozenset({"<", ">", "=", "<=", ">=", "<>", "!="})
_NOT_OPERATORS = frozenset({"=>"})
_NOT_PREFIX = frozenset({"*", "/", "%", "^", "<", ">", "=", "<=", ">=", "<>", "!=", "=>"})


def expression(c: Cursor) -> Slice:
    """Consume any expression (a_expr)."""
    start = c.index
    _chain(c, restricted=False)
    return c.slice(start)


def restricted_expression(c: Cursor) -> Slice:
    """Consume an expression without boolean words outside parentheses (b_expr), as DEFAULT takes it."""
    start = c.index
    _chain(c, restricted=True)
    return c.slice(start)


def function_expression(c: Cursor) -> Slice:
    """Consume a function call or its like (func_expr_windowless), as a key of an index may be."""
    start = c.index
    if c.value not in VALUE_FUNCTIONS and not _calls(c):
        c.fail("expected a function call")
    if c.value in VALUE_FUNCTIONS:
        value_function(c)
    else:
        word_operand(c)
    return c.slice(start)


def _calls(c: Cursor) -> bool:
    ahead = 1
    while c.value_at(ahead) == ".":
        ahead += 2
    return c.value_at(ahead) == "(" and c.kind_at() in {TokenKind.WORD, TokenKind.QUOTED}


def expressions(c: Cursor) -> tuple[Slice, ...]:
    """Consume `a, b, …`."""
    found = [expression(c)]
    while c.accept(","):
        found.append(expression(c))
    return tuple(found)


def parenthesised(c: Cursor) -> Slice:
    """Consume `( expression )` and return the slice inside."""
    c.expect("(")
    inner = expression(c)
    c.expect(")")
    return inner


def at_query(c: Cursor, ahead: int = 0) -> bool:
    """Whether a query begins here, perhaps inside further parentheses."""
    while c.value_at(ahead) == "(":
        ahead += 1
    return c.value_at(ahead) in QUERY_STARTS and c.kind_at(ahead) is TokenKind.WORD


def _chain(c: Cursor, *, restricted: bool) -> None:
    word: str | None = ""
    seen: set[str] = set()
    while word is not None:
        if word in _QUANTIFIED and c.at_any("any", "all", "some") and c.value_at(1) == "(":
            c.index += 1
            rows_or_query(c)
        elif word != "in":
            _prefixes(c, restricted=restricted)
            operand(c)
        _postfixes(c, restricted=restricted)
        word = _joint(c, word, restricted=restricted)
        _refuse_chained(c, word, seen)


def _refuse_chained(c: Cursor, word: str | None, seen: set[str]) -> None:
    """Comparisons do not associate: `a = b = c` is an error (manual: "Operator Precedence")."""
    if word in {"and", "or", "is"}:
        seen.clear()
    elif word == "comparison":
        if word in seen:
            c.fail("a second comparison")
        seen.clear()
        seen.add(word)
    elif word in _NONASSOCIATIVE:
        if "match" in seen:
            c.fail("a second comparison")
        seen.add("match")


def _joint(c: Cursor, before: str, *, restricted: bool) -> str | None:
    """Consume what joins two operands, with the right side of IN; None where the expression ends here."""
    if c.kind_at() is TokenKind.OPERATOR and c.value not in _NOT_OPERATORS:
        c.index += 1
        return "comparison" if c.value_at(-1) in _COMPARISONS else "operator"
    if c.at("operator", "("):
        _named_operator(c)
        return "operator"
    if c.at("is", "distinct", "from") or c.at("is", "not", "distinct", "from"):
        c.index += 3 if c.value_at(1) == "distinct" else 4
        return "is"
    return None if restricted else _word_joint(c, before)


def _word_joint(c: Cursor, before: str) -> str | None:
    if c.at("not") and c.value_at(1) in _NOT_PREFIXES:
        c.index += 1
    word = c.accept_any("and", "or", "like", "ilike", "overlaps")
    if word is not None:
        return word
    if before in _MATCHES and c.accept("escape"):
        return "escape"
    if c.accept("similar"):
        c.expect("to")
        return "similar"
    if c.accept("between"):
        c.accept_any("symmetric", "asymmetric")
        _chain(c, restricted=True)
        c.expect("and")
        return "between"
    if c.accept("in"):
        rows_or_query(c)
        return "in"
    return "at" if c.accept("at", "time", "zone") else None


def _named_operator(c: Cursor) -> None:
    """`OPERATOR(schema.+)`."""
    c.expect("operator", "(")
    while c.at_name(NOT_COLUMN):
        c.name()
        c.expect(".")
    if c.kind_at() is not TokenKind.OPERATOR:
        c.fail("expected an operator")
    c.index += 1
    c.expect(")")


def _prefixes(c: Cursor, *, restricted: bool) -> None:
    while True:
        if c.kind_at() is TokenKind.OPERATOR and c.value not in _NOT_PREFIX:
            c.index += 1
        elif c.at("operator", "("):
            _named_operator(c)
        elif restricted or not c.accept("not"):
            return


def _postfixes(c: Cursor, *, restricted: bool) -> None:
    while True:
        if c.accept("::"):
            type_name(c)
        elif restricted:
            return
        elif c.at("is") and c.value_at(2 if c.value_at(1) == "not" else 1) in _IS_TESTS | set(_NORMAL_FORMS):
            _is_test(c)
        elif c.accept("collate"):
            c.any_name()
        elif not (c.accept_any("isnull", "notnull") or c.accept("at", "local")):
            return


def _is_test(c: Cursor) -> None:
    c.expect("is")
    c.accept("not")
    if c.accept_any(*_NORMAL_FORMS):
        c.expect("normalized")
    elif c.accept("json"):
        c.accept_any("value", "array", "object", "scalar")
        if c.accept_any("with", "without"):
            c.expect("unique")
            c.accept("keys")
    else:
        c.index += 1
