"""A column of CREATE TABLE or ADD COLUMN with its constraints (gram.y: columnDef, ColConstraint)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.constraint_parts import common, index_parameters, references
from migrator.sql.grammar.expression import parenthesised, restricted_expression
from migrator.sql.grammar.sequence_options import parenthesised_sequence_options
from migrator.sql.grammar.typenames import type_name
from migrator.sql.syntax import (
    CheckConstraint,
    ColumnDefinition,
    Constraint,
    DefaultConstraint,
    ForeignKeyConstraint,
    GeneratedConstraint,
    IdentityConstraint,
    NotNullConstraint,
    NullConstraint,
    Slice,
    UniqueConstraint,
)

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


def column_definition(c: Cursor) -> ColumnDefinition:
    """Consume `name type [options] [constraints]`.

    COLLATE is understood before the constraints only: after one, `head` could not be a single slice.
    """
    start = c.index
    name = c.name()
    written_type = type_name(c, serial=True)
    if c.accept("storage") and not c.accept("default"):
        c.name()
    if c.accept("compression") and not c.accept("default"):
        c.name()
    collation = collation_clause(c)
    head = c.slice(start)
    constraints = column_constraints(c)
    return ColumnDefinition(
        text=c.slice(start),
        head=head,
        name=name,
        type=written_type,
        collation=collation,
        constraints=constraints,
    )


def collation_clause(c: Cursor) -> Slice | None:
    """Consume `COLLATE name` if it stands here, and return the name."""
    if not c.accept("collate"):
        return None
    start = c.index
    c.any_name()
    return c.slice(start)


def column_constraints(c: Cursor) -> tuple[Constraint, ...]:
    """Consume the constraints of a column, none to many."""
    found: list[Constraint] = []
    while (constraint := _constraint(c)) is not None:
        found.append(constraint)
    return tuple(found)


def _constraint(c: Cursor) -> Constraint | None:
    name = c.name() if c.accept("constraint") else None
    start = c.index
    match c.value:
        case "not" if c.at("not", "null"):
            return _not_null(c, start, name)
        case "null":
            c.index += 1
            return NullConstraint(text=c.slice(start), name=name)
        case "default":
            c.index += 1
            value = restricted_expression(c)
            return DefaultConstraint(text=c.slice(start), name=name, expression=value)
        case "check":
            return _check(c, start, name)
        case "unique" | "primary":
            return _unique(c, start, name)
        case "references":
            return _foreign_key(c, start, name)
        case "generated":
            return _generated(c, start, name)
        case _ if name is not None:
            return c.fail("expected a constraint")
        case _:
            return None


def _not_null(c: Cursor, start: int, name: str | None) -> Constraint:
    c.expect("not", "null")
    fields, attributes = common(c, start, name, "inherit")
    return NotNullConstraint(**fields, no_inherit=attributes.no_inherit)


def _check(c: Cursor, start: int, name: str | None) -> Constraint:
    c.expect("check")
    inner = parenthesised(c)
    fields, attributes = common(c, start, name, "inherit", "enforced")
    return CheckConstraint(**fields, expression=inner, no_inherit=attributes.no_inherit)


def _unique(c: Cursor, start: int, name: str | None) -> Constraint:
    primary = c.accept("primary", "key")
    nulls_not_distinct = False
    if not primary:
        c.expect("unique")
        nulls_not_distinct = null_treatment(c)
    index = index_parameters(c, include=False)
    fields, _ = common(c, start, name, "deferrable")
    return UniqueConstraint(
        **fields,
        primary=primary,
        nulls_not_distinct=nulls_not_distinct,
        parameters=index.parameters,
        tablespace=index.tablespace,
    )


def null_treatment(c: Cursor) -> bool:
    """Consume `NULLS [NOT] DISTINCT`; whether NULLs are equal."""
    if c.accept("nulls", "not", "distinct"):
        return True
    c.accept("nulls", "distinct")
    return False


def _foreign_key(c: Cursor, start: int, name: str | None) -> Constraint:
    target = references(c)
    if target.period:
        c.fail("PERIOD in a column's constraint")
    fields, _ = common(c, start, name, "deferrable", "enforced")
    return ForeignKeyConstraint(
        **fields,
        references=target.table,
        referenced_columns=target.columns,
        match=target.match,
        on_delete=target.on_delete,
        on_update=target.on_update,
    )


def _generated(c: Cursor, start: int, name: str | None) -> Constraint:
    c.expect("generated")
    always = c.accept("always")
    if not always:
        c.expect("by", "default")
    c.expect("as")
    if c.accept("identity"):
        options = parenthesised_sequence_options(c) if c.at("(") else ()
        return IdentityConstraint(text=c.slice(start), name=name, always=always, options=options)
    if not always:
        c.fail("expected IDENTITY")
    inner = parenthesised(c)
    stored = c.accept_any("stored", "virtual")
    return GeneratedConstraint(
        text=c.slice(start),
        name=name,
        expression=inner,
        stored=None if stored is None else stored == "stored",
    )
