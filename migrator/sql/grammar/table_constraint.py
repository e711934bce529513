"""A constraint of a table, in CREATE TABLE or ADD CONSTRAINT (gram.y: TableConstraint)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.grammar.column import null_treatment
from migrator.sql.grammar.constraint_parts import common, index_parameters, key_columns, references
from migrator.sql.grammar.expression import parenthesised
from migrator.sql.grammar.index_element import index_element
from migrator.sql.syntax import (
    CheckConstraint,
    Constraint,
    ExcludeConstraint,
    ForeignKeyConstraint,
    NotNullConstraint,
    UniqueConstraint,
)
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_STARTS = frozenset({"constraint", "check", "unique", "primary", "foreign"})


def at_table_constraint(c: Cursor) -> bool:
    """Whether a constraint begins here rather than a column."""
    return c.value in _STARTS or c.at("not", "null") or (c.at("exclude") and c.value_at(1) in {"using", "("})


def table_constraint(c: Cursor) -> Constraint:
    """Consume `[CONSTRAINT name] body [attributes]`."""
    name = c.name() if c.accept("constraint") else None
    start = c.index
    match c.value:
        case "check":
            return _check(c, start, name)
        case "unique" | "primary":
            return _unique(c, start, name)
        case "foreign":
            return _foreign_key(c, start, name)
        case "exclude":
            return _exclude(c, start, name)
        case "not":
            return _not_null(c, start, name)
        case _:
            return c.fail("expected a constraint")


def _check(c: Cursor, start: int, name: str | None) -> Constraint:
    c.expect("check")
    inner = parenthesised(c)
    fields, attributes = common(c, start, name, "valid", "inherit", "enforced")
    return CheckConstraint(**fields, expression=inner, no_inherit=attributes.no_inherit)


def _not_null(c: Cursor, start: int, name: str | None) -> Constraint:
    c.expect("not", "null")
    column = c.name()
    fields, attributes = common(c, start, name, "valid", "inherit")
    return NotNullConstraint(**fields, column=column, no_inherit=attributes.no_inherit)


def _unique(c: Cursor, start: int, name: str | None) -> Constraint:
    primary = c.accept("primary", "key")
    nulls_not_distinct = False
    if not primary:
        c.expect("unique")
    if c.accept("using", "index"):
        index_name = c.name()
        fields, _ = common(c, start, name, "deferrable")
        return UniqueConstraint(**fields, primary=primary, using_index=index_name)
    if not primary:
        nulls_not_distinct = null_treatment(c)
    columns, without_overlaps = _unique_columns(c)
    index = index_parameters(c, include=True)
    fields, _ = common(c, start, name, "deferrable")
    return UniqueConstraint(
        **fields,
        primary=primary,
        columns=columns,
        include=index.include,
        nulls_not_distinct=nulls_not_distinct,
        without_overlaps=without_overlaps,
        parameters=index.parameters,
        tablespace=index.tablespace,
    )


def _unique_columns(c: Cursor) -> tuple[tuple[str, ...], bool]:
    c.expect("(")
    found = [c.name()]
    while c.accept(","):
        found.append(c.name())
    without_overlaps = c.accept("without", "overlaps")
    c.expect(")")
    return tuple(found), without_overlaps


def _foreign_key(c: Cursor, start: int, name: str | None) -> Constraint:
    c.expect("foreign", "key")
    columns, period = key_columns(c)
    target = references(c)
    fields, _ = common(c, start, name, "deferrable", "valid", "enforced")
    return ForeignKeyConstraint(
        **fields,
        columns=columns,
        references=target.table,
        referenced_columns=target.columns,
        match=target.match,
        on_delete=target.on_delete,
        on_update=target.on_update,
        period=period or target.period,
    )


def _exclude(c: Cursor, start: int, name: str | None) -> Constraint:
    c.expect("exclude")
    if c.accept("using"):
        c.name()
    c.expect("(")
    while True:
        index_element(c)
        c.expect("with")
        _exclusion_operator(c)
        if not c.accept(","):
            break
    c.expect(")")
    index_parameters(c, include=True)
    if c.accept("where"):
        parenthesised(c)
    fields, _ = common(c, start, name, "deferrable")
    return ExcludeConstraint(**fields)


def _exclusion_operator(c: Cursor) -> None:
    wrapped = c.accept("operator", "(")
    while wrapped and c.at_name():
        c.name()
        c.expect(".")
    if c.kind_at() is not TokenKind.OPERATOR:
        c.fail("expected an operator")
    c.index += 1
    if wrapped:
        c.expect(")")
