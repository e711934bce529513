"""Actions of ALTER TABLE on the table as a whole: owner, storage, triggers, inheritance, replication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.definition import parameter_names, parameters
from migrator.sql.keywords import NOT_FUNCTION
from migrator.sql.syntax import Action, OtherAction

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_PLAIN: tuple[tuple[str, ...], ...] = (
    ("set", "logged"),
    ("set", "unlogged"),
    ("set", "without", "cluster"),
    ("set", "without", "oids"),
    ("not", "of"),
    ("enable", "row", "level", "security"),
    ("disable", "row", "level", "security"),
    ("force", "row", "level", "security"),
    ("no", "force", "row", "level", "security"),
)
_NAMED: tuple[tuple[str, ...], ...] = (
    ("set", "tablespace"),
    ("cluster", "on"),
    ("enable", "always", "rule"),
    ("enable", "replica", "rule"),
    ("enable", "rule"),
    ("disable", "rule"),
    ("enable", "always", "trigger"),
    ("enable", "replica", "trigger"),
)
_STORAGE_KINDS = frozenset({"TABLE", "INDEX", "VIEW", "MATERIALIZED VIEW"})
_TABLESPACE_KINDS = frozenset({"TABLE", "INDEX", "MATERIALIZED VIEW"})
_TABLE_KINDS = frozenset({"TABLE", "FOREIGN TABLE", "MATERIALIZED VIEW"})


def option_action(c: Cursor, kind: str) -> Action:
    """Consume one action on a relation of this kind."""
    start = c.index
    words = _general(c, kind)
    if words is not None:
        return OtherAction(text=c.slice(start), kind=words)
    if kind == "TABLE" and c.at_any("inherit", "no", "of"):
        return _parent(c)
    if kind in _TABLE_KINDS:
        words = _of_table(c)
    if words is None:
        c.fail("no such action")
    return OtherAction(text=c.slice(start), kind=words)


def _general(c: Cursor, kind: str) -> str | None:
    """OWNER TO, storage parameters, SET TABLESPACE, SET LOGGED."""
    if kind != "INDEX" and c.accept("owner", "to"):
        c.role()
        return "OWNER TO"
    if kind in _STORAGE_KINDS and c.at("set", "("):
        c.index += 1
        parameters(c)
        return "SET (storage parameters)"
    if kind in _STORAGE_KINDS and c.at("reset"):
        c.index += 1
        parameter_names(c)
        return "RESET (storage parameters)"
    if kind in _TABLESPACE_KINDS and c.accept("set", "tablespace"):
        c.name()
        return "SET TABLESPACE"
    if kind == "SEQUENCE" and c.at("set"):
        c.index += 1
        return f"SET {c.expect_any('logged', 'unlogged').upper()}"
    return None


def _of_table(c: Cursor) -> str | None:
    for words in _PLAIN:
        if c.accept(*words):
            return " ".join(words).upper()
    for words in _NAMED:
        if c.accept(*words):
            c.name()
            return " ".join(words).upper()
    if c.at_any("enable", "disable") and c.value_at(1) == "trigger":
        return _trigger(c)
    if c.accept("replica", "identity"):
        return _replica_identity(c)
    if c.accept("set", "access", "method"):
        if not c.accept("default"):
            c.name()
        return "SET ACCESS METHOD"
    return None


def _trigger(c: Cursor) -> str:
    word = c.expect_any("enable", "disable")
    c.expect("trigger")
    if c.accept_any("all", "user") is None:
        c.name()
    return f"{word.upper()} TRIGGER"


def _replica_identity(c: Cursor) -> str:
    if c.accept("using", "index"):
        c.name()
    else:
        c.expect_any("nothing", "full", "default")
    return "REPLICA IDENTITY"


def _parent(c: Cursor) -> Action:
    start = c.index
    if c.at("no", "force"):
        c.expect("no", "force", "row", "level", "security")
        return OtherAction(text=c.slice(start), kind="NO FORCE ROW LEVEL SECURITY")
    if c.accept("of"):
        c.qualified_name(NOT_FUNCTION)
        return OtherAction(text=c.slice(start), kind="OF")
    kind = "NO INHERIT" if c.accept("no") else "INHERIT"
    c.expect("inherit")
    parent = c.qualified_name()
    return OtherAction(text=c.slice(start), kind=kind, names=(parent,))
