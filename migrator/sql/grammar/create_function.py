"""CREATE FUNCTION and CREATE PROCEDURE (gram.y: CreateFunctionStmt)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.sql.grammar.expression import expression
from migrator.sql.grammar.session import setting
from migrator.sql.grammar.typenames import routine_type
from migrator.sql.keywords import NOT_FUNCTION, RESERVED
from migrator.sql.syntax import CreateFunction, Slice
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_MODES = frozenset({"in", "out", "inout", "variadic"})


@dataclass(slots=True, kw_only=True)
class _Options:
    volatility: str = "v"
    language: str | None = None
    body: bool = False


def create_function(c: Cursor, *, or_replace: bool) -> CreateFunction:
    """Read from the word after CREATE [OR REPLACE] to the end."""
    procedure = c.expect_any("function", "procedure") == "procedure"
    name = c.function_name()
    arguments = routine_arguments(c, defaults=True)
    if not procedure:
        _result(c)
    options = _Options()
    while _option(c, options):
        pass
    _sql_body(c, options)
    if not options.body:
        c.fail("expected a body")
    c.expect_end()
    return CreateFunction(
        name=name,
        procedure=procedure,
        or_replace=or_replace,
        volatility=options.volatility,
        language=options.language,
        arguments=arguments,
    )


def routine_arguments(c: Cursor, *, defaults: bool) -> Slice:
    """Consume `(arguments)` of a routine and return them with their parentheses."""
    start = c.index
    c.expect("(")
    if not c.at(")"):
        while True:
            _argument(c, defaults=defaults)
            if not c.accept(","):
                break
    c.expect(")")
    return c.slice(start)


def _argument(c: Cursor, *, defaults: bool) -> None:
    """`[mode] [name] [mode] type [DEFAULT value]`; a name is there if a type follows it."""
    moded = _mode(c)
    if _names_argument(c):
        c.index += 1
        if not moded:
            _mode(c)
    routine_type(c)
    if defaults and (c.accept("default") or c.accept("=")):
        expression(c)


def _mode(c: Cursor) -> bool:
    word = c.accept_any(*_MODES)
    if word == "in":
        c.accept("out")
    return word is not None


def _names_argument(c: Cursor) -> bool:
    following = c.value_at(1)
    if following == "precision" and c.at("double"):
        return False
    if following == "varying" and c.at_any("bit", "char", "character", "nchar", "national"):
        return False
    named = c.kind_at(1) in {TokenKind.WORD, TokenKind.QUOTED}
    param_name = c.at_name(NOT_FUNCTION)
    return named and param_name and following not in {"default", "array"}


def _result(c: Cursor) -> None:
    if not c.accept("returns"):
        return
    if c.accept("table"):
        c.expect("(")
        while True:
            c.name(NOT_FUNCTION)
            routine_type(c)
            if not c.accept(","):
                break
        c.expect(")")
    else:
        routine_type(c)


def _option(c: Cursor, options: _Options) -> bool:
    """Consume one option; false where none stands here."""
    if (word := c.accept_any("immutable", "stable", "volatile")) is not None:
        options.volatility = word[0]
    elif c.accept("language"):
        _language(c, options)
    elif c.accept("as"):
        c.constant()
        if c.accept(","):
            c.constant()
        options.body = True
    else:
        return plain_option(c)
    return True


def _language(c: Cursor, options: _Options) -> None:
    if c.kind_at() is TokenKind.STRING:
        options.language = c.string().lower()
    else:
        options.language = c.name(RESERVED)


def plain_option(c: Cursor) -> bool:
    """Consume an option that has no meaning for planning; false where none stands here."""
    for words in (
        ("strict",),
        ("window",),
        ("leakproof",),
        ("not", "leakproof"),
        ("called", "on", "null", "input"),
        ("returns", "null", "on", "null", "input"),
    ):
        if c.accept(*words):
            return True
    if c.at("external", "security") or c.at("security"):
        c.accept("external")
        c.expect("security")
        c.expect_any("invoker", "definer")
    elif c.accept("parallel"):
        c.name()
    elif c.accept_any("cost", "rows"):
        c.number()
    elif c.accept("support"):
        c.any_name()
    elif c.accept("set"):
        setting(c)
    else:
        return False
    return True


def _sql_body(c: Cursor, options: _Options) -> None:
    """RETURN expression, or BEGIN ATOMIC … END, whose statements are not read."""
    if c.accept("return"):
        expression(c)
    elif c.at("begin", "atomic") and c.value_at(len(c.tokens) - c.index - 1) == "end":
        c.index = len(c.tokens)
    else:
        return
    if options.body:
        c.fail("two bodies")
    options.body = True
    options.language = options.language or "sql"
