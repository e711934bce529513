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
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn

from migrator.errors import DirectiveError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.sql.split import Script
    from migrator.sql.syntax import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """`-- migrate: allow HAZARD reason="…" [until=YYYY-MM-DD]`."""

    hazard: str
    reason: str | None
    until: str | None
    at: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillChoice:
    """`-- migrate: backfill existing-rows | keep-filled`."""

    keep_filled: bool
    at: Location


Directive = Allow | BackfillChoice

_LINE = re.compile(r"--+[ \t]*migrate[ \t]*:(?P<body>.*)", re.IGNORECASE | re.DOTALL)
_IN_BLOCK = re.compile(r"^(?:/\*)?[\s*-]*migrate[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BLANK_LINE = re.compile(r"(?:\r\n|\n|\r)[ \t\f\v]*(?:\r\n|\n|\r)")
_WORD = re.compile(r"\s*([^\s=\"]+)(?![^\s])")
_OPTION = re.compile(r'\s*([A-Za-z_-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?![^\s])')
_NAMES = ("allow", "backfill")
_OPTIONS = ("reason", "until")
_CHOICES = ("existing-rows", "keep-filled")
_EXAMPLE = 'for example: -- migrate: allow HAZARD reason="…", or: -- migrate: backfill existing-rows'


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """The directives of a text: those of the file, and those of each statement by its position."""

    of_file: tuple[Directive, ...]
    of_statements: tuple[tuple[Directive, ...], ...]


def read_directives(script: Script) -> Directives:
    """Read every directive among the comments of a text."""
    of_file: list[Directive] = []
    of_statements: list[list[Directive]] = [[] for _ in script.pieces]
    for span, body in _found(script):
        at = script.lines.locate(span.start)
        directive = _parse(body.strip(), at)
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


def _parse(body: str, at: Location) -> Directive:
    word = _WORD.match(body)
    name = word[1] if word else ""
    rest = body[word.end() :] if word else body
    match name:
        case "allow":
            return _allow(rest, at)
        case "backfill":
            return _backfill(rest.strip(), at)
        case _:
            return _refuse(at, f"unknown directive {body!r}", near=(name, _NAMES))


def _allow(rest: str, at: Location) -> Allow:
    hazard = _WORD.match(rest)
    if hazard is None:
        _refuse(at, "`allow` needs the name of a hazard")
    options: dict[str, str] = {}
    position = hazard.end()
    while rest[position:].strip():
        option = _OPTION.match(rest, position)
        if option is None:
            _refuse(at, f"cannot read {rest[position:].strip()!r} after `allow {hazard[1]}`")
        key = option[1]
        if key not in _OPTIONS or key in options:
            _refuse(at, f"{'repeated' if key in options else 'unknown'} option {key!r}", near=(key, _OPTIONS))
        options[key] = option[3] if option[2] is None else re.sub(r"\\(.)", r"\1", option[2])
        position = option.end()
    if not options.get("reason", "-").strip():
        _refuse(at, "the reason is empty")
    return Allow(hazard=hazard[1], reason=options.get("reason"), until=_day(options.get("until"), at), at=at)


def _day(until: str | None, at: Location) -> str | None:
    if until is None:
        return None
    try:
        return date.fromisoformat(until).isoformat()
    except ValueError:
        return _refuse(at, f"until={until} is not a day; write YYYY-MM-DD")


def _backfill(choice: str, at: Location) -> BackfillChoice:
    if choice not in _CHOICES:
        _refuse(
            at, f"`backfill` is followed by {' or '.join(_CHOICES)}, not {choice!r}", near=(choice, _CHOICES)
        )
    return BackfillChoice(keep_filled=choice == "keep-filled", at=at)


def _refuse(at: Location, message: str, near: tuple[str, tuple[str, ...]] | None = None) -> NoReturn:
    close = get_close_matches(*near, n=1) if near else []
    raise DirectiveError(message, at=at, hint=f"did you mean {close[0]!r}?" if close else _EXAMPLE)
