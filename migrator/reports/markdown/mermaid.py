"""Names and types as Mermaid's `erDiagram` takes them.

Its grammar has no escapes, so what it cannot write is replaced by `_`, and the exact text goes into the
comment of the attribute, which takes everything but a few characters. Only forms that Mermaid 10.5 and newer
understand are used.
"""

from __future__ import annotations

import re

from migrator.reports.characters import shortened

_FIRST_LETTER = 0xC0
"""From here on Mermaid takes letters of other alphabets."""

_KEY = re.compile(r"(?:pk|fk|uk)\b", re.IGNORECASE)
"""At the beginning of a name these are read as marks of keys."""

_QUOTED = re.compile(r'["%\\`*#;{}<>&\[\]~|]')
"""What a quoted text must not hold, or what would be markup in it."""

_NAMES = {
    "character varying": "varchar",
    "character": "char",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time with time zone": "timetz",
    "time without time zone": "time",
    "double precision": "float8",
    "bit varying": "varbit",
}
"""PostgreSQL's own short names of types that are written in several words."""

LONGEST = 40


def word(name: str) -> str:
    """Return a name or type as one word of a diagram."""
    kept = "".join(c if _is_letter(c) else "_" for c in shortened(name, LONGEST).rstrip("…"))
    if not kept or kept[0].isdigit() or kept[0] == "-" or _KEY.match(kept):
        return f"_{kept}"
    return kept


def _is_letter(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character == "_"
    return ord(character) >= _FIRST_LETTER and character.isalnum()


def type_word(name: str) -> str:
    """Return a type by its short name, with its length where it has one: `varchar(20)`, `int4[]`."""
    short = short_type(name)
    found = re.fullmatch(r"(?P<name>\w+)(?P<length>\(\d+\))?(?P<array>(?:\[\])*)", short, re.ASCII)
    if found is None or len(short) > LONGEST:
        return word(short)
    return word(found["name"]) + (found["length"] or "") + found["array"]


def short_type(name: str) -> str:
    """Return PostgreSQL's short name of a type, modifiers where they belong."""
    for long, short in _NAMES.items():
        base, _, zone = long.partition(" with")
        pattern = rf"{base}(\(\d+\))?{f' with{zone}' if zone else ''}((?:\[\])*)"
        found = re.fullmatch(pattern, name)
        if found is not None:
            return f"{short}{found[1] or ''}{found[2]}"
    return name


def quoted(said: str, limit: int = 80) -> str:
    """Return a text in quotes; a blank is `_` where the text is a name."""
    kept = _QUOTED.sub("_", shortened(said, limit))
    return f'"{kept or "_"}"'


def label(name: str, remark: str = "") -> str:
    """Return the label of a table: the name in one word, because Mermaid looks for its own words in it."""
    kept = re.sub(r"\s", "_", _QUOTED.sub("_", shortened(name, 2 * LONGEST))) or "_"
    return f'"{kept} ({remark})"' if remark else f'"{kept}"'
