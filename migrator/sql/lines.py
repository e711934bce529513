"""Offsets to line and column, which count from 1 and in characters; made once for a text."""

from __future__ import annotations

import re
from bisect import bisect_right

from migrator.errors import Location

_LINE_END = re.compile(r"\r\n|\n|\r")


class LineTable:
    """Where each line of a text begins."""

    __slots__ = ("_file", "_starts")

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]

    def locate(self, offset: int) -> Location:
        """Return the place of the character at `offset`."""
        line = bisect_right(self._starts, offset)
        return Location(file=self._file, line=line, column=offset - self._starts[line - 1] + 1)

    def line_start(self, offset: int) -> int:
        """Return the offset of the first character of the line that holds `offset`."""
        return self._starts[bisect_right(self._starts, offset) - 1]
