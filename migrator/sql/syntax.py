"""What a statement says, as frozen values that hold exact slices of the source.

Names are folded as the server folds them (`postgres.identifiers.fold`); expressions, types and bodies stay source text.
A value here exists only if the grammar consumed every token of its statement; otherwise the statement is `Opaque`.
"""

from __future__ import annotations

import enum
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

    `name` is the plain last name in the server's catalogue spelling (`int` → `int4`, `varchar`, `timestamptz`, …);
    `modifiers` are the numbers in parentheses; `array` counts dimensions.
    """

    text: Slice
    name: QualifiedName
    modifiers: tuple[str, ...] = ()
    array: int = 0
    serial: bool = False
    """smallserial, serial, bigserial and their short forms."""


class ReferentialAction(enum.StrEnum):
    """ON DELETE and ON UPDATE."""

    NO_ACTION = "NO ACTION"
    RESTRICT = "RESTRICT"
    CASCADE = "CASCADE"
    SET_NULL = "SET NULL"
    SET_DEFAULT = "SET DEFAULT"


# --- constraints, of a column or a table. `text` is the slice of the constraint without `CONSTRAINT name`, and
# --- without the trailing attributes NOT VALID / NOT ENFORCED (those are flags); DEFERRABLE … stays in `text`.


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
    """EXCLUDE …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedConstraint(ConstraintBase):
    """GENERATED ALWAYS AS (expression) STORED | VIRTUAL; `stored` is None where neither word was written."""

    expression: Slice
    stored: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConstraint(ConstraintBase):
    """GENERATED … AS IDENTITY [( options )]."""

    always: bool


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
    """`name type [options] [constraints]`; `head` is the slice of name, type, COLLATE, STORAGE, COMPRESSION only."""

    text: Slice
    head: Slice
    name: str
    type: TypeName
    collation: Slice | None = None
    constraints: tuple[Constraint, ...] = ()


# --- CREATE


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """CREATE TABLE in all its forms."""

    name: QualifiedName
    if_not_exists: bool = False
    temporary: bool = False
    unlogged: bool = False
    columns: tuple[ColumnDefinition, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    like: tuple[QualifiedName, ...] = ()
    inherits: tuple[QualifiedName, ...] = ()
    partition_of: QualifiedName | None = None
    partition_bound: Slice | None = None
    """FOR VALUES … or DEFAULT."""
    partition_by: Slice | None = None
    of_type: QualifiedName | None = None
    query: Slice | None = None
    """CREATE TABLE … AS query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexElement:
    """One key of an index: a column, or an expression in its own slice; `options` is the rest (opclass, DESC, …)."""

    column: str | None
    expression: Slice | None = None
    options: Slice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIndex:
    """CREATE [UNIQUE] INDEX; `tail` lets the concurrent form be written from a slice."""

    name: str | None
    table: QualifiedName
    unique: bool = False
    concurrently: bool = False
    if_not_exists: bool = False
    only: bool = False
    method: str = "btree"
    elements: tuple[IndexElement, ...] = ()
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    where: Slice | None = None
    tail: Slice
    """From the word ON to the end of the statement."""
    body: Slice
    """What stands after the table's name: USING, the keys, INCLUDE, WITH, WHERE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateView:
    """CREATE [OR REPLACE] [MATERIALIZED] VIEW."""

    name: QualifiedName
    materialized: bool = False
    or_replace: bool = False
    if_not_exists: bool = False
    temporary: bool = False
    with_data: bool = True
    query: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFunction:
    """CREATE [OR REPLACE] FUNCTION or PROCEDURE; `volatility` is 'i', 's' or 'v' (the default)."""

    name: QualifiedName
    procedure: bool = False
    or_replace: bool = False
    volatility: str = "v"
    language: str | None = None
    arguments: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTrigger:
    """CREATE [OR REPLACE] [CONSTRAINT] TRIGGER."""

    name: str
    table: QualifiedName
    function: QualifiedName
    or_replace: bool = False
    constraint: bool = False
    timing: str
    """BEFORE, AFTER, INSTEAD OF."""
    events: tuple[str, ...]
    """INSERT, UPDATE, DELETE, TRUNCATE."""
    for_each_row: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSequence:
    """CREATE SEQUENCE."""

    name: QualifiedName
    if_not_exists: bool = False
    owned_by: QualifiedName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateType:
    """CREATE TYPE or CREATE DOMAIN; `form` is enum, composite, range, base, shell or domain."""

    name: QualifiedName
    form: str
    labels: tuple[str, ...] = ()
    constrained: bool = False
    """A domain with CHECK or NOT NULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateExtension:
    """CREATE EXTENSION."""

    name: str
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchema:
    """CREATE SCHEMA without elements (with elements it is opaque)."""

    name: str | None
    if_not_exists: bool = False
    authorization: str | None = None


# --- ALTER TABLE


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
class OtherAction(ActionBase):
    """An action that is read token by token and has no class of its own; `kind` is its row's words.

    E.g. `OWNER TO`, `SET SCHEMA`, `SET (storage parameters)`, `SET STATISTICS`, `ENABLE ROW LEVEL SECURITY`,
    `DISABLE TRIGGER`, `REPLICA IDENTITY`, `SET TABLESPACE`, `ATTACH PARTITION`, `DETACH PARTITION`, `INHERIT`,
    `ADD IDENTITY`, `DROP IDENTITY`, `SET IDENTITY`, `DROP EXPRESSION`, `SET EXPRESSION`, `ALTER CONSTRAINT`,
    `CLUSTER ON`, `SET LOGGED`, `SET UNLOGGED`, `SET ACCESS METHOD`, `SET STORAGE`, `SET COMPRESSION`, `OF`, `NOT OF`.
    """

    kind: str
    names: tuple[QualifiedName, ...] = ()
    """Other relations that the action names (a partition, a parent)."""
    columns: tuple[str, ...] = ()


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
    | OtherAction
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterTable:
    """ALTER TABLE, also ALTER INDEX / VIEW / SEQUENCE … in the forms that PostgreSQL shares with it (`object_kind`)."""

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


# --- the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """DROP TABLE, INDEX, VIEW, MATERIALIZED VIEW, FUNCTION, PROCEDURE, TRIGGER, TYPE, DOMAIN, SEQUENCE, SCHEMA, …"""

    object_kind: str
    names: tuple[QualifiedName, ...]
    on_table: QualifiedName | None = None
    """DROP TRIGGER | POLICY | RULE name ON table."""
    if_exists: bool = False
    cascade: bool = False
    concurrently: bool = False
    items: tuple[Slice, ...] = ()
    """Each object as written: a function with its argument types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """COMMENT ON kind name IS …; `relation` where the object is one or hangs on one."""

    object_kind: str
    relation: QualifiedName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """GRANT or REVOKE; `relations` where privileges on named tables or sequences are meant."""

    revoke: bool
    object_kind: str
    relations: tuple[QualifiedName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """INSERT INTO; `values_only` where it is INSERT … VALUES with no subquery."""

    table: QualifiedName
    values_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`column = value` of SET; `value` is DEFAULT or an expression."""

    column: str
    value: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """UPDATE [ONLY] table [alias] SET … [FROM …] [WHERE …] [RETURNING …].

    `assignments` is empty where a multi-column or subscripted assignment stands (then only refusal is right).
    """

    table: QualifiedName
    only: bool = False
    alias: str | None = None
    target: Slice
    """Table, `*` and alias as written, between UPDATE [ONLY] and SET."""
    assignments: tuple[Assignment, ...] = ()
    set_clause: Slice
    """What stands after SET, up to FROM, WHERE or RETURNING."""
    from_clause: Slice | None = None
    where: Slice | None = None
    with_clause: bool = False
    returning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """DELETE FROM [ONLY] table [alias] [USING …] [WHERE …]."""

    table: QualifiedName
    only: bool = False
    alias: str | None = None
    target: Slice
    using: Slice | None = None
    where: Slice | None = None
    with_clause: bool = False
    returning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariable:
    """SET [SESSION | LOCAL] name = value, RESET name, SET ROLE, SET TIME ZONE; `value` None means RESET or DEFAULT."""

    name: str
    value: Slice | None
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionControl:
    """BEGIN, COMMIT, ROLLBACK …; `kind` is BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ROLLBACK TO."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """A SELECT or VALUES that stands by itself (it may call functions: volatile for all we know)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownForm:
    """A statement recognised by its words, whose details do not matter for planning; `kind` e.g. `CREATE POLICY`.

    Only for statements whose every token was consumed by a rule; `relations` are those it names.
    """

    kind: str
    relations: tuple[QualifiedName, ...] = ()
    names: tuple[QualifiedName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """A statement that was not understood completely; `reason` says where reading stopped."""

    reason: str
    offset: int
    """Character offset in the file of the token that was not understood."""


Command = (
    CreateTable
    | CreateIndex
    | CreateView
    | CreateFunction
    | CreateTrigger
    | CreateSequence
    | CreateType
    | CreateExtension
    | CreateSchema
    | AlterTable
    | AlterTypeAddValue
    | Drop
    | Comment
    | Grant
    | Insert
    | Update
    | Delete
    | SetVariable
    | TransactionControl
    | Select
    | KnownForm
    | Opaque
)
