"""Statements read token by token whose details do not matter: what they are, and which relations.

CALL and DO run code that nobody reads here; the planner decides by their kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.grammar.definition import options
from migrator.sql.grammar.expression import expression
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


def reindex(c: Cursor) -> KnownForm:
    """REINDEX of an index or table; of a schema or database there is no relation to name."""
    c.expect("reindex")
    start = c.index
    if c.at("("):
        options(c)
    given = c.slice(start) if c.index > start else None
    kind = c.expect_any("index", "table", "schema", "database", "system")
    concurrently = c.accept("concurrently")
    relations: tuple[QualifiedName, ...] = ()
    names: tuple[QualifiedName, ...] = ()
    if kind in {"index", "table"}:
        relations = (c.qualified_name(),)
    elif kind == "schema" or not c.done:
        names = (QualifiedName(schema=None, name=c.name()),)
    words = f"REINDEX {kind.upper()}{' CONCURRENTLY' if concurrently else ''}"
    return replace(known_form(c, words, relations, names), options=given)


def refresh(c: Cursor) -> KnownForm:
    """REFRESH MATERIALIZED VIEW."""
    c.expect("refresh", "materialized", "view")
    concurrently = c.accept("concurrently")
    view = c.qualified_name()
    empty = c.accept("with", "no", "data")
    if not empty:
        c.accept("with", "data")
    form = known_form(c, f"REFRESH MATERIALIZED VIEW{' CONCURRENTLY' if concurrently else ''}", (view,))
    return replace(form, words=("WITH NO DATA",) if empty else ())


def truncate(c: Cursor) -> KnownForm:
    """TRUNCATE."""
    c.expect("truncate")
    c.accept("table")
    found = [relation(c)]
    while c.accept(","):
        found.append(relation(c))
    identity = c.accept_any("restart", "continue")
    if identity:
        c.expect("identity")
    cascade = c.accept_any("cascade", "restrict")
    words = {
        "RESTART IDENTITY": identity == "restart",
        "CASCADE": cascade == "cascade",
        "ONLY": any(only for _, only in found),
    }
    form = known_form(c, "TRUNCATE", tuple(name for name, _ in found))
    return replace(form, words=tuple(word for word, written in words.items() if written))


def lock(c: Cursor) -> KnownForm:
    """LOCK TABLE."""
    c.expect("lock")
    c.accept("table")
    relations = _relations(c)
    if c.accept("in") and not any(c.accept(*mode.split(), "mode") for mode in _LOCK_MODES):
        c.fail("expected a lock mode")
    c.accept("nowait")
    return known_form(c, "LOCK TABLE", relations)


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
    return known_form(c, kind, tuple(relations))


def cluster(c: Cursor) -> KnownForm:
    """CLUSTER of a table, or of all that were clustered before."""
    c.expect("cluster")
    if c.at("("):
        options(c)
    else:
        c.accept("verbose")
    if c.done:
        return known_form(c, "CLUSTER")
    table = c.qualified_name()
    if c.accept("using"):
        c.name()
    return known_form(c, "CLUSTER", (table,))


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
    return known_form(c, "CREATE STATISTICS", (table,), () if name is None else (name,))


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
    return known_form(c, "CREATE RULE", (table,), (QualifiedName(schema=None, name=name),))


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
    return known_form(c, "DO")


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
    return known_form(c, "CALL", (), (name,))


def known_form(
    c: Cursor,
    kind: str,
    relations: tuple[QualifiedName, ...] = (),
    names: tuple[QualifiedName, ...] = (),
) -> KnownForm:
    """Return the form once every token was consumed."""
    c.expect_end()
    return KnownForm(kind=kind, relations=relations, names=names)
