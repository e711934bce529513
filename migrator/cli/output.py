r"""What is printed: results on standard output, whatever names and messages are in them.

Names, comments, query texts of other sessions and messages of a server are other people's text. A control
character in it never reaches a terminal (it could move the cursor, set the title, or hide a line), nor does a
mark that turns the direction of writing: they are shown as `\x1b`, `\u202e`. JSON has its own way to write
them. A letter that the stream's encoding lacks is shown in the same way, so that no output fails for it.
"""

import re
import sys
from dataclasses import dataclass

import click

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all but tab and line feed
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
"""Control characters, marks of direction, what has no width or ends a line unseen, lone surrogates."""


_DOCUMENTS = frozenset({"json", "sarif", "gitlab"})
"""Formats that are JSON."""


@dataclass(frozen=True, slots=True)
class Styled:
    """A piece of text in a colour; the text is made printable as any other."""

    text: str
    color: str | None = None
    bold: bool | None = None


def printable(text: str) -> str:
    """Return `text` with everything that acts on a terminal written out; lines stay lines."""
    return _CONTROL.sub(lambda found: _escape(found[0]), text)


def one_line(text: str) -> str:
    """As `printable`, and a line feed is written out too: for what stands within a line."""
    return printable(text.replace("\r", "\\r").replace("\n", "\\n"))


def echo(*parts: str | Styled, nl: bool = True, err: bool = False) -> None:
    """Print the parts one after the other. Raises OSError where nobody can be told."""
    pieces = [_styled(part) if isinstance(part, Styled) else printable(part) for part in parts]
    click.echo("".join(pieces), nl=nl, err=err)


def echo_json(text: str, *, nl: bool = True) -> None:
    """Print a JSON document; it stays one in every encoding."""
    click.echo(json_text(text, encoding=sys.stdout.encoding), nl=nl)


def echo_report(form: str, text: str, *, nl: bool = True) -> None:
    """Print a report in one of the formats."""
    (echo_json if form in _DOCUMENTS else echo)(text, nl=nl)


def json_text(text: str, *, encoding: str | None = None) -> str:
    """Return a JSON document with what no terminal should see, or the encoding lacks, as JSON escapes it.

    Such characters can only stand in strings there.
    """
    escaped = _CONTROL.sub(lambda found: _escape_json(found[0]), text)
    try:
        escaped.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return re.sub("[^\x00-\x7f]", lambda found: _escape_json(found[0]), escaped)
    return escaped


def _styled(part: Styled) -> str:
    return click.style(printable(part.text), fg=part.color, bold=part.bold)


def _escape(character: str) -> str:
    number = ord(character)
    if number < 0x100:  # noqa: PLR2004  # two hexadecimal digits hold it
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"  # noqa: PLR2004  # four digits


def _escape_json(character: str) -> str:
    if character in "\r\v\f\x00":
        return f"\\u{ord(character):04x}"
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))
