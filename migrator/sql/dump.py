r"""A dump of a schema, by pg_dump or by hand, to the statements that a scratch database executes.

More is read than in a migration: data after COPY … FROM stdin, and the lines `\restrict` and `\unrestrict` by
which newer versions of pg_dump guard psql; they mean nothing here. Other commands of psql are an error, with
their place. Fails with SqlSyntaxError.
"""

from __future__ import annotations

import re

import msgspec

from migrator.errors import Location, SqlSyntaxError
from migrator.sql.grammar import read_command
from migrator.sql.lines import LineTable
from migrator.sql.split import Splitter
from migrator.sql.syntax import Command
from migrator.sql.tokens import LexError, scan

_GUARD = re.compile(r"\\(un)?restrict\b[^\n]*(\n|\Z)")

_END_OF_DATA = re.compile(r"^\\\.\r?$", re.MULTILINE)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A statement, and the data after it where it is COPY."""

    text: str
    at: Location
    command: Command
    words: tuple[str, ...]
    """The first words, folded."""
    data: str | None = None


def read_dump(text: str, *, file: str) -> tuple[Part, ...]:
    """Cut a dump into its statements."""
    reader = _Reader(text, file)
    while reader.start < len(text):
        reader.read_on()
    return tuple(reader.parts)


class _Reader:
    """Reads from one place to the next where psql would do something that is not SQL."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._lines = LineTable(text, file)
        self.parts: list[Part] = []
        self.start = 0

    def read_on(self) -> None:
        """Read up to the next such place, and what stands there."""
        rest = self._text[self.start :]
        splitter = Splitter(rest)
        try:
            for token in scan(rest):
                splitter.feed(token)
            splitter.finish()
        except LexError as error:
            self._take(splitter)
            self._go_on(splitter, error)
        else:
            self._take(splitter)
            self.start = len(self._text)

    def _take(self, splitter: Splitter) -> None:
        for piece in splitter.pieces:
            self.parts.append(
                Part(
                    text=piece.text,
                    at=self._lines.locate(self.start + piece.span.start),
                    command=read_command(splitter.text, piece.tokens),
                    words=tuple(token.value for token in piece.tokens[:3]),
                )
            )

    def _go_on(self, splitter: Splitter, error: LexError) -> None:
        guard = _GUARD.match(splitter.text, error.offset)
        if guard is not None and not splitter.tokens:
            self.start += guard.end()
        elif (
            splitter.tokens
            and splitter.tokens[0].value == "copy"
            and error.offset == splitter.tokens[0].start
        ):
            self._take_data(splitter)
        else:
            at = self._lines.locate(self.start + error.offset)
            raise SqlSyntaxError(error.message, at=at, hint=error.hint) from None

    def _take_data(self, splitter: Splitter) -> None:
        first, last = splitter.tokens[0], splitter.tokens[-1]
        begin = splitter.text.find("\n", last.end) + 1
        end = _END_OF_DATA.search(splitter.text, begin) if begin else None
        at = self._lines.locate(self.start + first.start)
        if end is None:
            raise SqlSyntaxError(r"the data of this COPY has no end (a line \.)", at=at)
        self.parts.append(
            Part(
                text=splitter.text[first.start : last.end],
                at=at,
                command=read_command(splitter.text, tuple(splitter.tokens)),
                words=("copy",),
                data=splitter.text[begin : end.start()],
            )
        )
        self.start += end.end()
