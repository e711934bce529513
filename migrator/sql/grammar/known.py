"""Statements read token by token whose details do not matter: what they are, and which relations.

CALL and DO run code that nobody reads here; the planner decides by their kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.grammar.definition import options, parameters
from migrator.sql.grammar.expression import expression, parenthesised
from migrator.sql.grammar.index_element import index_key
from migrator.sql.grammar.query import query_to_end
from migrator.sql.grammar.relation import relation
from migrator.sql.keywords import NOT_FUNCTION, RESERVED
from migrator.sql.syntax import KnownForm
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_LOCK_MODES = (
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share row exclusive",
    "share",
    "exclusive",
    "access exclusive",
)


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
    return _known(c, "CREATE POLICY", (table,), (QualifiedName(schema=None, name=name),))


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
    return _known(c, "ALTER POLICY", (table,), (QualifiedName(schema=None, name=name),))


def _policy_tail(c: Cursor) -> None:
    if c.accept("to"):
        c.role()
        while c.accept(","):
            c.role()
    if c.accept("using"):
        parenthesised(c)
    if c.accept("with", "check"):
        parenthesised(c)


def reindex(c: Cursor) -> KnownForm:
    """REINDEX of an index or table; of a schema or database there is no relation to name."""
    c.expect("reindex")
    if c.at("("):
        options(c)
    kind = c.expect_any("index", "table", "schema", "database", "system")
    concurrently = c.accept("concurrently")
    relations: tuple[QualifiedName, ...] = ()
    if kind in {"index", "table"}:
        relations = (c.qualified_name(),)
    elif kind == "schema" or not c.done:
        c.name()
    return _known(c, f"REINDEX {kind.upper()}{' CONCURRENTLY' if concurrently else ''}", relations)


def refresh(c: Cursor) -> KnownForm:
    """REFRESH MATERIALIZED VIEW."""
    c.expect("refresh", "materialized", "view")
    concurrently = c.accept("concurrently")
    view = c.qualified_name()
    if c.accept("with"):
        c.accept("no")
        c.expect("data")
    return _known(c, f"REFRESH MATERIALIZED VIEW{' CONCURRENTLY' if concurrently else ''}", (view,))


def truncate(c: Cursor) -> KnownForm:
    """TRUNCATE."""
    c.expect("truncate")
    c.accept("table")
    relations = _relations(c)
    if c.accept_any("restart", "continue"):
        c.expect("identity")
    c.accept_any("cascade", "restrict")
    return _known(c, "TRUNCATE", relations)


def lock(c: Cursor) -> KnownForm:
    """LOCK TABLE."""
    c.expect("lock")
    c.accept("table")
    relations = _relations(c)
    if c.accept("in") and not any(c.accept(*mode.split(), "mode") for mode in _LOCK_MODES):
        c.fail("expected a lock mode")
    c.accept("nowait")
    return _known(c, "LOCK TABLE", relations)


def _relations(c: Cursor) -> tuple[QualifiedName, ...]:
    found = [relation(c)[0]]
    while c.accept(","):
        found.append(relation(c)[0])
    return tuple(found)


def vacuum(c: Cursor) -> KnownForm:
    """VACUUM and ANALYZE, of one table, several or all."""
    kind = "VACUUM" if c.expect_any("vacuum", "analyze", "analyse") == "vacuum" else "ANALYZE"
    if c.at("("):
        options(c)
    elif kind == "VACUUM":
        for word in ("full", "freeze", "verbose", "analyze"):
            c.accept(word)
    else:
        c.accept("verbose")
    relations: list[QualifiedName] = []
    while not c.done:
        relations.append(c.qualified_name())
        if c.at("("):
            c.names()
        if not c.accept(","):
            break
        if c.done:
            c.fail("expected a table")
    return _known(c, kind, tuple(relations))


def cluster(c: Cursor) -> KnownForm:
    """CLUSTER of a table, or of all that were clustered before."""
    c.expect("cluster")
    if c.at("("):
        options(c)
    else:
        c.accept("verbose")
    if c.done:
        return _known(c, "CLUSTER")
    table = c.qualified_name()
    if c.accept("using"):
        c.name()
    return _known(c, "CLUSTER", (table,))


def create_statistics(c: Cursor) -> KnownForm:
    """CREATE STATISTICS on one table."""
    c.expect("statistics")
    c.accept("if", "not", "exists")
    name = c.qualified_name() if not c.at_any("on", "(") else None
    if c.at("("):
        c.names()
    c.expect("on")
    index_key(c)
    while c.accept(","):
        index_key(c)
    c.expect("from")
    table = c.qualified_name()
    return _known(c, "CREATE STATISTICS", (table,), () if name is None else (name,))


def create_rule(c: Cursor) -> KnownForm:
    """CREATE RULE; its commands are bounded, not read."""
    c.expect("rule")
    name = c.name()
    c.expect("as", "on")
    c.expect_any("select", "update", "delete", "insert")
    c.expect("to")
    table = c.qualified_name()
    if c.accept("where"):
        expression(c)
    c.expect("do")
    c.accept_any("instead", "also")
    if c.at("("):
        c.balanced()
    elif c.at("select"):
        query_to_end(c)
    elif not c.accept("nothing"):
        _rule_command(c)
    return _known(c, "CREATE RULE", (table,), (QualifiedName(schema=None, name=name),))


def _rule_command(c: Cursor) -> None:
    c.expect_any("insert", "update", "delete")
    while not c.done:
        if c.at_any("(", "["):
            c.balanced()
        elif c.at_any(")", "]", ";") or c.kind_at() is TokenKind.BAD:
            c.fail("expected a command")
        else:
            c.index += 1


def do(c: Cursor) -> KnownForm:
    """DO: a body and perhaps its language, in either order."""
    c.expect("do")
    bodies = 0
    while not c.done:
        if c.accept("language"):
            if c.kind_at() is TokenKind.STRING:
                c.constant()
            else:
                c.name(RESERVED)
        else:
            c.constant()
            bodies += 1
    if bodies != 1:
        c.fail("expected one body")
    return _known(c, "DO")


def call(c: Cursor) -> KnownForm:
    """CALL of a procedure."""
    c.expect("call")
    name = c.function_name()
    c.expect("(")
    if not c.at(")"):
        while True:
            if c.at_name(NOT_FUNCTION) and c.value_at(1) in {":=", "=>"}:
                c.index += 2
            expression(c)
            if not c.accept(","):
                break
    c.expect(")")
    return _known(c, "CALL", (), (name,))


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
    return _known(c, "CREATE PUBLICATION", relations, (name,))


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
    return _known(c, "ALTER DEFAULT PRIVILEGES")


def _default_grantees(c: Cursor, *, revoke: bool) -> None:
    c.role()
    while c.accept(","):
        c.role()
    if revoke:
        c.accept_any("cascade", "restrict")
    else:
        c.accept("with", "grant", "option")


def _known(
    c: Cursor,
    kind: str,
    relations: tuple[QualifiedName, ...] = (),
    names: tuple[QualifiedName, ...] = (),
) -> KnownForm:
    c.expect_end()
    return KnownForm(kind=kind, relations=relations, names=names)
