"""CREATE SEQUENCE, TYPE, DOMAIN, EXTENSION, SCHEMA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.grammar.column import collation_clause, column_constraints
from migrator.sql.grammar.create_table import persistence
from migrator.sql.grammar.definition import parameters
from migrator.sql.grammar.sequence_options import sequence_options
from migrator.sql.grammar.typenames import type_name
from migrator.sql.keywords import RESERVED
from migrator.sql.syntax import (
    CheckConstraint,
    CreateExtension,
    CreateSchema,
    CreateSequence,
    CreateType,
    DefaultConstraint,
    NotNullConstraint,
    NullConstraint,
)
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


def create_sequence(c: Cursor) -> CreateSequence:
    """Read from the word after CREATE to the end; `owned_by` is the table of the owning column."""
    persistence(c)
    c.expect("sequence")
    if_not_exists = c.accept("if", "not", "exists")
    name = c.qualified_name()
    owner = sequence_options(c)
    c.expect_end()
    return CreateSequence(name=name, if_not_exists=if_not_exists, owned_by=owning_table(c, owner))


def owning_table(c: Cursor, parts: tuple[str, ...] | None) -> QualifiedName | None:
    """Return the table of `[schema.]table.column`."""
    if not parts:
        return None
    if len(parts) not in {2, 3}:
        c.fail("expected table.column after OWNED BY")
    *schema, table, _ = parts
    return QualifiedName(schema=schema[0] if schema else None, name=table)


def create_type(c: Cursor) -> CreateType:
    """Read from the word after CREATE to the end."""
    c.expect("type")
    name = c.qualified_name()
    labels: tuple[str, ...] = ()
    if c.done:
        form = "shell"
    elif c.at("("):
        form = "base"
        parameters(c, qualified=False)
    else:
        c.expect("as")
        form, labels = _type_body(c)
    c.expect_end()
    return CreateType(name=name, form=form, labels=labels)


def _type_body(c: Cursor) -> tuple[str, tuple[str, ...]]:
    if c.accept("enum"):
        return "enum", _labels(c)
    if c.accept("range"):
        parameters(c, qualified=False)
        return "range", ()
    c.expect("(")
    if not c.at(")"):
        while True:
            c.name()
            type_name(c)
            collation_clause(c)
            if not c.accept(","):
                break
    c.expect(")")
    return "composite", ()


def _labels(c: Cursor) -> tuple[str, ...]:
    c.expect("(")
    found: list[str] = []
    if c.kind_at() is TokenKind.STRING:
        found.append(c.string())
        while c.accept(","):
            found.append(c.string())
    c.expect(")")
    return tuple(found)


def create_domain(c: Cursor) -> CreateType:
    """Read from the word after CREATE to the end."""
    c.expect("domain")
    name = c.qualified_name()
    c.accept("as")
    base = type_name(c)
    collation = collation_clause(c)
    constraints = column_constraints(c)
    for constraint in constraints:
        allowed = (CheckConstraint, NotNullConstraint, NullConstraint, DefaultConstraint)
        if not isinstance(constraint, allowed):
            c.fail("a constraint that a domain cannot have")
    c.expect_end()
    constrained = any(isinstance(found, CheckConstraint | NotNullConstraint) for found in constraints)
    return CreateType(name=name, form="domain", constrained=constrained, base=base, collation=collation)


def create_extension(c: Cursor) -> CreateExtension:
    """Read from the word after CREATE to the end."""
    c.expect("extension")
    if_not_exists = c.accept("if", "not", "exists")
    name = c.name()
    c.accept("with")
    while True:
        if c.accept("schema"):
            c.name()
        elif c.accept("version"):
            if c.kind_at() is TokenKind.STRING:
                c.constant()
            else:
                c.name(RESERVED)
        elif not c.accept("cascade"):
            break
    c.expect_end()
    return CreateExtension(name=name, if_not_exists=if_not_exists)


def create_schema(c: Cursor) -> CreateSchema:
    """Read from the word after CREATE to the end; with elements it is not understood."""
    c.expect("schema")
    if_not_exists = c.accept("if", "not", "exists")
    name = c.name() if not c.at("authorization") else None
    authorization = c.role() if c.accept("authorization") else None
    if name is None and authorization is None:
        c.fail("expected a name")
    c.expect_end()
    return CreateSchema(name=name, if_not_exists=if_not_exists, authorization=authorization)
