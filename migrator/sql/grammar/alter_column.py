"""`ALTER [COLUMN] name …` of ALTER TABLE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.column import collation_clause
from migrator.sql.grammar.definition import parameter_names, parameters
from migrator.sql.grammar.expression import expression, parenthesised
from migrator.sql.grammar.sequence_options import parenthesised_sequence_options, sequence_option
from migrator.sql.grammar.typenames import type_name
from migrator.sql.syntax import (
    Action,
    AddIdentity,
    AlterColumnType,
    DropDefault,
    DropExpression,
    DropIdentity,
    DropNotNull,
    OtherAction,
    SetDefault,
    SetExpression,
    SetIdentity,
    SetNotNull,
)
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


def alter_column(c: Cursor) -> Action:
    """Consume the action; a column by its number (of an index) is an `OtherAction` without a name."""
    start = c.index
    c.expect("alter")
    c.accept("column")
    if c.kind_at() is TokenKind.NUMBER:
        c.number()
        c.expect("set", "statistics")
        c.number()
        return OtherAction(text=c.slice(start), kind="SET STATISTICS")
    column = c.name()
    match c.value:
        case "type":
            return _type(c, start, column)
        case "drop":
            return _drop(c, start, column)
        case "add":
            return _add_identity(c, start, column)
        case "set" if c.value_at(1) == "data":
            return _type(c, start, column)
        case "set" if c.value_at(1) in {"default", "not", "expression"}:
            return _set(c, start, column)
        case _:
            kind = _option_of_column(c)
            if kind is None:
                return _set_identity(c, start, column)
            return OtherAction(text=c.slice(start), kind=kind, columns=(column,))


def _type(c: Cursor, start: int, column: str) -> Action:
    if c.accept("set"):
        c.expect("data")
    c.expect("type")
    new_type = type_name(c)
    collation = collation_clause(c)
    using = expression(c) if c.accept("using") else None
    return AlterColumnType(
        text=c.slice(start), column=column, type=new_type, collation=collation, using=using
    )


def _drop(c: Cursor, start: int, column: str) -> Action:
    c.expect("drop")
    if c.accept("default"):
        return DropDefault(text=c.slice(start), column=column)
    if c.accept("not", "null"):
        return DropNotNull(text=c.slice(start), column=column)
    word = c.expect_any("identity", "expression")
    if_exists = c.accept("if", "exists")
    form = DropIdentity if word == "identity" else DropExpression
    return form(text=c.slice(start), column=column, if_exists=if_exists)


def _set(c: Cursor, start: int, column: str) -> Action:
    c.expect("set")
    if c.accept("not", "null"):
        return SetNotNull(text=c.slice(start), column=column)
    if c.accept("expression", "as"):
        inner = parenthesised(c)
        return SetExpression(text=c.slice(start), column=column, expression=inner)
    c.expect("default")
    value = expression(c)
    return SetDefault(text=c.slice(start), column=column, expression=value)


def _add_identity(c: Cursor, start: int, column: str) -> Action:
    c.expect("add", "generated")
    always = c.accept("always")
    if not always:
        c.expect("by", "default")
    c.expect("as", "identity")
    options = parenthesised_sequence_options(c) if c.at("(") else ()
    return AddIdentity(text=c.slice(start), column=column, always=always, options=options)


def _option_of_column(c: Cursor) -> str | None:
    """Consume an option that says nothing of the column's values; None where none stands here."""
    if c.accept("set", "statistics"):
        if not c.accept("default"):
            c.number()
        return "SET STATISTICS"
    if c.at("set", "storage") or c.at("set", "compression"):
        c.index += 1
        word = c.expect_any("storage", "compression").upper()
        if not c.accept("default"):
            c.name()
        return f"SET {word}"
    if c.at("set", "("):
        c.index += 1
        parameters(c)
        return "SET ATTRIBUTES"
    if c.accept("reset"):
        parameter_names(c)
        return "RESET ATTRIBUTES"
    return None


def _set_identity(c: Cursor, start: int, column: str) -> Action:
    """RESTART …, SET GENERATED …, SET sequence option: one after the other."""
    first, always, restarts, options = c.index, None, False, False
    while c.at_any("restart", "set"):
        if c.accept("restart"):
            restarts = True
            if c.accept("with") or c.kind_at() is TokenKind.NUMBER:
                c.number()
        elif c.accept("set", "generated"):
            always = c.accept("always")
            if not always:
                c.expect("by", "default")
        else:
            c.expect("set")
            options = True
            if c.at("restart") or not sequence_option(c):
                c.fail("expected an option of a sequence")
    if c.index == first:
        c.fail("no such action on a column")
    return SetIdentity(text=c.slice(start), column=column, always=always, restarts=restarts, options=options)
