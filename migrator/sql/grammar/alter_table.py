"""ALTER TABLE and the ALTER forms of other relations that share its actions (gram.y: AlterTableStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.alter_actions import action
from migrator.sql.grammar.create_table import partition_bound
from migrator.sql.grammar.relation import relation
from migrator.sql.syntax import (
    Action,
    AlterTable,
    OtherAction,
    RenameColumn,
    RenameConstraint,
    RenameTable,
    Slice,
)

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_COLUMN_RENAMES = frozenset({"TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW"})
_ONLY_KINDS = frozenset({"TABLE", "FOREIGN TABLE"})


def alter_relation(c: Cursor, *words: str) -> AlterTable:
    """Read from the kind of relation (`words`) to the end."""
    c.expect(*words)
    kind = " ".join(words).upper()
    if c.at("all", "in", "tablespace"):
        c.fail("ALL IN TABLESPACE touches tables that it does not name")
    if_exists = c.accept("if", "exists")
    name, only = relation(c) if kind in _ONLY_KINDS else (c.qualified_name(), False)
    alone = _lone_action(c, kind)
    actions = (alone,) if alone is not None else _actions(c, kind)
    c.expect_end()
    return AlterTable(name=name, actions=actions, object_kind=kind, if_exists=if_exists, only=only)


def _actions(c: Cursor, kind: str) -> tuple[Action, ...]:
    found = [action(c, kind)]
    while c.accept(","):
        found.append(action(c, kind))
    return tuple(found)


def _lone_action(c: Cursor, kind: str) -> Action | None:
    """An action that must be the only one of its statement."""
    start = c.index
    match c.value:
        case "rename":
            return _rename(c, kind)
        case "set" if c.at("set", "schema") and kind != "INDEX":
            c.index += 2
            c.name()
            return OtherAction(text=c.slice(start), kind="SET SCHEMA")
        case "attach" if kind in {"TABLE", "INDEX"}:
            return _attach(c, kind)
        case "detach" if kind == "TABLE":
            return _detach(c)
        case "no" | "depends" if kind in {"INDEX", "MATERIALIZED VIEW"}:
            return _depends(c)
        case _:
            return None


def _rename(c: Cursor, kind: str) -> Action:
    start = c.index
    c.expect("rename")
    if c.accept("to"):
        new = c.name()
        return RenameTable(text=c.slice(start), new=new)
    if kind not in _COLUMN_RENAMES:
        c.fail("expected TO")
    constraint = kind == "TABLE" and c.accept("constraint")
    if not constraint:
        c.accept("column")
    old = c.name()
    c.expect("to")
    new = c.name()
    text: Slice = c.slice(start)
    if constraint:
        return RenameConstraint(text=text, old=old, new=new)
    return RenameColumn(text=text, old=old, new=new)


def _attach(c: Cursor, kind: str) -> Action:
    start = c.index
    c.expect("attach", "partition")
    partition = c.qualified_name()
    bound = partition_bound(c) if kind == "TABLE" else None
    return OtherAction(text=c.slice(start), kind="ATTACH PARTITION", names=(partition,), bound=bound)


def _detach(c: Cursor) -> Action:
    start = c.index
    c.expect("detach", "partition")
    partition = c.qualified_name()
    word = c.accept_any("concurrently", "finalize")
    kind = "DETACH PARTITION" if word is None else f"DETACH PARTITION {word.upper()}"
    return OtherAction(text=c.slice(start), kind=kind, names=(partition,))


def _depends(c: Cursor) -> Action:
    start = c.index
    c.accept("no")
    c.expect("depends", "on", "extension")
    c.name()
    return OtherAction(text=c.slice(start), kind="DEPENDS ON EXTENSION")
