"""ALTER TABLE with its actions, and ALTER TYPE … ADD VALUE."""

from __future__ import annotations

from dataclasses import dataclass

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax.constraints import ColumnDefinition, Constraint, SequenceOption
from migrator.sql.syntax.create import PartitionBound
from migrator.sql.syntax.slices import Slice, TypeName


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionBase:
    """What every action has: its slice."""

    text: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn(ActionBase):
    """ADD [COLUMN] [IF NOT EXISTS] definition."""

    column: ColumnDefinition
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropColumn(ActionBase):
    """DROP [COLUMN] [IF EXISTS] name [RESTRICT | CASCADE]."""

    column: str
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefault(ActionBase):
    """ALTER [COLUMN] name SET DEFAULT expression."""

    column: str
    expression: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class DropDefault(ActionBase):
    """ALTER [COLUMN] name DROP DEFAULT."""

    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNotNull(ActionBase):
    """ALTER [COLUMN] name SET NOT NULL."""

    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropNotNull(ActionBase):
    """ALTER [COLUMN] name DROP NOT NULL."""

    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterColumnType(ActionBase):
    """ALTER [COLUMN] name [SET DATA] TYPE type [COLLATE …] [USING expression]."""

    column: str
    type: TypeName
    collation: Slice | None = None
    using: Slice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddConstraint(ActionBase):
    """ADD [CONSTRAINT name] …; the trailing NOT VALID is in `constraint.not_valid`."""

    constraint: Constraint


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConstraint(ActionBase):
    """DROP CONSTRAINT [IF EXISTS] name [RESTRICT | CASCADE]."""

    name: str
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateConstraint(ActionBase):
    """VALIDATE CONSTRAINT name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameColumn(ActionBase):
    """RENAME [COLUMN] old TO new."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameTable(ActionBase):
    """RENAME TO new."""

    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameConstraint(ActionBase):
    """RENAME CONSTRAINT old TO new."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddIdentity(ActionBase):
    """ALTER [COLUMN] name ADD GENERATED … AS IDENTITY [( options )]."""

    column: str
    always: bool
    options: tuple[SequenceOption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetIdentity(ActionBase):
    """ALTER [COLUMN] name with one or more of SET GENERATED …, SET option, RESTART [WITH n]."""

    column: str
    always: bool | None = None
    """SET GENERATED ALWAYS or BY DEFAULT, None where it is not written."""
    restarts: bool = False
    options: bool = False
    """An option of the sequence is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIdentity(ActionBase):
    """ALTER [COLUMN] name DROP IDENTITY [IF EXISTS]."""

    column: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetExpression(ActionBase):
    """ALTER [COLUMN] name SET EXPRESSION AS (expression), 17+; `expression` is without the parentheses."""

    column: str
    expression: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class DropExpression(ActionBase):
    """ALTER [COLUMN] name DROP EXPRESSION [IF EXISTS]."""

    column: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAction(ActionBase):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterTable:
    """ALTER TABLE, also ALTER INDEX, VIEW or SEQUENCE in the forms shared with it (`object_kind`)."""

    name: QualifiedName
    actions: tuple[Action, ...]
    object_kind: str = "TABLE"
    if_exists: bool = False
    only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterTypeAddValue:
    """ALTER TYPE name ADD VALUE [IF NOT EXISTS] 'label' [BEFORE | AFTER 'other']."""

    name: QualifiedName
    label: str
    if_not_exists: bool = False
