"""Actions of ALTER TABLE, one by one (gram.y: alter_table_cmd)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.alter_column import alter_column
from migrator.sql.grammar.alter_table_options import option_action
from migrator.sql.grammar.column import column_definition
from migrator.sql.grammar.constraint_parts import common
from migrator.sql.grammar.sequence_options import sequence_options
from migrator.sql.grammar.table_constraint import at_table_constraint, table_constraint
from migrator.sql.syntax import (
    Action,
    AddColumn,
    AddConstraint,
    DropColumn,
    DropConstraint,
    OtherAction,
    ValidateConstraint,
)

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_WITH_COLUMNS = frozenset({"TABLE", "FOREIGN TABLE"})


def action(c: Cursor, kind: str) -> Action:
    """Consume one action of a relation of this kind."""
    if kind == "SEQUENCE" and not c.at_any("owner", "set"):
        return _sequence_action(c)
    match c.value:
        case "add" if kind in _WITH_COLUMNS:
            return _add(c)
        case "drop" if kind in _WITH_COLUMNS:
            return _drop(c)
        case "alter" if kind == "TABLE" and c.value_at(1) == "constraint":
            return _alter_constraint(c)
        case "alter" if kind != "SEQUENCE":
            return alter_column(c)
        case "validate" if kind in _WITH_COLUMNS:
            return _validate(c)
        case _:
            return option_action(c, kind)


def _sequence_action(c: Cursor) -> Action:
    start = c.index
    sequence_options(c)
    if c.index == start or not c.done:
        c.fail("expected an option")
    return OtherAction(text=c.slice(start), kind="SEQUENCE OPTIONS")


def _add(c: Cursor) -> Action:
    start = c.index
    c.expect("add")
    if at_table_constraint(c):
        constraint = table_constraint(c)
        return AddConstraint(text=c.slice(start), constraint=constraint)
    c.accept("column")
    if_not_exists = c.accept("if", "not", "exists")
    column = column_definition(c)
    return AddColumn(text=c.slice(start), column=column, if_not_exists=if_not_exists)


def _drop(c: Cursor) -> Action:
    start = c.index
    c.expect("drop")
    constraint = c.accept("constraint")
    if not constraint:
        c.accept("column")
    if_exists = c.accept("if", "exists")
    name = c.name()
    cascade = c.accept_any("restrict", "cascade") == "cascade"
    text = c.slice(start)
    if constraint:
        return DropConstraint(text=text, name=name, if_exists=if_exists, cascade=cascade)
    return DropColumn(text=text, column=name, if_exists=if_exists, cascade=cascade)


def _validate(c: Cursor) -> Action:
    start = c.index
    c.expect("validate", "constraint")
    name = c.name()
    return ValidateConstraint(text=c.slice(start), name=name)


def _alter_constraint(c: Cursor) -> Action:
    start = c.index
    c.expect("alter", "constraint")
    c.name()
    body = c.index - 1
    if not c.accept("inherit"):
        common(c, body, None, "deferrable", "enforced", "inherit")
        if c.index == body + 1:
            c.fail("expected an attribute")
    return OtherAction(text=c.slice(start), kind="ALTER CONSTRAINT")
