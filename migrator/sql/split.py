"""A file to pieces, one for each statement, as psql cuts it (`psqlscan.l`), with exact character offsets.

A semicolon ends a statement except inside parentheses (CREATE RULE) and inside BEGIN … END of a function
written in SQL. Fails with `SqlSyntaxError` at the place, for what psql would do and a migration cannot:
backslash commands, COPY data; and for a string, comment, parenthesis or body that has no end.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from migrator.errors import SqlSyntaxError
from migrator.sql.lines import LineTable
from migrator.sql.syntax import Span
from migrator.sql.tokens import LexError, Token, TokenKind, scan


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A statement, from its first token to its last, without the semicolon; comments inside stay."""

    text: str
    span: Span
    tokens: tuple[Token, ...]


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A text that was cut: its statements, and its comments for whoever reads directives."""

    text: str
    pieces: tuple[Piece, ...]
    comments: tuple[Span, ...]
    lines: LineTable


def split(text: str, *, file: str) -> Script:
    """Cut `text` into statements; empty ones (`;;`) are left out."""
    lines = LineTable(text, file)
    splitter = Splitter(text)
    try:
        for token in scan(text):
            splitter.feed(token)
        splitter.finish()
    except LexError as error:
        raise SqlSyntaxError(error.message, at=lines.locate(error.offset), hint=error.hint) from None
    return Script(text=text, pieces=tuple(splitter.pieces), comments=tuple(splitter.comments), lines=lines)


class Splitter:
    """The state of psql's scanner between two tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces: list[Piece] = []
        self.comments: list[Span] = []
        self.tokens: list[Token] = []
        self.parentheses: list[int] = []
        self.bodies: list[int] = []

    def feed(self, token: Token) -> None:
        """Take the next token of the text."""
        if token.kind is TokenKind.COMMENT:
            self.comments.append(Span(start=token.start, end=token.end))
            return
        if token.kind is TokenKind.PUNCTUATION:
            if token.value == ";" and not self.parentheses and not self.bodies:
                self.close()
                return
            self.track_parenthesis(token)
        elif token.kind is TokenKind.WORD and token.value in {"begin", "case", "end"}:
            self.track_body(token)
        self.tokens.append(token)

    def track_parenthesis(self, token: Token) -> None:
        """Note what is open."""
        if token.value == "(":
            self.parentheses.append(token.start)
        elif token.value == ")" and self.parentheses:
            self.parentheses.pop()

    def track_body(self, token: Token) -> None:
        """CASE counts only inside a body, because it ends with END as well."""
        if self.parentheses or not self.creates_routine():
            return
        if token.value == "end":
            del self.bodies[-1:]
        elif token.value == "begin" or self.bodies:
            self.bodies.append(token.start)

    def creates_routine(self) -> bool:
        """Whether the statement may have a body."""
        words = [token.value for token in self.tokens[:4] if token.kind is TokenKind.WORD]
        if words[:3] == ["create", "or", "replace"]:
            words[1:3] = []
        return words[:1] == ["create"] and words[1:2] in (["function"], ["procedure"])

    def close(self) -> None:
        """End a statement."""
        if self.tokens:
            start, end = self.tokens[0].start, self.tokens[-1].end
            tokens = tuple(self.tokens)
            refuse_copy_data(tokens)
            self.pieces.append(
                Piece(text=self.text[start:end], span=Span(start=start, end=end), tokens=tokens)
            )
        self.tokens = []

    def finish(self) -> None:
        """End the text."""
        if self.bodies:
            raise LexError("BEGIN of a function body has no END", self.bodies[0])
        if self.parentheses:
            raise LexError("a parenthesis is not closed", self.parentheses[0])
        self.close()


def refuse_copy_data(tokens: tuple[Token, ...]) -> None:
    """COPY … FROM STDIN is followed by data, which no scanner of SQL can read."""
    if tokens[0].value != "copy":
        return
    depth = 0
    for before, token in pairwise(tokens):
        depth += {"(": 1, ")": -1}.get(before.value, 0)
        if depth == 0 and before.value == "from" and token.value == "stdin":
            raise LexError(
                "COPY … FROM STDIN with data is not supported in a migration",
                tokens[0].start,
                "write the rows as INSERT … VALUES, or load them outside the migration",
            )
