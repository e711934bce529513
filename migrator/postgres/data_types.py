"""A data type with its modifiers, read from the text of format_type.

`parse` takes what facts hold of a column (`character varying(20)`, `timestamp(3) with time zone`,
`shop.mood[]`). A text in another form keeps itself as its name, so that it equals nothing but itself.
"""

from __future__ import annotations

import re

import msgspec

_TEXT = re.compile(
    r"(?P<name>(?:\"(?:[^\"]|\"\")+\"|[\w$.])+(?: (?:varying|precision))?)"
    r"(?P<fields> (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?)?"
    r"(?: ?\((?P<modifiers>[^()]*)\))?"
    r"(?P<zone> with(?:out)? time zone)?"
    r"(?P<array>(?:\[\d*\])*)"
)

_SPELLINGS = {
    "varchar": "character varying",
    "character": "bpchar",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "decimal": "numeric",
    "varbit": "bit varying",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "timetz": "time with time zone",
    "time": "time without time zone",
}


class DataType(msgspec.Struct, frozen=True, kw_only=True):
    """A type; `name` is format_type's word without modifiers, `bpchar` for character(n)."""

    name: str
    modifiers: tuple[str, ...] = ()
    fields: str = ""
    """Of an interval: `day to second`."""
    array: bool = False

    @property
    def constrains(self) -> bool:
        """Whether it has a length, precision, or fields: a type modifier."""
        return bool(self.modifiers or self.fields)


def parse(text: str) -> DataType:
    """Read the text of format_type; one that is not understood becomes a name of its own."""
    plain = " ".join(text.split())
    found = _TEXT.fullmatch(plain)
    if found is None:
        return DataType(name=plain)
    name = f"{found['name']}{found['zone'] or ''}".removeprefix("pg_catalog.").replace('"', "")
    modifiers = tuple(part.strip() for part in (found["modifiers"] or "").split(",") if part.strip())
    return DataType(
        name=_SPELLINGS.get(name, name),
        modifiers=modifiers,
        fields=(found["fields"] or "").strip(),
        array=bool(found["array"]),
    )
