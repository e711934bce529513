"""Known forms about who may see what: policies, publications, default privileges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.grammar.definition import parameters
from migrator.sql.grammar.expression import parenthesised
from migrator.sql.grammar.known import known_form
from migrator.sql.grammar.relation import relation
from migrator.sql.keywords import RESERVED

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor
    from migrator.sql.syntax import KnownForm


def create_policy(c: Cursor) -> KnownForm:
    """CREATE POLICY."""
    c.expect("policy")
    name = c.name()
    c.expect("on")
    table = c.qualified_name()
    if c.accept("as"):
        c.expect_any("permissive", "restrictive")
    if c.accept("for"):
        c.expect_any("all", "select", "insert", "update", "delete")
    _policy_tail(c)
    return known_form(c, "CREATE POLICY", (table,), (QualifiedName(schema=None, name=name),))


def alter_policy(c: Cursor) -> KnownForm:
    """ALTER POLICY."""
    c.expect("policy")
    c.accept("if", "exists")
    name = c.name()
    c.expect("on")
    table = c.qualified_name()
    if c.accept("rename", "to"):
        c.name()
    else:
        _policy_tail(c)
    return known_form(c, "ALTER POLICY", (table,), (QualifiedName(schema=None, name=name),))


def _policy_tail(c: Cursor) -> None:
    if c.accept("to"):
        c.role()
        while c.accept(","):
            c.role()
    if c.accept("using"):
        parenthesised(c)
    if c.accept("with", "check"):
        parenthesised(c)


def create_publication(c: Cursor) -> KnownForm:
    """CREATE PUBLICATION, for all tables or for those named."""
    c.expect("publication")
    name = QualifiedName(schema=None, name=c.name())
    relations: tuple[QualifiedName, ...] = ()
    if c.accept("for") and not c.accept("all", "tables"):
        c.expect("table")
        relations = _published(c)
    if c.accept("with"):
        parameters(c)
    return known_form(c, "CREATE PUBLICATION", relations, (name,))


def _published(c: Cursor) -> tuple[QualifiedName, ...]:
    found: list[QualifiedName] = []
    while True:
        found.append(relation(c)[0])
        if c.at("("):
            c.names()
        if c.accept("where"):
            parenthesised(c)
        if not c.accept(","):
            return tuple(found)


def alter_default_privileges(c: Cursor) -> KnownForm:
    """ALTER DEFAULT PRIVILEGES."""
    c.expect("default", "privileges")
    while True:
        if c.accept("in", "schema") or c.accept("for", "role") or c.accept("for", "user"):
            c.role()
            while c.accept(","):
                c.role()
        else:
            break
    revoke = c.expect_any("grant", "revoke") == "revoke"
    if revoke:
        c.accept("grant", "option", "for")
    if c.accept("all"):
        c.accept("privileges")
    else:
        c.name(RESERVED - {"select", "references"})
        while c.accept(","):
            c.name(RESERVED - {"select", "references"})
    c.expect("on")
    c.expect_any("tables", "sequences", "functions", "routines", "types", "schemas")
    c.expect("from" if revoke else "to")
    _default_grantees(c, revoke=revoke)
    return known_form(c, "ALTER DEFAULT PRIVILEGES")


def _default_grantees(c: Cursor, *, revoke: bool) -> None:
    c.role()
    while c.accept(","):
        c.role()
    if revoke:
        c.accept_any("cascade", "restrict")
    else:
        c.accept("with", "grant", "option")
