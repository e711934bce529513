"""Constraints of columns and tables, and column definitions."""

from __future__ import annotations

import enum

import msgspec

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


class ConstraintBase(msgspec.Struct, frozen=True, kw_only=True):
    """What every constraint has."""

    text: Slice
    name: str | None = None
    not_valid: bool = False
    not_enforced: bool = False
    deferrable: bool = False
    initially_deferred: bool = False


class NotNullConstraint(ConstraintBase, frozen=True, kw_only=True):
    """NOT NULL of a column; as a table constraint (18+) with `column`."""

    column: str | None = None
    no_inherit: bool = False


class NullConstraint(ConstraintBase, frozen=True, kw_only=True):
    """The word NULL, which says nothing."""


class DefaultConstraint(ConstraintBase, frozen=True, kw_only=True):
    """DEFAULT expression."""

    expression: Slice


class CheckConstraint(ConstraintBase, frozen=True, kw_only=True):
    """CHECK (expression); `expression` is without the parentheses."""

    expression: Slice
    no_inherit: bool = False


class UniqueConstraint(ConstraintBase, frozen=True, kw_only=True):
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


class ForeignKeyConstraint(ConstraintBase, frozen=True, kw_only=True):
    """REFERENCES or FOREIGN KEY; `columns` is empty for a column constraint."""

    columns: tuple[str, ...] = ()
    references: QualifiedName
    referenced_columns: tuple[str, ...] = ()
    match: str | None = None
    on_delete: ReferentialAction = ReferentialAction.NO_ACTION
    on_update: ReferentialAction = ReferentialAction.NO_ACTION
    period: bool = False


class ExcludeConstraint(ConstraintBase, frozen=True, kw_only=True):
    """EXCLUDE, which no online path can add."""


class GeneratedConstraint(ConstraintBase, frozen=True, kw_only=True):
    """GENERATED ALWAYS AS (expression) STORED | VIRTUAL; `stored` is None where neither word was written."""

    expression: Slice
    stored: bool | None


class SequenceOption(msgspec.Struct, frozen=True, kw_only=True):
    """One option of a sequence; `kind` is its first word in lower case, e.g. `start`, `cache`, `sequence`."""

    text: Slice
    kind: str
    name: QualifiedName | None = None
    """Of SEQUENCE NAME."""


class IdentityConstraint(ConstraintBase, frozen=True, kw_only=True):
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


class ColumnDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """`name type [options] [constraints]`.

    `head` is the slice of name, type, COLLATE, STORAGE, COMPRESSION.
    """

    text: Slice
    head: Slice
    name: str
    type: TypeName
    collation: Slice | None = None
    constraints: tuple[Constraint, ...] = ()
