"""Slices of the source, and type names."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Half-open range of character offsets in the file."""

    start: int
    end: int


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """An exact piece of the file."""

    text: str
    span: Span

    def __str__(self) -> str:
        return self.text


class TypeName(msgspec.Struct, frozen=True, kw_only=True):
    """A type as written: `text` is the slice; `name` is folded and schema-qualified where written so.

    `name` is the plain last name in the server's catalogue spelling (`int` → `int4`, `varchar`, …);
    `modifiers` are the numbers in parentheses; `array` counts dimensions.
    """

    text: Slice
    name: QualifiedName
    modifiers: tuple[str, ...] = ()
    array: int = 0
    serial: bool = False
    """smallserial, serial, bigserial and their short forms."""
