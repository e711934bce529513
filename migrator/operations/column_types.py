"""Types of columns as `postgres.type_changes` compares them: domains looked through, names qualified.

It may assume that facts name the user's types with their schema. A type that facts do not know keeps the name
as written, and equals nothing but itself.
"""

import re

import msgspec

from migrator.operations.base import Context
from migrator.operations.types import BUILT_IN, format_type
from migrator.postgres.data_types import DataType, parse
from migrator.postgres.domains import Domain
from migrator.postgres.facts import Column
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.type_changes import Side
from migrator.sql.syntax import TypeName

_BUILT_IN = frozenset(parse(name).name for name in BUILT_IN)

_CATALOG = re.compile(r'(?:pg_catalog|"pg_catalog")\s*\.\s*')


class Typed(msgspec.Struct, frozen=True):
    """A type with its collation."""

    side: Side
    collation: str | None
    """None where it is the default one."""


def typed(text: str, collation: str | None, context: Context) -> Typed:
    """Return what format_type's text means here."""
    own = parse(text)
    domain = _domain(own, context)
    if domain is None:
        named = DataType(
            name=str(_name(own, context) or own.name),
            modifiers=own.modifiers,
            fields=own.fields,
            array=own.array,
        )
        return Typed(Side(type=named), _collation(collation))
    base = typed(domain.type, domain.collation, context)
    side = Side(
        type=base.side.type,
        domain=str(domain.name),
        constrained=base.side.constrained or domain.name in context.facts.constrained_domains,
    )
    return Typed(side, base.collation if collation is None else _collation(collation))


def type_of(column: Column, context: Context) -> Typed:
    """Return the type of a column."""
    return typed(column.type, column.collation, context)


def written_type(type_name: TypeName, collation: str | None, context: Context) -> Typed:
    """Return the type that a file writes."""
    return typed(format_type(type_name), collation, context)


def _domain(data_type: DataType, context: Context) -> Domain | None:
    name = _name(data_type, context)
    if name is None or data_type.array:
        return None
    return next((each for each in context.facts.domains if each.name == name), None)


def _name(data_type: DataType, context: Context) -> QualifiedName | None:
    """Return the qualified name of a type of the user's; None where it is built in or not known."""
    schema, _, name = data_type.name.rpartition(".")
    if not schema and name in _BUILT_IN:
        return None
    schemas = (schema,) if schema else context.search_path
    known = set(context.facts.types)
    candidates = (QualifiedName(each, name) for each in schemas)
    return next((each for each in candidates if each in known), None)


def _collation(text: str | None) -> str | None:
    """Return the collation's name without the system's schema; None for the default one."""
    plain = None if text is None else _CATALOG.sub("", text.strip())
    return None if plain in {'"default"', None} else plain
