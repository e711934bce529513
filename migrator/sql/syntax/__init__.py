"""What a statement says, as frozen values that hold exact slices of the source.

Names are folded as the server folds them (`postgres.identifiers.fold`); expressions, types and bodies stay
source text. A value here exists only if the grammar consumed every token of its statement; otherwise the
statement is `Opaque`.
"""

from __future__ import annotations

from migrator.sql.syntax.alter import (
    Action,
    ActionBase,
    AddColumn,
    AddConstraint,
    AddIdentity,
    AlterColumnType,
    AlterTable,
    AlterTypeAddValue,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropExpression,
    DropIdentity,
    DropNotNull,
    OtherAction,
    RenameColumn,
    RenameConstraint,
    RenameTable,
    SetDefault,
    SetExpression,
    SetIdentity,
    SetNotNull,
    ValidateConstraint,
)
from migrator.sql.syntax.constraints import (
    CheckConstraint,
    ColumnDefinition,
    Constraint,
    ConstraintBase,
    DefaultConstraint,
    ExcludeConstraint,
    ForeignKeyConstraint,
    GeneratedConstraint,
    IdentityConstraint,
    NotNullConstraint,
    NullConstraint,
    ReferentialAction,
    SequenceOption,
    UniqueConstraint,
)
from migrator.sql.syntax.create import (
    CreateExtension,
    CreateFunction,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateTable,
    CreateTrigger,
    CreateType,
    CreateView,
    IndexElement,
    PartitionBound,
)
from migrator.sql.syntax.other import (
    Assignment,
    Comment,
    Delete,
    Drop,
    Grant,
    Insert,
    KnownForm,
    Opaque,
    Select,
    SetVariable,
    TransactionControl,
    Update,
)
from migrator.sql.syntax.slices import Slice, Span, TypeName

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

__all__ = [
    "Action",
    "ActionBase",
    "AddColumn",
    "AddConstraint",
    "AddIdentity",
    "AlterColumnType",
    "AlterTable",
    "AlterTypeAddValue",
    "Assignment",
    "CheckConstraint",
    "ColumnDefinition",
    "Command",
    "Comment",
    "Constraint",
    "ConstraintBase",
    "CreateExtension",
    "CreateFunction",
    "CreateIndex",
    "CreateSchema",
    "CreateSequence",
    "CreateTable",
    "CreateTrigger",
    "CreateType",
    "CreateView",
    "DefaultConstraint",
    "Delete",
    "Drop",
    "DropColumn",
    "DropConstraint",
    "DropDefault",
    "DropExpression",
    "DropIdentity",
    "DropNotNull",
    "ExcludeConstraint",
    "ForeignKeyConstraint",
    "GeneratedConstraint",
    "Grant",
    "IdentityConstraint",
    "IndexElement",
    "Insert",
    "KnownForm",
    "NotNullConstraint",
    "NullConstraint",
    "Opaque",
    "OtherAction",
    "PartitionBound",
    "ReferentialAction",
    "RenameColumn",
    "RenameConstraint",
    "RenameTable",
    "Select",
    "SequenceOption",
    "SetDefault",
    "SetExpression",
    "SetIdentity",
    "SetNotNull",
    "SetVariable",
    "Slice",
    "Span",
    "TransactionControl",
    "TypeName",
    "UniqueConstraint",
    "Update",
    "ValidateConstraint",
]
