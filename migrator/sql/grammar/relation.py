"""A table with ONLY or its asterisk (gram.y: relation_expr)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrator.postgres.identifiers import QualifiedName
    from migrator.sql.cursor import Cursor


def relation(c: Cursor) -> tuple[QualifiedName, bool]:
    """Consume `[ONLY] name [*]` or `ONLY (name)`; the second value says ONLY."""
    if not c.accept("only"):
        name = c.qualified_name()
        c.accept("*")
        return name, False
    if not c.accept("("):
        return c.qualified_name(), True
    name = c.qualified_name()
    c.expect(")")
    return name, True
