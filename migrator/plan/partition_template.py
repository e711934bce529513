"""SQL for partitions that come and go: text with places that are filled with names when it runs.

A template is a row of pieces. Text pieces are final: constant text of ours, quoted names and exact slices of
the user's file. A place is a value of its own beside them, never characters in the text, so nothing that a
file may contain is ever taken for one.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping  # noqa: TC003  # cheap, and beside the types that msgspec reads

import msgspec


class Slot(enum.StrEnum):
    """What stands in a place."""

    PARTITION = "partition"
    """The partition, schema-qualified and quoted."""
    INDEX = "index"
    """The partition's index, schema-qualified and quoted."""
    NAME = "name"
    """The last name of that index, quoted: CREATE INDEX and CONSTRAINT take no schema."""
    PARENT_INDEX = "parent index"
    """The index of the table above the partition, schema-qualified and quoted."""


class Place(msgspec.Struct, frozen=True):
    """A place in a template."""

    slot: Slot


Template = tuple[str | Place, ...]
"""Pieces of text, and the places between them."""

PARTITION = Place(Slot.PARTITION)
INDEX = Place(Slot.INDEX)
NAME = Place(Slot.NAME)
PARENT_INDEX = Place(Slot.PARENT_INDEX)


def expanded(template: Template, names: Mapping[Slot, str]) -> str:
    """Return the statement for one partition; the names are quoted already."""
    return "".join(piece if isinstance(piece, str) else names[piece.slot] for piece in template)


def shown(template: Template) -> str:
    """Return the template as people read it; what stands in braces is only a sign here."""
    return "".join(piece if isinstance(piece, str) else f"{{{piece.slot}}}" for piece in template)
