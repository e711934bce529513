"""DROP of everything but roles, databases and the like (gram.y: DropStmt, RemoveFuncStmt)."""

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
from migrator.sql.syntax import Drop, Slice

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.sql.cursor import Cursor


def drop(c: Cursor) -> Drop:
    """Read a statement that begins with DROP."""
    c.expect("drop")
    if (kind := accept_kind(c, ON_TABLE_KINDS)) is not None:
        return _drop_on_table(c, kind)
    concurrently = False
    if (kind := accept_kind(c, PLAIN_KINDS)) is not None:
        read = _plain
    elif (kind := accept_kind(c, RELATION_KINDS + SCHEMA_QUALIFIED_KINDS)) is not None:
        concurrently = kind == "INDEX" and c.accept("concurrently")
        read = _qualified
    elif (kind := accept_kind(c, ROUTINE_KINDS)) is not None:
        read = routine
    elif (kind := accept_kind(c, TYPE_KINDS)) is not None:
        read = type_object
    else:
        c.fail("expected a kind of object")
    return _drop_list(c, kind, read, concurrently=concurrently)


def _plain(c: Cursor) -> QualifiedName:
    return QualifiedName(schema=None, name=c.name())


def _qualified(c: Cursor) -> QualifiedName:
    return c.qualified_name()


def _drop_list(c: Cursor, kind: str, read: Callable[[Cursor], QualifiedName], *, concurrently: bool) -> Drop:
    if_exists = c.accept("if", "exists")
    names: list[QualifiedName] = []
    items: list[Slice] = []
    while True:
        start = c.index
        names.append(read(c))
        items.append(c.slice(start))
        if not c.accept(","):
            break
    cascade = c.accept_any("restrict", "cascade") == "cascade"
    c.expect_end()
    return Drop(
        object_kind=kind,
        names=tuple(names),
        if_exists=if_exists,
        cascade=cascade,
        concurrently=concurrently,
        items=tuple(items),
    )


def _drop_on_table(c: Cursor, kind: str) -> Drop:
    if_exists = c.accept("if", "exists")
    start = c.index
    name = _plain(c)
    c.expect("on")
    table = c.qualified_name()
    item = c.slice(start)
    cascade = c.accept_any("restrict", "cascade") == "cascade"
    c.expect_end()
    return Drop(
        object_kind=kind,
        names=(name,),
        on_table=table,
        if_exists=if_exists,
        cascade=cascade,
        items=(item,),
    )
