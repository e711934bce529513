"""Constraints of columns and tables, and column definitions."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax.slices import Slice, TypeName


class ReferentialAction(enum.StrEnum):
    """ON DELETE and ON UPDATE."""

    NO_ACTION = "NO ACTION"
    RESTRICT = "RESTRICT"
    CASCADE = "CASCADE"
    SET_NULL = "SET NULL"
    SET_DEFAULT = "SET DEFAULT"


# Constraints of a column or a table. `text` is the slice of the constraint without `CONSTRAINT name`, and
# without the trailing attributes NOT VALID and NOT ENFORCED (those are flags); DEFERRABLE … stays in
# `text`.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintBase:
    """What every constraint has."""

    text: Slice
    name: str | None = None
    not_valid: bool = False
    not_enforced: bool = False
    deferrable: bool = False
    initially_deferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNullConstraint(ConstraintBase):
    """NOT NULL of a column; as a table constraint (18+) with `column`."""

    column: str | None = None
    no_inherit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NullConstraint(ConstraintBase):
    """The word NULL, which says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultConstraint(ConstraintBase):
    """DEFAULT expression."""

    expression: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConstraint(ConstraintBase):
    """CHECK (expression); `expression` is without the parentheses."""

    expression: Slice
    no_inherit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueConstraint(ConstraintBase):
    """UNIQUE or PRIMARY KEY; `columns` is empty for a column constraint. `using_index` excludes `columns`."""

    primary: bool
    columns: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    without_overlaps: bool = False
    using_index: str | None = None
    parameters: Slice | None = None
    """What stands after WITH, with its parentheses."""
    tablespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKeyConstraint(ConstraintBase):
    """REFERENCES or FOREIGN KEY; `columns` is empty for a column constraint."""

    columns: tuple[str, ...] = ()
    references: QualifiedName
    referenced_columns: tuple[str, ...] = ()
    match: str | None = None
    on_delete: ReferentialAction = ReferentialAction.NO_ACTION
    on_update: ReferentialAction = ReferentialAction.NO_ACTION
    period: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludeConstraint(ConstraintBase):
    """EXCLUDE, which no online path can add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedConstraint(ConstraintBase):
    """GENERATED ALWAYS AS (expression) STORED | VIRTUAL; `stored` is None where neither word was written."""

    expression: Slice
    stored: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceOption:
    """One option of a sequence; `kind` is its first word in lower case, e.g. `start`, `cache`, `sequence`."""

    text: Slice
    kind: str
    name: QualifiedName | None = None
    """Of SEQUENCE NAME."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConstraint(ConstraintBase):
    """GENERATED … AS IDENTITY [( options )]."""

    always: bool
    options: tuple[SequenceOption, ...] = ()


Constraint = (
    NotNullConstraint
    | NullConstraint
    | DefaultConstraint
    | CheckConstraint
    | UniqueConstraint
    | ForeignKeyConstraint
    | ExcludeConstraint
    | GeneratedConstraint
    | IdentityConstraint
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDefinition:
    """`name type [options] [constraints]`.

    `head` is the slice of name, type, COLLATE, STORAGE, COMPRESSION.
    """

    text: Slice
    head: Slice
    name: str
    type: TypeName
    collation: Slice | None = None
    constraints: tuple[Constraint, ...] = ()
