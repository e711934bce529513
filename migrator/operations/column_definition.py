"""A column definition, sorted by what its parts mean for a table that has rows.

It may assume a definition that the grammar read completely. What a type or a default may do is judged on
the safe side: a type that nobody knows may be a domain with a constraint.
"""

import msgspec

from migrator.operations.base import Context
from migrator.operations.expressions import columns_of, is_null, is_volatile
from migrator.operations.types import BUILT_IN, format_type
from migrator.postgres.column_users import ColumnUser, UserKind
from migrator.postgres.facts import Column
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import (
    AlterTable,
    CheckConstraint,
    ColumnDefinition,
    DefaultConstraint,
    DropColumn,
    ForeignKeyConstraint,
    GeneratedConstraint,
    IdentityConstraint,
    NotNullConstraint,
    RenameColumn,
    TypeName,
    UniqueConstraint,
)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The constraints of a column definition by their kinds."""

    definition: ColumnDefinition
    default: DefaultConstraint | None
    """None where there is none, or where it is the constant NULL."""
    not_null: NotNullConstraint | None
    checks: tuple[CheckConstraint, ...]
    uniques: tuple[UniqueConstraint, ...]
    foreign_keys: tuple[ForeignKeyConstraint, ...]
    generated: GeneratedConstraint | None
    identity: IdentityConstraint | None
    volatile: bool
    """The default may give each row a value of its own."""
    virtual: bool
    """Generated, and computed when it is read."""
    constrained_type: bool
    """The type is, or may be, a domain with a constraint."""

    @property
    def primary(self) -> bool:
        """PRIMARY KEY is among the constraints."""
        return any(unique.primary for unique in self.uniques)

    @property
    def numbered(self) -> bool:
        """Serial or identity: each row draws from a sequence."""
        return self.definition.type.serial or self.identity is not None

    @property
    def stored(self) -> bool:
        """Generated, and computed when the row is written."""
        return self.generated is not None and not self.virtual

    @property
    def plain(self) -> bool:
        """Nothing but a type."""
        return not self.definition.constraints

    @property
    def supplies_value(self) -> bool:
        """An insert that does not name the column gets a value."""
        return self.default is not None or self.numbered or self.generated is not None


def parts_of(definition: ColumnDefinition, context: Context) -> Parts:
    """Sort the parts of a definition."""
    constraints = definition.constraints
    default = next((c for c in constraints if isinstance(c, DefaultConstraint)), None)
    default = None if default is None or is_null(default.expression) else default
    generated = next((c for c in constraints if isinstance(c, GeneratedConstraint)), None)
    return Parts(
        definition=definition,
        default=default,
        not_null=next((c for c in constraints if isinstance(c, NotNullConstraint)), None),
        checks=tuple(c for c in constraints if isinstance(c, CheckConstraint)),
        uniques=tuple(c for c in constraints if isinstance(c, UniqueConstraint)),
        foreign_keys=tuple(c for c in constraints if isinstance(c, ForeignKeyConstraint)),
        generated=generated,
        identity=next((c for c in constraints if isinstance(c, IdentityConstraint)), None),
        volatile=default is not None and is_volatile(default.expression, context),
        virtual=_is_virtual(generated, context),
        constrained_type=_may_be_constrained(definition.type, context),
    )


def dropped_before(column: str, context: Context) -> bool:
    """Whether a statement of the file, up to this one, drops or renames a column of this name."""
    return any(
        (isinstance(action, DropColumn) and action.column == column)
        or (isinstance(action, RenameColumn) and action.old == column)
        for statement in context.migration.statements[: context.index]
        if isinstance(statement.command, AlterTable)
        for action in statement.command.actions
    )


def column_facts(parts: Parts, *, bare: bool = False) -> Column:
    """Return the facts of the column; `bare` without NOT NULL, which comes later."""
    definition = parts.definition
    not_null = parts.not_null is not None or parts.primary or parts.numbered
    return Column(
        name=definition.name,
        type=format_type(definition.type),
        not_null=not_null and not bare,
        default=_default_text(parts),
        generated=_generated_code(parts),
        identity="" if parts.identity is None else "a" if parts.identity.always else "d",
        collation=None if definition.collation is None else definition.collation.text,
        domain_constrained=parts.constrained_type,
    )


def _default_text(parts: Parts) -> str | None:
    if parts.definition.type.serial:
        return "nextval(…)"
    return None if parts.default is None else parts.default.expression.text


def _generated_code(parts: Parts) -> str:
    if parts.generated is None:
        return ""
    return "v" if parts.virtual else "s"


def generated_users(parts: Parts, table: QualifiedName) -> tuple[ColumnUser, ...]:
    """Return what a generated column uses; nothing where that cannot be told."""
    if parts.generated is None:
        return ()
    name, kind = parts.definition.name, UserKind.GENERATED_COLUMN
    sources = sorted(columns_of(parts.generated.expression, None) or ())
    return tuple(ColumnUser(column=each, kind=kind, relation=table, name=name) for each in sources)


def _is_virtual(generated: GeneratedConstraint | None, context: Context) -> bool:
    """From 18 on, VIRTUAL is what is meant where neither word is written."""
    if generated is None:
        return False
    unsaid = context.facts.server_version.major >= 18  # noqa: PLR2004  # the version is the rule
    return not generated.stored if generated.stored is not None else unsaid


def _may_be_constrained(type_name: TypeName, context: Context) -> bool:
    name, facts = type_name.name, context.facts
    if type_name.serial or (name.schema in {None, "pg_catalog"} and name.name in BUILT_IN):
        return False
    schemas = context.search_path if name.schema is None else (name.schema,)
    found = [known for known in facts.types if known.name == name.name and known.schema in schemas]
    return not found or found[0] in facts.constrained_domains
