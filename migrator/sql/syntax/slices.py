"""Slices of the source, and type names."""

from __future__ import annotations

from dataclasses import dataclass

from migrator.postgres.identifiers import QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Half-open range of character offsets in the file."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """An exact piece of the file."""

    text: str
    span: Span

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeName:
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
