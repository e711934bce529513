"""Objects that use a column, so that the server refuses to change its type or to drop it."""

from __future__ import annotations

import enum

import msgspec

from migrator.postgres.identifiers import QualifiedName  # msgspec reads annotations


class UserKind(enum.StrEnum):
    """What stands in the way of changing the type of a column that it uses, or of dropping it."""

    VIEW = "view"
    RULE = "rule"
    TRIGGER = "trigger"
    POLICY = "policy"
    FUNCTION = "function"
    PUBLICATION = "publication"
    GENERATED_COLUMN = "generated column"
    """Up to 14 it goes with the column."""
    STATISTICS = "statistics object"
    """In nobody's way: it follows a type, and goes with the column."""


class ColumnUser(msgspec.Struct, frozen=True, kw_only=True):
    """An object that uses a column."""

    column: str
    kind: UserKind
    relation: QualifiedName
    """The view or function itself; of anything else, its table."""
    name: str | None = None
    """Of a rule, trigger, policy, publication, generated column or statistics object."""
    certain: bool = True
    """False for a view of this plan, whose query is read for names only."""

    def __str__(self) -> str:
        of = f"{self.name} of " if self.name else ""
        return f"{self.kind} {of}{self.relation}"
