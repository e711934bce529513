"""Queries, which are not read but bounded: a beginning, matching brackets, and no surprise inside.

A query that changes data (a WITH of INSERT, UPDATE, DELETE or MERGE) or creates a table (SELECT INTO) is
refused here, because what it is would not be what it looks like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.expression import at_query
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor
    from migrator.sql.syntax import Slice

_CHANGES = frozenset({"insert", "update", "delete", "merge"})


def query_to_end(c: Cursor, *tails: tuple[str, ...]) -> tuple[Slice, tuple[str, ...] | None]:
    """Consume a query and the first of `tails` that ends the statement; return the query and that tail."""
    start = c.index
    tail = next((words for words in tails if _ends_with(c, words)), None)
    end = len(c.tokens) - len(tail or ())
    query_until(c, start, end)
    c.index = len(c.tokens)
    return c.slice(start, end), tail


def _ends_with(c: Cursor, words: tuple[str, ...]) -> bool:
    ahead = len(c.tokens) - len(words) - c.index
    return ahead > 0 and all(c.value_at(ahead + i) == word for i, word in enumerate(words))


def query_until(c: Cursor, start: int, end: int) -> None:
    """Check that the tokens from `start` to `end` may be a query, and consume them."""
    c.index = start
    if not at_query(c):
        c.fail("expected a query")
    _check_start(c)
    depth = 0
    while c.index < end:
        _check_token(c, start)
        if c.at_any("(", "["):
            closing = c.closing(c.index)
            if closing >= end:
                c.fail("brackets do not match")
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(c.value, 0)
        if depth < 0:
            c.fail("brackets do not match")
        c.index += 1


def _check_start(c: Cursor) -> None:
    """The token after the first word: most of what is not a query is found out here."""
    ahead = 0
    while c.value_at(ahead) == "(":
        ahead += 1
    following = c.value_at(ahead + 1)
    match c.value_at(ahead):
        case "values":
            plausible = following == "("
        case "with":
            plausible = following == "recursive" or c.at_name(ahead=ahead + 1)
        case "table":
            plausible = following == "only" or c.at_name(ahead=ahead + 1)
        case _:
            plausible = following not in {",", "as"}
    if not plausible:
        c.fail("expected a query")


def _check_token(c: Cursor, start: int) -> None:
    kind = c.kind_at()
    if kind is TokenKind.BAD or c.at(";"):
        c.fail("expected a query")
    if kind is not TokenKind.WORD or c.index == start or c.value_at(-1) in {".", "as"}:
        return
    if c.at("into"):
        c.fail("SELECT INTO creates a table")
    if c.value in _CHANGES and c.value_at(-1) in {"(", ")"}:
        c.fail("a query that changes data")
