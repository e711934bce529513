"""Objects that use a column and make the server refuse to change its type."""

from __future__ import annotations

import enum

import msgspec

from migrator.postgres.identifiers import QualifiedName  # msgspec reads annotations


class UserKind(enum.StrEnum):
    """What stands in the way of changing the type of a column that it uses."""

    VIEW = "view"
    RULE = "rule"
    TRIGGER = "trigger"
    POLICY = "policy"
    FUNCTION = "function"
    PUBLICATION = "publication"
    GENERATED_COLUMN = "generated column"


class ColumnUser(msgspec.Struct, frozen=True, kw_only=True):
    """An object that uses a column, so that the server refuses to change the column's type."""

    column: str
    kind: UserKind
    relation: QualifiedName
    """The view or function itself; of anything else, its table."""
    name: str | None = None
    """Of a rule, trigger, policy, publication or generated column."""

    def __str__(self) -> str:
        of = f"{self.name} of " if self.name else ""
        return f"{self.kind} {of}{self.relation}"
