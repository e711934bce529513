"""COMMENT ON (gram.y: CommentStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.grammar.objects import (
    ON_TABLE_KINDS,
    PLAIN_KINDS,
    RELATION_KINDS,
    ROUTINE_KINDS,
    SCHEMA_QUALIFIED_KINDS,
    TYPE_KINDS,
    accept_kind,
    routine,
    type_object,
)
from migrator.sql.syntax import Comment

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


def comment(c: Cursor) -> Comment:
    """Read a statement that begins with COMMENT."""
    c.expect("comment", "on")
    kind, relation = _object(c)
    c.expect("is")
    if not c.accept("null"):
        c.constant()
    c.expect_end()
    return Comment(object_kind=kind, relation=relation)


def _object(c: Cursor) -> tuple[str, QualifiedName | None]:
    if c.accept("column"):
        return "COLUMN", _column(c)
    if c.accept("constraint"):
        return "CONSTRAINT", _constraint(c)
    if (kind := accept_kind(c, ON_TABLE_KINDS)) is not None:
        c.name()
        c.expect("on")
        return kind, c.qualified_name()
    if (kind := accept_kind(c, (*PLAIN_KINDS, ("database",), ("role",), ("tablespace",)))) is not None:
        c.name()
        return kind, None
    if (kind := accept_kind(c, RELATION_KINDS)) is not None:
        return kind, c.qualified_name()
    return _without_relation(c), None


def _without_relation(c: Cursor) -> str:
    if (kind := accept_kind(c, SCHEMA_QUALIFIED_KINDS)) is not None:
        c.qualified_name()
    elif (kind := accept_kind(c, ROUTINE_KINDS)) is not None:
        routine(c)
    elif (kind := accept_kind(c, TYPE_KINDS)) is not None:
        type_object(c)
    else:
        c.fail("expected a kind of object")
    return kind


def _column(c: Cursor) -> QualifiedName:
    parts = c.any_name()
    if len(parts) not in {2, 3}:
        c.fail("expected table.column")
    *schema, table, _ = parts
    return QualifiedName(schema=schema[0] if schema else None, name=table)


def _constraint(c: Cursor) -> QualifiedName | None:
    c.name()
    c.expect("on")
    if c.accept("domain"):
        type_object(c)
        return None
    return c.qualified_name()
