"""Values worth trying for a column of a CHECK: what its expression mentions, and what lies beside that.

Pure. Only texts that the column's type accepts for certain are given; whether one satisfies the condition
is asked of the server (`solve`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from migrator.shadow.rows.catalog import Column, Type, Types, lineage
from migrator.shadow.rows.pattern import sample
from migrator.shadow.rows.values import Draw, value

if TYPE_CHECKING:
    from collections.abc import Iterator

_LITERAL = re.compile(r"'((?:[^']|'')*)'")

_PATTERN = re.compile(r"~\*?\s*'((?:[^']|'')*)'")

_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.])")

_OTHERS = 4
"""Values of later rows that are tried too."""

_LONGEST = 10_000
"""Characters of a text made for a length."""

_LIMITS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}

_SHAPES = {
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\d[ \d:.]*"),
    "timestamptz": re.compile(r"\d{4}-\d\d-\d\d[ \d:.+-]*"),
    "uuid": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
}
"""Texts that these types accept."""

_WELL_KNOWN = {
    "json": ("{}", "[]", '"x"', "1", "true"),
    "jsonb": ("{}", "[]", '"x"', "1", "true"),
    "bool": ("t", "f"),
    "interval": ("0", "1 day"),
}


def candidates(column: Column, expressions: tuple[str, ...], types: Types, draw: Draw) -> list[str | None]:
    """Return different values, the likeliest first; NULL is among them where the column may be NULL."""
    base = types[lineage(column.type, types)[-1]]
    natural = [value(column, types, replace(draw, n=draw.n + k)) for k in range(_OTHERS)]
    found: list[str | None] = [*natural[:1]]
    for expression in expressions:
        found += _from_expression(base, expression, natural[0], draw.n)
    found += [*natural[1:], *base.labels, *_WELL_KNOWN.get(base.name, ())]
    if base.category == "A":
        found.append("{}")
    known = [text for text in found if text is not None]
    return list(dict.fromkeys([*known, *([] if column.not_null else [None])]))


def _from_expression(base: Type, expression: str, natural: str | None, n: int) -> Iterator[str]:
    literals = [text.replace("''", "'") for text in _LITERAL.findall(expression)]
    numbers = _NUMBER.findall(_LITERAL.sub("''", expression))
    if base.category == "S":
        yield from _texts(expression, literals, numbers, natural or "x", n)
    elif base.category == "N":
        yield from _numbers(base, [*numbers, *(t for t in literals if _NUMBER.fullmatch(t))], n)
    elif base.name == "bytea":
        yield from (f"\\x{n:0{2 * length}x}" for length in _lengths(numbers))
    elif base.labels:
        yield from (text for text in literals if text in base.labels)
    elif base.name in _SHAPES:
        for text in literals:
            if _SHAPES[base.name].fullmatch(text):
                yield from (text, *_years_around(text, n))


def _texts(expression: str, literals: list[str], numbers: list[str], natural: str, n: int) -> Iterator[str]:
    for pattern in _PATTERN.findall(expression):
        for long in (False, True):
            found = sample(pattern.replace("''", "'"), n, long=long)
            if found is not None:
                yield found
    turn = n % len(literals) if literals else 0
    yield from (*literals[turn:], *literals[:turn])
    yield from (natural.lower(), natural.upper(), natural.replace(" ", ""), "")
    for length in _lengths(numbers):
        yield natural[-length:].strip().rjust(length, "x")


def _lengths(numbers: list[str]) -> list[int]:
    lengths = {int(float(text)) + step for text in numbers for step in (-1, 0, 1)}
    return sorted(length for length in lengths if 0 < length <= _LONGEST)


def _years_around(text: str, n: int) -> Iterator[str]:
    """Give the same day of other years, where that is a date; the first of March always is."""
    year = text[:4]
    if year.isdigit() and text[4:5] == "-":
        for other in (int(year) + n, int(year) + 1, int(year) - 1, int(year) - n):
            yield f"{other:04}-03-01{text[10:]}"


def _numbers(base: Type, numbers: list[str], n: int) -> Iterator[str]:
    limit = _LIMITS.get(base.name, 2**31)
    for text in numbers:
        whole = int(float(text))
        yield from (str(k) for k in (whole + n, whole, whole + 1, whole - 1, whole - n) if abs(k) < limit)
