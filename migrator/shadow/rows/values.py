"""A text that a type accepts, for the n-th row: other rows get other texts as far as the type has them.

Deterministic: the seed, the table, the column and n decide, nothing else. `None` where nothing is known of
the type. What a constraint asks for besides is `solve`'s business.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.shadow.rows.catalog import Column, Type, Types

STYLES = 7
"""Of texts; the first four are tried for every table, each of them where somebody asks for it."""

_MODIFIER_OFFSET = 4
"""The type modifiers of varchar, char and numeric are their length plus this."""


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """What one value is drawn from."""

    seed: int
    place: str
    """Table and column."""
    n: int
    """Of the row, from 1; small."""
    style: int = 0
    """Of texts: triggers may ask for more than the catalog says, so other styles are tried in turn."""
    modifier: int = -1

    @property
    def number(self) -> int:
        """128 bits that look random."""
        text = f"{self.seed}|{self.place}|{self.n}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")

    @property
    def word(self) -> str:
        """Say where it belongs, for people: the column and n."""
        return f"{self.place.rpartition('.')[2]}_{self.n}"

    @property
    def label(self) -> str:
        """Return letters and digits that begin with a letter, different for every n."""
        return f"v{self.number % 16**6:06x}{self.n}"


def value(column: Column, types: Types, draw: Draw) -> str | None:
    """Return the text for a column."""
    if draw.modifier != column.modifier:
        draw = replace(draw, modifier=column.modifier)
    return of_type(column.type, types, draw)


def of_type(oid: int, types: Types, draw: Draw) -> str | None:
    """Return a text that the type's input function accepts."""
    kind = types[oid]
    if kind.base:
        inner = draw.modifier if kind.modifier == -1 else kind.modifier
        return of_type(kind.base, types, replace(draw, modifier=inner))
    if kind.labels:
        return kind.labels[draw.n % len(kind.labels)]
    if kind.subtype:
        return _range(kind, types, draw)
    if kind.category == "A" and kind.element:
        return _array(kind, types, draw)
    if kind.attributes:
        parts = [of_type(attribute, types, replace(draw, modifier=-1)) for attribute in kind.attributes]
        return f"({','.join('' if part is None else _quoted(part) for part in parts)})"
    make = _MAKERS.get(kind.name)
    return None if make is None else make(draw)


def _array(kind: Type, types: Types, draw: Draw) -> str | None:
    inner = of_type(kind.element, types, draw)
    if inner is None or kind.name in {"int2vector", "oidvector"}:
        return None
    return "{" + _quoted(inner) + "}"


def _range(kind: Type, types: Types, draw: Draw) -> str | None:
    """Return a range that touches no other row's."""
    low = of_type(kind.subtype, types, replace(draw, n=2 * draw.n))
    high = of_type(kind.subtype, types, replace(draw, n=2 * draw.n + 1))
    if low is None or high is None:
        return None
    whole = f"[{_quoted(low)},{_quoted(high)})"
    return f"{{{whole}}}" if kind.kind == "m" else whole


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def cut(text: str, modifier: int) -> str:
    """Shorten to the length of the type; the end, where n is, stays."""
    length = modifier - _MODIFIER_OFFSET
    return text if modifier < _MODIFIER_OFFSET or len(text) <= length else text[-length:].strip() or "x"


def _text(draw: Draw) -> str:
    styles = (
        draw.word,
        f"1.0.{draw.n}",
        str(draw.n),
        f"{draw.word}@example.com",
        _day(draw),
        _uuid(draw),
        f'{{"n": {draw.n}}}',
    )
    return cut(styles[draw.style % len(styles)], draw.modifier)


def _character(draw: Draw) -> str:
    if draw.modifier == _MODIFIER_OFFSET + 1:
        return chr(ord("A") + draw.n % 26)
    return cut(draw.label, draw.modifier)


def _numeric(draw: Draw) -> str:
    """Return n, in what numeric(precision, scale) leaves before the point."""
    if draw.modifier < _MODIFIER_OFFSET:
        return str(draw.n)
    packed = draw.modifier - _MODIFIER_OFFSET
    precision, scale = packed >> 16, packed & 0x7FF
    digits = precision - scale
    return str(draw.n % 10**digits) if digits > 0 else "0"


def _day(draw: Draw) -> str:
    return f"{2001 + draw.n // 336 % 90}-{draw.n // 28 % 12 + 1:02}-{draw.n % 28 + 1:02}"


def _moment(draw: Draw) -> str:
    return f"{_day(draw)} {_time(draw)}"


def _time(draw: Draw) -> str:
    return f"{draw.n % 24:02}:{draw.number % 60:02}:00"


def _bits(draw: Draw) -> str:
    length = max(draw.modifier, 1)
    return format(draw.n % 2**length, f"0{length}b")


def _uuid(draw: Draw) -> str:
    digits = f"{draw.number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _address(draw: Draw) -> str:
    return f"10.{draw.n // 65536 % 256}.{draw.n // 256 % 256}.{draw.n % 256}"


def _constant(text: str) -> Callable[[Draw], str]:
    return lambda _: text


def _n(form: str) -> Callable[[Draw], str]:
    """Return what writes n into a form."""
    return lambda draw: form.format(n=draw.n)


_MAKERS: dict[str, Callable[[Draw], str]] = {
    "bool": lambda draw: "t" if draw.n % 2 else "f",
    "int2": lambda draw: str(draw.n % 32_000),
    "int4": _n("{n}"),
    "int8": _n("{n}"),
    "oid": _n("{n}"),
    "float4": _n("{n}"),
    "float8": _n("{n}.5"),
    "numeric": _numeric,
    "money": _n("{n}.00"),
    "text": _text,
    "varchar": _text,
    "citext": _text,
    "name": lambda draw: draw.word[-63:],
    "bpchar": _character,
    "char": lambda draw: chr(ord("A") + draw.n % 26),
    "uuid": _uuid,
    "date": _day,
    "timestamp": _moment,
    "timestamptz": lambda draw: f"{_moment(draw)}+00",
    "time": _time,
    "timetz": lambda draw: f"{_time(draw)}+00",
    "interval": _n("{n} hours"),
    "json": _n('{{"n": {n}}}'),
    "jsonb": _n('{{"n": {n}}}'),
    "jsonpath": _constant("$.n"),
    "bytea": _n("\\x{n:08x}"),
    "inet": _address,
    "cidr": lambda draw: f"{_address(draw)}/32",
    "macaddr": _n("08:00:2b:00:00:{n:02x}"),
    "bit": _bits,
    "varbit": _n("{n:b}"),
    "xml": _n("<n>{n}</n>"),
    "tsvector": _n("'word{n}'"),
    "tsquery": _n("word{n}"),
    "point": _n("({n},1)"),
    "box": _n("({n},1),(0,0)"),
    "circle": _n("<({n},1),1>"),
    "line": _n("{{1,{n},1}}"),
    "lseg": _n("[({n},1),(0,0)]"),
    "path": _n("(({n},1),(0,0))"),
    "polygon": _n("(({n},1),(0,0),(1,1))"),
    "pg_lsn": _n("0/{n:X}"),
    "hstore": _n('"n"=>"{n}"'),
    "ltree": _n("top.n{n}"),
    "regclass": _constant("pg_class"),
    "regtype": _constant("text"),
    "regproc": _constant("now"),
    "regprocedure": _constant("now()"),
    "regnamespace": _constant("pg_catalog"),
}
"""By pg_type.typname; types of contrib modules are known by their names wherever they are installed."""
