"""A place in the tokens of one statement, and the small readings that every grammar rule shares.

A rule that cannot go on raises `NotUnderstood`; `grammar.read_command` turns that into `Opaque`. Rules look
at words through `at` and `accept`, which see only unquoted words, operators and punctuation: no string is
taken for a keyword.
"""

from __future__ import annotations

import re
from typing import NoReturn

from migrator.postgres.identifiers import QualifiedName, fold
from migrator.sql.keywords import NOT_COLUMN, NOT_FUNCTION, RESERVED
from migrator.sql.syntax import Slice, Span
from migrator.sql.tokens import Token, TokenKind

_SIMPLE_STRING = re.compile(r"'(?:[^']|'')*'")
_OPENING = {"(": ")", "[": "]"}


class NotUnderstood(Exception):
    """The grammar has no rule for the token at `offset`."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


class Cursor:
    """The tokens of a statement, and how many of them were consumed."""

    __slots__ = ("_values", "index", "source", "tokens")

    def __init__(self, source: str, tokens: tuple[Token, ...]) -> None:
        self.source = source
        self.tokens = tokens
        self.index = 0
        # One empty value more, so that looking past the end needs no test.
        self._values = [token.value for token in tokens] + [""] * 4

    # --- looking

    @property
    def done(self) -> bool:
        """Whether every token was consumed."""
        return self.index >= len(self.tokens)

    @property
    def value(self) -> str:
        """The folded word, operator or punctuation here; empty for a quoted name, a constant, or the end."""
        return self._values[self.index]

    def value_at(self, ahead: int) -> str:
        """Return the `value` some tokens further on."""
        index = self.index + ahead
        return self._values[index] if 0 <= index < len(self._values) else ""

    def kind_at(self, ahead: int = 0) -> TokenKind | None:
        """Return the kind of a token; None at the end."""
        index = self.index + ahead
        return self.tokens[index].kind if index < len(self.tokens) else None

    def at(self, *words: str) -> bool:
        """Whether exactly these words come next."""
        values, index = self._values, self.index
        if len(words) == 1:
            return values[index] == words[0]
        return values[index : index + len(words)] == list(words)

    def at_any(self, *words: str) -> bool:
        """Whether one of these words comes next."""
        return self._values[self.index] in words

    @property
    def offset(self) -> int:
        """Where the next token begins in the file."""
        if self.done:
            return self.tokens[-1].end
        return self.tokens[self.index].start

    # --- consuming

    def accept(self, *words: str) -> bool:
        """Consume these words if they come next."""
        if self.at(*words):
            self.index += len(words)
            return True
        return False

    def accept_any(self, *words: str) -> str | None:
        """Consume one of these words and return it."""
        value = self._values[self.index]
        if value in words:
            self.index += 1
            return value
        return None

    def expect(self, *words: str) -> None:
        """Consume these words; it is not understood if others stand here."""
        if not self.accept(*words):
            self.fail(f"expected {' '.join(words).upper()}")

    def expect_any(self, *words: str) -> str:
        """Consume one of these words and return it."""
        found = self.accept_any(*words)
        if found is None:
            self.fail(f"expected one of {', '.join(words).upper()}")
        return found

    def fail(self, reason: str) -> NoReturn:
        """Give up: there is no rule for what stands here."""
        if self.done:
            raise NotUnderstood(f"{reason}, found the end of the statement", self.offset)
        token = self.tokens[self.index]
        raise NotUnderstood(f"{reason}, found {self.source[token.start : token.end][:40]!r}", token.start)

    def expect_end(self) -> None:
        """Every token must have been consumed."""
        if not self.done:
            self.fail("expected the end of the statement")

    # --- slices

    def text(self, index: int) -> str:
        """Return the source of a token."""
        token = self.tokens[index]
        return self.source[token.start : token.end]

    def slice(self, first: int, last: int | None = None) -> Slice:
        """Return the source from token `first` up to, not including, token `last` (default: the one here)."""
        last = self.index if last is None else last
        if last <= first:
            self.fail("expected something here")
        start, end = self.tokens[first].start, self.tokens[last - 1].end
        return Slice(text=self.source[start:end], span=Span(start=start, end=end))

    # --- names

    def at_name(self, refused: frozenset[str] = NOT_COLUMN, ahead: int = 0) -> bool:
        """Whether the token may be a name, given the words that cannot be one here."""
        kind = self.kind_at(ahead)
        if kind is TokenKind.WORD:
            return self.value_at(ahead) not in refused
        return kind is TokenKind.QUOTED

    def name(self, refused: frozenset[str] = NOT_COLUMN) -> str:
        """Consume the name of a column, table, constraint, …, and return it folded."""
        if not self.at_name(refused):
            self.fail("expected a name")
        self.index += 1
        return self._fold(self.index - 1)

    def label(self) -> str:
        """Consume a name after a dot, where any word may stand (ColLabel)."""
        return self.name(frozenset())

    def role(self) -> str:
        """Consume the name of a role, or CURRENT_USER and its like."""
        special = self.accept_any("current_user", "session_user", "current_role")
        return special or self.name(RESERVED)

    def any_name(self, refused: frozenset[str] = NOT_COLUMN) -> tuple[str, ...]:
        """Consume `a.b.c`, in which words after a dot may be any."""
        parts = [self.name(refused)]
        while self.value == "." and self.kind_at(1) in {TokenKind.WORD, TokenKind.QUOTED}:
            self.index += 1
            parts.append(self.label())
        return tuple(parts)

    def qualified_name(self, refused: frozenset[str] = NOT_COLUMN) -> QualifiedName:
        """Consume `[schema.]name`; with a database in front it is not understood."""
        start = self.index
        parts = self.any_name(refused)
        match parts:
            case (name,):
                return QualifiedName(schema=None, name=name)
            case (schema, name):
                return QualifiedName(schema=schema, name=name)
            case _:
                self.index = start
                return self.fail("a name with a database in front")

    def function_name(self) -> QualifiedName:
        """Consume the name of a function: one class of keywords if it is qualified, another if not."""
        qualified = self.value_at(1) == "."
        return self.qualified_name(NOT_COLUMN if qualified else NOT_FUNCTION)

    def _fold(self, index: int) -> str:
        token = self.tokens[index]
        if token.kind is TokenKind.WORD:
            return fold(token.value)
        written = self.source[token.start : token.end]
        if written[0] != '"' or written == '""':
            self.index = index
            self.fail("a name in Unicode escapes, or an empty one")
        return fold(written)

    def names(self, opening: str = "(") -> tuple[str, ...]:
        """Consume `(a, b, …)`."""
        self.expect(opening)
        found = [self.name()]
        while self.accept(","):
            found.append(self.name())
        self.expect(_OPENING[opening])
        return tuple(found)

    def qualified_names(self) -> tuple[QualifiedName, ...]:
        """Consume `a.b, c.d, …`."""
        found = [self.qualified_name()]
        while self.accept(","):
            found.append(self.qualified_name())
        return tuple(found)

    # --- constants and runs

    def string(self) -> str:
        """Consume a plain string constant and return its value."""
        written = self.text(self.index) if self.kind_at() is TokenKind.STRING else ""
        if not _SIMPLE_STRING.fullmatch(written):
            self.fail("expected a plain string")
        self.index += 1
        return written[1:-1].replace("''", "'")

    def constant(self) -> None:
        """Consume a string constant of any kind."""
        if self.kind_at() is not TokenKind.STRING or self.text(self.index)[0] in "bBxXnN":
            self.fail("expected a string")
        self.index += 1

    def number(self) -> str:
        """Consume a number with or without a sign and return it as written."""
        start = self.index
        self.accept_any("+", "-")
        if self.kind_at() is not TokenKind.NUMBER:
            self.fail("expected a number")
        self.index += 1
        return self.slice(start).text

    def balanced(self) -> Slice:
        """Consume `( … )` with whatever balanced tokens it holds."""
        start = self.index
        if self.value not in _OPENING:
            self.fail("expected a parenthesis")
        self.index = self.closing(start) + 1
        return self.slice(start)

    def closing(self, opening: int) -> int:
        """Return the index of the bracket that closes the one at `opening`."""
        open_ones: list[str] = []
        for index in range(opening, len(self.tokens)):
            value = self._values[index]
            if value in _OPENING:
                open_ones.append(_OPENING[value])
            elif value in {")", "]"} and (not open_ones or open_ones.pop() != value):
                break
            if self.tokens[index].kind is TokenKind.BAD:
                break
            if not open_ones:
                return index
        return self.fail("brackets do not match")
