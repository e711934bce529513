"""ALTER TABLE with its actions, and ALTER TYPE … ADD VALUE."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax.constraints import ColumnDefinition, Constraint, SequenceOption
from migrator.sql.syntax.create import PartitionBound
from migrator.sql.syntax.slices import Slice, TypeName


class ActionBase(msgspec.Struct, frozen=True, kw_only=True):
    """What every action has: its slice."""

    text: Slice


class AddColumn(ActionBase, frozen=True, kw_only=True):
    """ADD [COLUMN] [IF NOT EXISTS] definition."""

    column: ColumnDefinition
    if_not_exists: bool = False


class DropColumn(ActionBase, frozen=True, kw_only=True):
    """DROP [COLUMN] [IF EXISTS] name [RESTRICT | CASCADE]."""

    column: str
    if_exists: bool = False
    cascade: bool = False


class SetDefault(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name SET DEFAULT expression."""

    column: str
    expression: Slice


class DropDefault(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name DROP DEFAULT."""

    column: str


class SetNotNull(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name SET NOT NULL."""

    column: str


class DropNotNull(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name DROP NOT NULL."""

    column: str


class AlterColumnType(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name [SET DATA] TYPE type [COLLATE …] [USING expression]."""

    column: str
    type: TypeName
    collation: Slice | None = None
    using: Slice | None = None


class AddConstraint(ActionBase, frozen=True, kw_only=True):
    """ADD [CONSTRAINT name] …; the trailing NOT VALID is in `constraint.not_valid`."""

    constraint: Constraint


class DropConstraint(ActionBase, frozen=True, kw_only=True):
    """DROP CONSTRAINT [IF EXISTS] name [RESTRICT | CASCADE]."""

    name: str
    if_exists: bool = False
    cascade: bool = False


class ValidateConstraint(ActionBase, frozen=True, kw_only=True):
    """VALIDATE CONSTRAINT name."""

    name: str


class RenameColumn(ActionBase, frozen=True, kw_only=True):
    """RENAME [COLUMN] old TO new."""

    old: str
    new: str


class RenameTable(ActionBase, frozen=True, kw_only=True):
    """RENAME TO new."""

    new: str


class RenameConstraint(ActionBase, frozen=True, kw_only=True):
    """RENAME CONSTRAINT old TO new."""

    old: str
    new: str


class AddIdentity(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name ADD GENERATED … AS IDENTITY [( options )]."""

    column: str
    always: bool
    options: tuple[SequenceOption, ...] = ()


class SetIdentity(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name with one or more of SET GENERATED …, SET option, RESTART [WITH n]."""

    column: str
    always: bool | None = None
    """SET GENERATED ALWAYS or BY DEFAULT, None where it is not written."""
    restarts: bool = False
    options: bool = False
    """An option of the sequence is set."""


class DropIdentity(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name DROP IDENTITY [IF EXISTS]."""

    column: str
    if_exists: bool = False


class SetExpression(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name SET EXPRESSION AS (expression), 17+; `expression` is without the parentheses."""

    column: str
    expression: Slice


class DropExpression(ActionBase, frozen=True, kw_only=True):
    """ALTER [COLUMN] name DROP EXPRESSION [IF EXISTS]."""

    column: str
    if_exists: bool = False


class OtherAction(ActionBase, frozen=True, kw_only=True):
    """An action that is read token by token and has no class of its own; `kind` is its row's words.

    E.g. `OWNER TO`, `SET SCHEMA`, `SET (storage parameters)`, `SET STATISTICS`, `ENABLE ROW LEVEL SECURITY`,
    `DISABLE TRIGGER`, `REPLICA IDENTITY`, `SET TABLESPACE`, `ATTACH PARTITION`, `DETACH PARTITION`,
    `INHERIT`, `ALTER CONSTRAINT`, `CLUSTER ON`, `SET LOGGED`, `SET UNLOGGED`, `SET ACCESS METHOD`,
    `SET STORAGE`, `SET COMPRESSION`, `OF`, `NOT OF`.
    """

    kind: str
    names: tuple[QualifiedName, ...] = ()
    """Other relations that the action names (a partition, a parent)."""
    columns: tuple[str, ...] = ()
    bound: PartitionBound | None = None
    """Of ATTACH PARTITION."""


Action = (
    AddColumn
    | DropColumn
    | SetDefault
    | DropDefault
    | SetNotNull
    | DropNotNull
    | AlterColumnType
    | AddConstraint
    | DropConstraint
    | ValidateConstraint
    | RenameColumn
    | RenameTable
    | RenameConstraint
    | AddIdentity
    | SetIdentity
    | DropIdentity
    | SetExpression
    | DropExpression
    | OtherAction
)


class AlterTable(msgspec.Struct, frozen=True, kw_only=True):
    """ALTER TABLE, also ALTER INDEX, VIEW or SEQUENCE in the forms shared with it (`object_kind`)."""

    name: QualifiedName
    actions: tuple[Action, ...]
    object_kind: str = "TABLE"
    if_exists: bool = False
    only: bool = False


class AlterTypeAddValue(msgspec.Struct, frozen=True, kw_only=True):
    """ALTER TYPE name ADD VALUE [IF NOT EXISTS] 'label' [BEFORE | AFTER 'other']."""

    name: QualifiedName
    label: str
    if_not_exists: bool = False
