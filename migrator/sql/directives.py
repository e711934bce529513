r"""`-- migrate: …` comments: what a person has decided about a statement or a file.

A directive is a line comment on a line of its own. It belongs to the statement that follows. Before the first
statement there is one distinction: if a blank line stands between the directive and that statement, it is at
the head of the file and belongs to every statement of it. Text that only looks like a directive (in a block
comment, behind a statement on its line, inside a statement, after the last statement) is an error: it must
not be silently ignored.

    directive = "allow" HAZARD { key "=" value } | "backfill" ( "existing-rows" | "keep-filled" )
    key       = "reason" | "until"
    value     = a word, or text in double quotes in which \" and \\ stand for " and \\
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn

import msgspec

from migrator.errors import DirectiveError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.sql.split import Script
    from migrator.sql.syntax import Span


class Allow(msgspec.Struct, frozen=True, kw_only=True):
    """`-- migrate: allow HAZARD reason="…" [until=YYYY-MM-DD]`."""

    hazard: str
    reason: str | None
    until: str | None
    at: Location


class BackfillChoice(msgspec.Struct, frozen=True, kw_only=True):
    """`-- migrate: backfill existing-rows | keep-filled`."""

    keep_filled: bool
    at: Location


Directive = Allow | BackfillChoice

_LINE = re.compile(r"--+[ \t]*migrate[ \t]*:(?P<body>.*)", re.IGNORECASE | re.DOTALL)
_IN_BLOCK = re.compile(r"^(?:/\*)?[\s*-]*migrate[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BLANK_LINE = re.compile(r"(?:\r\n|\n|\r)[ \t\f\v]*(?:\r\n|\n|\r)")
_WORD = re.compile(r"\s*([^\s=\"]+)(?![^\s])")
_OPTION = re.compile(r'\s*([A-Za-z_-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?![^\s])')
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAMES = ("allow", "backfill")
_OPTIONS = ("reason", "until")
_CHOICES = ("existing-rows", "keep-filled")
_EXAMPLE = 'for example: -- migrate: allow HAZARD reason="…", or: -- migrate: backfill existing-rows'


class Directives(msgspec.Struct, frozen=True, kw_only=True):
    """The directives of a text: those of the file, and those of each statement by its position."""

    of_file: tuple[Directive, ...]
    of_statements: tuple[tuple[Directive, ...], ...]


def read_directives(script: Script) -> Directives:
    """Read every directive among the comments of a text."""
    of_file: list[Directive] = []
    of_statements: list[list[Directive]] = [[] for _ in script.pieces]
    for span, body in _found(script):
        at = script.lines.locate(span.start)
        directive = _parse(_Body(text=body, end=span.end - span.start, at=at))
        position = _position(script, span, at)
        (of_file if position is None else of_statements[position]).append(directive)
    return Directives(of_file=tuple(of_file), of_statements=tuple(map(tuple, of_statements)))


def _found(script: Script) -> Iterator[tuple[Span, str]]:
    for span in script.comments:
        comment = script.text[span.start : span.end]
        if comment.startswith("/*"):
            if _IN_BLOCK.search(comment):
                _refuse(script.lines.locate(span.start), "a directive cannot stand in a block comment")
        elif (line := _LINE.fullmatch(comment)) is not None:
            yield span, line["body"]


def _position(script: Script, span: Span, at: Location) -> int | None:
    """Return the statement that the directive belongs to, None for the file."""
    if script.text[script.lines.line_start(span.start) : span.start].strip(" \t\f\v\ufeff"):
        _refuse(at, "a directive must stand on a line of its own, before its statement")
    position = bisect_left(script.pieces, span.start, key=lambda piece: piece.span.start)
    if position > 0 and span.start < script.pieces[position - 1].span.end:
        _refuse(at, "a directive cannot stand inside a statement; write it before the statement")
    if not script.pieces:
        return None
    if position == len(script.pieces):
        _refuse(at, "no statement follows this directive")
    between = script.text[span.end : script.pieces[position].span.start]
    return None if position == 0 and _BLANK_LINE.search(between) else position


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    """What stands after `migrate:`, to the end of the comment."""

    text: str
    end: int
    """Of the comment, counted from its start."""
    at: Location
    """Where the comment starts."""

    def place(self, offset: int) -> Location:
        """Return the place of a character of the text; a comment is one line."""
        return replace(self.at, column=self.at.column + self.end - len(self.text) + offset)


def _parse(body: _Body) -> Directive:
    word = _WORD.match(body.text)
    name = word[1] if word else ""
    rest = body.text[word.end() :] if word else body.text
    match name:
        case "allow":
            return _allow(body, word.end() if word else 0)
        case "backfill":
            return _backfill(rest.strip(), body.at)
        case _:
            return _refuse(body.at, f"unknown directive {body.text.strip()!r}", near=(name, _NAMES))


def _allow(body: _Body, position: int) -> Allow:
    hazard = _WORD.match(body.text, position)
    if hazard is None:
        _refuse(body.at, "`allow` needs the name of a hazard")
    options = _options(body, hazard)
    return Allow(
        hazard=hazard[1],
        reason=_reason(options["reason"], body) if "reason" in options else None,
        until=_day(options["until"], body) if "until" in options else None,
        at=body.at,
    )


def _options(body: _Body, hazard: re.Match[str]) -> dict[str, re.Match[str]]:
    options: dict[str, re.Match[str]] = {}
    position = hazard.end()
    while body.text[position:].strip():
        option = _OPTION.match(body.text, position)
        if option is None:
            found = body.text[position:]
            at = body.place(position + len(found) - len(found.lstrip()))
            _refuse(at, f"cannot read {found.strip()!r} after `allow {hazard[1]}`")
        key = option[1]
        if key not in _OPTIONS or key in options:
            message = f"{'repeated' if key in options else 'unknown'} option {key!r}"
            _refuse(body.place(option.start(1)), message, near=(key, _OPTIONS))
        options[key] = option
        position = option.end()
    return options


def _value(option: re.Match[str]) -> str:
    return option[3] if option[2] is None else re.sub(r"\\(.)", r"\1", option[2])


def _reason(option: re.Match[str], body: _Body) -> str:
    reason = _value(option)
    if not reason.strip():
        _refuse(body.place(option.start(1)), "the reason is empty")
    return reason


def _day(option: re.Match[str], body: _Body) -> str:
    until = _value(option)
    try:
        day = date.fromisoformat(until) if _DAY.fullmatch(until) else None
    except ValueError:
        day = None
    if day is None:
        _refuse(body.place(option.start(1)), f"until={until} is not a day; write YYYY-MM-DD")
    return day.isoformat()


def _backfill(choice: str, at: Location) -> BackfillChoice:
    if choice not in _CHOICES:
        _refuse(
            at, f"`backfill` is followed by {' or '.join(_CHOICES)}, not {choice!r}", near=(choice, _CHOICES)
        )
    return BackfillChoice(keep_filled=choice == "keep-filled", at=at)


def _refuse(at: Location, message: str, near: tuple[str, tuple[str, ...]] | None = None) -> NoReturn:
    close = get_close_matches(*near, n=1) if near else []
    raise DirectiveError(message, at=at, hint=f"did you mean {close[0]!r}?" if close else _EXAMPLE)
