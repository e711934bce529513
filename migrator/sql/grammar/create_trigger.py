"""CREATE TRIGGER (gram.y: CreateTrigStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.expression import parenthesised
from migrator.sql.syntax import CreateTrigger
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


def create_trigger(c: Cursor, *, or_replace: bool) -> CreateTrigger:
    """Read from the word after CREATE [OR REPLACE] to the end."""
    constraint = c.accept("constraint")
    c.expect("trigger")
    name = c.name()
    timing = "AFTER" if constraint and c.accept("after") else _timing(c, constraint=constraint)
    events, columns = _events(c)
    c.expect("on")
    table = c.qualified_name()
    if constraint:
        _constraint_attributes(c)
    if not constraint:
        _transition_tables(c)
    for_each_row = _level(c, constraint=constraint)
    if constraint and not for_each_row:
        c.fail("expected FOR EACH ROW")
    if c.accept("when"):
        parenthesised(c)
    c.expect("execute")
    c.expect_any("function", "procedure")
    function = c.function_name()
    _arguments(c)
    c.expect_end()
    return CreateTrigger(
        name=name,
        table=table,
        function=function,
        or_replace=or_replace,
        constraint=constraint,
        timing=timing,
        events=events,
        for_each_row=for_each_row,
        columns=columns,
    )


def _timing(c: Cursor, *, constraint: bool) -> str:
    if constraint:
        c.fail("expected AFTER")
    if c.accept("instead", "of"):
        return "INSTEAD OF"
    return c.expect_any("before", "after").upper()


def _events(c: Cursor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the events, and the columns of UPDATE OF."""
    found: list[str] = []
    columns: list[str] = []
    while True:
        event = c.expect_any("insert", "update", "delete", "truncate")
        if event.upper() in found:
            c.fail("a repeated event")
        found.append(event.upper())
        if event == "update" and c.accept("of"):
            columns.append(c.name())
            while c.accept(","):
                columns.append(c.name())
        if not c.accept("or"):
            return tuple(found), tuple(columns)


def _constraint_attributes(c: Cursor) -> None:
    if c.accept("from"):
        c.qualified_name()
    refused = c.accept("not", "deferrable")
    if not refused:
        c.accept("deferrable")
    if c.accept("initially") and c.expect_any("deferred", "immediate") == "deferred" and refused:
        c.fail("NOT DEFERRABLE with INITIALLY DEFERRED")


def _transition_tables(c: Cursor) -> None:
    if not c.accept("referencing"):
        return
    while c.accept_any("old", "new"):
        c.expect_any("table", "row")
        c.accept("as")
        c.name()


def _level(c: Cursor, *, constraint: bool) -> bool:
    if not c.accept("for"):
        return False
    if not c.accept("each") and constraint:
        c.fail("expected EACH")
    return c.expect_any("row", "statement") == "row"


def _arguments(c: Cursor) -> None:
    """Numbers, strings and words; nothing is evaluated."""
    c.expect("(")
    while not c.at(")"):
        if c.kind_at() is TokenKind.STRING:
            c.constant()
        elif c.kind_at() in {TokenKind.NUMBER, TokenKind.WORD, TokenKind.QUOTED}:
            c.index += 1
        else:
            c.fail("expected an argument")
        if not c.accept(","):
            break
        if c.at(")"):
            c.fail("expected an argument")
    c.expect(")")
