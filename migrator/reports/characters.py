"""Characters that no report passes on: they cannot be shown, or make a text look like another."""

import re

_IMPOSSIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")

# Marks that turn the direction of what follows them: a name could look like another one.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

REPLACEMENT = "\ufffd"


def visible(value: str) -> str:
    """Return the text with U+FFFD in place of such characters; white space stays."""
    return _DIRECTION.sub(REPLACEMENT, _IMPOSSIBLE.sub(REPLACEMENT, value))


def one_line(value: str) -> str:
    """Return the visible text in one line, every run of white space as one blank."""
    return " ".join(visible(value).split())


def shortened(value: str, limit: int) -> str:
    """Return the text in one line of at most `limit` characters, with `…` where something is left out."""
    line = one_line(value)
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
