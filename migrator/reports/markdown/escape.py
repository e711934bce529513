"""Markdown by functions: what a name, a message or a statement says can never become markup.

What `text` and `code` return holds no line break, no `|` and no unescaped markup, so it may stand in a
sentence or a table's cell. Where a forge looks for more than Markdown (mentions of people and issues,
mathematics, links), characters are written so that it finds nothing. They become entities, which every reader
of Markdown decodes after it has looked for markup; backslashes mean other things in other places.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migrator.reports.characters import one_line, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOTHING = "&#8203;"
"""A space without width, which stands between a sigil and what it would mention."""

_SPECIAL = re.compile(
    r"""
      (?P<dollar>\$)
    | (?P<block>^(?:[-+=]|\d+[.)]))  # a list or a rule, at the beginning
    | (?P<sigil>
          @(?=[\w-]) | [#!&](?=\d) | [%~](?=[\w"])  # people, issues, merge requests, milestones, labels
        | :(?=[a-z+-][\w+-]*:)  # a picture
      )
    | (?P<issue>\bGH-(?=\d))
    | (?P<markup>
          [\\`*\[\]|~<>&#]
        | (?<![^\W_])_ | _(?![^\W_])  # within a word it is no markup
        | :(?=//) | (?<=www)\.  # a link
      )
    """,
    re.VERBOSE | re.IGNORECASE,
)

_PLAIN = re.compile(r"[^`|\\\s](?:[^`|\\\n\r\t]*[^`|\\\s])?")
"""What may stand between backticks, also in the cell of a table."""

_HARMLESS = re.compile(r"[A-Za-z0-9 ,]|[^\x00-\xff]")

FENCE = "```"


def text(value: object, limit: int = 1_000) -> str:
    """Return the value as text, in one line."""
    return _SPECIAL.sub(_written, shortened(str(value), limit))


def _written(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "dollar":  # as GitHub's documentation has it, for what is no mathematics
            return "<span>$</span>"
        case "sigil":
            return entities(found[0]) + _NOTHING
        case "issue":
            return found[0] + _NOTHING
        case _:
            return entities(found[0])


def code(value: object, limit: int = 300) -> str:
    """Return the value as code in a line of Markdown."""
    plain = shortened(str(value), limit)
    return f"`{plain}`" if _PLAIN.fullmatch(plain) else html_code(plain, limit)


def html_code(value: object, limit: int = 300) -> str:
    """Return the value as code where only HTML is read, such as a `<summary>`."""
    return f"<code>{entities(shortened(str(value), limit))}</code>"


def entities(plain: str) -> str:
    """Return the characters, as entities but for those that are nowhere markup."""
    return "".join(c if _HARMLESS.fullmatch(c) else f"&#{ord(c)};" for c in plain)


def unbroken(words: str) -> str:
    """Return words of ours as they stand in one line."""
    return words.replace(" ", "\u00a0")


def fence(language: str, body: str) -> list[str]:
    """Return the lines of a block of code, with a fence that nothing in it can close."""
    shown = visible(body)
    runs = [len(run) for run in re.findall(r"`+", shown)]
    around = "`" * max(len(FENCE), *(run + 1 for run in runs), 0)
    return [f"{around}{language}", *re.split(r"\r\n|\n|\r", shown), around]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table, whose cells are Markdown already; none without rows."""
    titles, body = list(head), [list(cells) for cells in rows]
    if not body:
        return []
    return [_row(titles), _row("---" for _ in titles), *map(_row, body)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def fold(summary: str, lines: Iterable[str], *, opened: bool = False) -> list[str]:
    """Return a part that opens with a click; the summary is Markdown that holds no block."""
    return [
        f"<details{' open' if opened else ''}>",
        f"<summary>{summary}</summary>",
        "",
        *lines,
        "",
        "</details>",
    ]


def comment(words: str) -> str:
    """Return a comment that nobody sees; what could end it is left out."""
    kept = re.sub(r"[^\w.:/ -]+", "_", one_line(words))
    return f"<!-- {re.sub('-{2,}', '-', kept).strip('-')} -->"
