"""Names of objects of every kind, as DROP, COMMENT and ALTER … OWNER TO write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.create_function import routine_arguments
from migrator.sql.keywords import NOT_COLUMN, NOT_FUNCTION

if TYPE_CHECKING:
    from migrator.postgres.identifiers import QualifiedName
    from migrator.sql.cursor import Cursor

RELATION_KINDS: tuple[tuple[str, ...], ...] = (
    ("materialized", "view"),
    ("foreign", "table"),
    ("table",),
    ("view",),
    ("index",),
    ("sequence",),
)
ROUTINE_KINDS: tuple[tuple[str, ...], ...] = (("function",), ("procedure",), ("routine",))
TYPE_KINDS: tuple[tuple[str, ...], ...] = (("type",), ("domain",))
SCHEMA_QUALIFIED_KINDS: tuple[tuple[str, ...], ...] = (
    ("collation",),
    ("conversion",),
    ("statistics",),
    ("text", "search", "configuration"),
    ("text", "search", "dictionary"),
    ("text", "search", "parser"),
    ("text", "search", "template"),
)
PLAIN_KINDS: tuple[tuple[str, ...], ...] = (
    ("access", "method"),
    ("event", "trigger"),
    ("extension",),
    ("foreign", "data", "wrapper"),
    ("language",),
    ("procedural", "language"),
    ("publication",),
    ("schema",),
    ("server",),
)
ON_TABLE_KINDS: tuple[tuple[str, ...], ...] = (("trigger",), ("policy",), ("rule",))


def accept_kind(c: Cursor, kinds: tuple[tuple[str, ...], ...]) -> str | None:
    """Consume one of these kinds and return it in capitals."""
    for words in kinds:
        if c.accept(*words):
            return " ".join(words).upper()
    return None


def routine(c: Cursor) -> QualifiedName:
    """Consume `name[(arguments)]`."""
    name = c.function_name()
    if c.at("("):
        routine_arguments(c, defaults=False)
    return name


def type_object(c: Cursor) -> QualifiedName:
    """Consume the name of a type or domain of the user's."""
    return c.qualified_name(NOT_COLUMN | NOT_FUNCTION)
