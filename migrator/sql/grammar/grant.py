"""GRANT and REVOKE of privileges and roles (gram.y: GrantStmt, GrantRoleStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.objects import ROUTINE_KINDS, TYPE_KINDS, accept_kind, routine, type_object
from migrator.sql.keywords import words
from migrator.sql.syntax import Grant

if TYPE_CHECKING:
    from migrator.postgres.identifiers import QualifiedName
    from migrator.sql.cursor import Cursor

_PRIVILEGES = words("""
    select insert update delete truncate references trigger usage execute connect temporary temp create
    maintain
    """)
_PLAIN_KINDS: tuple[tuple[str, ...], ...] = (
    ("schema",),
    ("database",),
    ("tablespace",),
    ("language",),
    ("foreign", "data", "wrapper"),
    ("foreign", "server"),
)
_ALL_KINDS = ("tables", "sequences", "functions", "procedures", "routines")


def grant(c: Cursor) -> Grant:
    """Read a statement that begins with GRANT or REVOKE."""
    revoke = c.expect_any("grant", "revoke") == "revoke"
    if revoke:
        c.accept("grant", "option", "for") or c.accept("admin", "option", "for")
    privileges = _grants_privileges(c)
    if not privileges:
        return _role_membership(c, revoke=revoke)
    _privileges(c)
    c.expect("on")
    kind, relations = _target(c)
    c.expect("from" if revoke else "to")
    _grantees(c)
    if not revoke:
        c.accept("with", "grant", "option")
    _granted_by(c)
    if revoke:
        c.accept_any("cascade", "restrict")
    c.expect_end()
    return Grant(revoke=revoke, object_kind=kind, relations=relations)


def _grants_privileges(c: Cursor) -> bool:
    """Whether ON stands before TO or FROM."""
    ahead = 0
    while c.kind_at(ahead) is not None and c.value_at(ahead) not in {"on", "to", "from"}:
        ahead += 1
    return c.value_at(ahead) == "on"


def _privileges(c: Cursor) -> None:
    if c.accept("all"):
        c.accept("privileges")
        if c.at("("):
            c.names()
        return
    while True:
        c.expect_any(*_PRIVILEGES)
        if c.at("("):
            c.names()
        if not c.accept(","):
            return


def _target(c: Cursor) -> tuple[str, tuple[QualifiedName, ...]]:
    if c.accept("all"):
        kind = c.expect_any(*_ALL_KINDS)
        c.expect("in", "schema")
        _names(c)
        return f"ALL {kind.upper()} IN SCHEMA", ()
    if c.at("sequence") and c.at_name(ahead=1):
        c.index += 1
        return "SEQUENCE", c.qualified_names()
    if (plain := accept_kind(c, _PLAIN_KINDS)) is not None:
        _names(c)
        return plain, ()
    for kinds, read in ((ROUTINE_KINDS, routine), (TYPE_KINDS, type_object)):
        if (found := accept_kind(c, kinds)) is not None:
            read(c)
            while c.accept(","):
                read(c)
            return found, ()
    c.accept("table")
    return "TABLE", c.qualified_names()


def _names(c: Cursor) -> None:
    c.name()
    while c.accept(","):
        c.name()


def _grantees(c: Cursor) -> None:
    while True:
        c.accept("group")
        c.role()
        if not c.accept(","):
            return


def _granted_by(c: Cursor) -> None:
    if c.accept("granted", "by"):
        c.role()


def _role_membership(c: Cursor, *, revoke: bool) -> Grant:
    _names(c)
    c.expect("from" if revoke else "to")
    _grantees(c)
    if not revoke:
        c.accept("with", "admin", "option")
    _granted_by(c)
    if revoke:
        c.accept_any("cascade", "restrict")
    c.expect_end()
    return Grant(revoke=revoke, object_kind="ROLE")
