"""Where an expression ends, and that it is one (gram.y: a_expr, b_expr, c_expr).

Only acceptance is decided, not precedence: operands and operators alternate. Queries in parentheses, windows,
and the arguments of XML and JSON constructs are consumed as balanced tokens. An expression that is cut short,
or holds a word that cannot stand there, is not understood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.cursor import Cursor
from migrator.sql.grammar.typenames import interval_fields, simple_type, type_name
from migrator.sql.keywords import NOT_COLUMN, NOT_FUNCTION, QUERY_STARTS, VALUE_FUNCTIONS, words
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.syntax import Slice

_TYPE_STARTS = words("""
    int integer smallint bigint real boolean json float double decimal dec numeric timestamp time interval bit
    character char varchar national nchar
    """)
_LOOSE_CALLS = words("""
    grouping json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar
    json_serialize json_value json merge_action treat xmlconcat xmlelement xmlexists xmlforest xmlparse xmlpi
    xmlroot xmlserialize
    """)
_LIST_CALLS = frozenset({"coalesce", "greatest", "least", "nullif"})
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
        _value_function(c)
    else:
        _word(c)
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
            _rows_or_query(c)
        elif word != "in":
            _prefixes(c, restricted=restricted)
            _operand(c)
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
        _rows_or_query(c)
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


def _operand(c: Cursor) -> None:
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
            _rows_or_query(c)
            _indirection(c)
        case TokenKind.WORD | TokenKind.QUOTED:
            _word(c)
        case _:
            c.fail("expected an expression")


def _string(c: Cursor) -> None:
    unicode = c.text(c.index)[:2] in {"U&", "u&"}
    c.index += 1
    if unicode and c.accept("uescape"):
        c.string()


def _rows_or_query(c: Cursor) -> None:
    """`( query )`, or `( a, b, … )`; parentheses before a set operation count as a query."""
    if at_query(c):
        closing = c.closing(c.index)
        inner = Cursor(c.source, c.tokens)
        inner.index = c.index + 1
        if not inner.at("(") or _is_query_inside(inner, closing):
            c.index = closing + 1
            return
    c.expect("(")
    expressions(c)
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


def _word(c: Cursor) -> None:
    word = c.value
    if word in VALUE_FUNCTIONS and not (word == "current_schema" and c.value_at(1) == "("):
        _value_function(c)
    elif word in {"true", "false", "null"}:
        c.index += 1
    elif word == "case":
        _case(c)
    elif word in {"array", "exists", "row"} and c.value_at(1) in {"(", "["}:
        _constructor(c)
    elif word in _SPECIAL_CALLS and c.value_at(1) == "(":
        _special_call(c)
    elif word in _TYPE_STARTS and _typed_constant(c):
        return
    elif word in QUERY_STARTS:
        c.fail("expected an expression")
    else:
        _name_or_call(c)


def _value_function(c: Cursor) -> None:
    word = c.value
    c.index += 1
    precise = word in {"current_time", "current_timestamp", "localtime", "localtimestamp"}
    if precise and c.accept("("):
        c.number()
        c.expect(")")


def _case(c: Cursor) -> None:
    c.expect("case")
    if not c.at("when"):
        expression(c)
    while True:
        c.expect("when")
        expression(c)
        c.expect("then")
        expression(c)
        if not c.at("when"):
            break
    if c.accept("else"):
        expression(c)
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
            expressions(c)
        c.expect(")")
        _indirection(c)
    elif at_query(c):
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
                expression(c)
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


def _special_call(c: Cursor) -> None:
    word = c.value
    c.index += 1
    if word in _LOOSE_CALLS:
        c.balanced()
        _call_tail(c)
        return
    c.expect("(")
    if word in _LIST_CALLS:
        expressions(c)
    else:
        _SPECIAL_ARGUMENTS[word](c)
    c.expect(")")


def _cast(c: Cursor) -> None:
    expression(c)
    c.expect("as")
    type_name(c)


def _extract(c: Cursor) -> None:
    if c.kind_at() is TokenKind.STRING:
        c.constant()
    else:
        c.label()
    c.expect("from")
    expression(c)


def _position(c: Cursor) -> None:
    restricted_expression(c)
    c.expect("in")
    restricted_expression(c)


def _substring(c: Cursor) -> None:
    if _between_words(c, "from", "for"):
        return
    if c.accept("similar"):
        expression(c)
        c.expect("escape")
        expression(c)
    else:
        _more_arguments(c)


def _overlay(c: Cursor) -> None:
    expression(c)
    if c.accept("placing"):
        expression(c)
        c.expect("from")
        expression(c)
        if c.accept("for"):
            expression(c)
    else:
        _more_arguments(c)


def _trim(c: Cursor) -> None:
    c.accept_any("both", "leading", "trailing")
    if not c.accept("from"):
        expression(c)
        if c.at(","):
            _more_arguments(c)
            return
        if not c.accept("from"):
            return
    expressions(c)


def _normalize(c: Cursor) -> None:
    expression(c)
    if c.accept(","):
        c.expect_any(*_NORMAL_FORMS)


def _between_words(c: Cursor, *words: str) -> bool:
    """`a FROM b FOR c`, in either order; false where the plain form with commas stands here."""
    expression(c)
    found = False
    while c.accept_any(*words):
        expression(c)
        found = True
    return found


def _more_arguments(c: Cursor) -> None:
    while c.accept(","):
        expression(c)


_SPECIAL_ARGUMENTS = {
    "cast": _cast,
    "extract": _extract,
    "position": _position,
    "substring": _substring,
    "overlay": _overlay,
    "trim": _trim,
    "normalize": _normalize,
}
_SPECIAL_CALLS = _LOOSE_CALLS | _LIST_CALLS | frozenset(_SPECIAL_ARGUMENTS)


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
    _call_tail(c)


def _argument(c: Cursor) -> None:
    c.accept("variadic")
    if c.at_name(NOT_FUNCTION) and c.value_at(1) in {":=", "=>"}:
        c.index += 2
    expression(c)


def _call_tail(c: Cursor) -> None:
    """WITHIN GROUP, FILTER and OVER of an aggregate or window function."""
    if c.at("within", "group", "("):
        c.index += 3
        c.expect("order", "by")
        sort_keys(c)
        c.expect(")")
    if c.at("filter", "("):
        c.index += 2
        c.expect("where")
        expression(c)
        c.expect(")")
    if c.accept("over"):
        if c.at("("):
            c.balanced()
        else:
            c.name()


def sort_keys(c: Cursor) -> None:
    """Consume what stands after ORDER BY."""
    while True:
        expression(c)
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
        expression(c)
    if c.accept(":") and not c.at("]"):
        expression(c)
    c.expect("]")
