"""CREATE TABLE in all its forms (gram.y: CreateStmt, CreateAsStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from migrator.sql.grammar.column import collation_clause, column_definition
from migrator.sql.grammar.definition import parameters
from migrator.sql.grammar.expression import expression
from migrator.sql.grammar.query import query_to_end
from migrator.sql.grammar.table_constraint import at_table_constraint, table_constraint
from migrator.sql.keywords import NOT_FUNCTION
from migrator.sql.syntax import ColumnDefinition, Constraint, CreateTable, PartitionBound, Slice

if TYPE_CHECKING:
    from migrator.postgres.identifiers import QualifiedName
    from migrator.sql.cursor import Cursor

_LIKE_OPTIONS = (
    "all",
    "comments",
    "compression",
    "constraints",
    "defaults",
    "generated",
    "identity",
    "indexes",
    "statistics",
    "storage",
)


class Persistence(msgspec.Struct, frozen=True, kw_only=True):
    """TEMPORARY or UNLOGGED, before TABLE, VIEW or SEQUENCE."""

    temporary: bool = False
    unlogged: bool = False


def persistence(c: Cursor) -> Persistence:
    """Consume `[GLOBAL | LOCAL] TEMP[ORARY]` or UNLOGGED."""
    if c.accept_any("global", "local"):
        c.expect_any("temp", "temporary")
        return Persistence(temporary=True)
    if c.accept_any("temp", "temporary"):
        return Persistence(temporary=True)
    return Persistence(unlogged=c.accept("unlogged"))


def create_table(c: Cursor) -> CreateTable:
    """Read from the word after CREATE to the end."""
    kept = persistence(c)
    c.expect("table")
    if_not_exists = c.accept("if", "not", "exists")
    table = CreateTable(
        name=c.qualified_name(),
        if_not_exists=if_not_exists,
        temporary=kept.temporary,
        unlogged=kept.unlogged,
    )
    if c.accept("partition", "of"):
        table = _partition_of(c, table)
    elif c.accept("of"):
        table = replace(table, of_type=c.qualified_name(NOT_FUNCTION))
        table = replace(table, constraints=_own_constraints(c))
    elif c.at("(") and not _names_of_query(c):
        table = _elements(c, table)
    else:
        return _from_query(c, table)
    return _storage(c, table)


def _partition_of(c: Cursor, table: CreateTable) -> CreateTable:
    parent = c.qualified_name()
    start = c.index
    constraints = _own_constraints(c)
    elements = c.slice(start + 1, c.index - 1) if constraints else None
    return replace(
        table,
        partition_of=parent,
        constraints=constraints,
        partition_elements=elements,
        partition_bound=partition_bound(c),
    )


def _own_constraints(c: Cursor) -> tuple[Constraint, ...]:
    """Elements of a table whose columns come from elsewhere: only constraints of the table are understood."""
    if not c.accept("("):
        return ()
    found = [table_constraint(c)]
    while c.accept(","):
        found.append(table_constraint(c))
    c.expect(")")
    return tuple(found)


def partition_bound(c: Cursor) -> PartitionBound:
    """Consume `FOR VALUES …` or DEFAULT."""
    start = c.index
    if c.accept("default"):
        return PartitionBound(text=c.slice(start))
    c.expect("for", "values")
    if c.accept("from"):
        lower = _bounds(c)
        c.expect("to")
        upper = _bounds(c)
        return PartitionBound(text=c.slice(start), lower=lower, upper=upper)
    if c.accept("in"):
        values = _bounds(c)
        return PartitionBound(text=c.slice(start), values=values)
    numbers = _hash_bound(c)
    return PartitionBound(text=c.slice(start), hash=numbers)


def _bounds(c: Cursor) -> tuple[Slice, ...]:
    c.expect("(")
    found = [_bound(c)]
    while c.accept(","):
        found.append(_bound(c))
    c.expect(")")
    return tuple(found)


def _bound(c: Cursor) -> Slice:
    start = c.index
    expression(c)
    return c.slice(start)


def _hash_bound(c: Cursor) -> tuple[Slice, ...]:
    c.expect("with", "(", "modulus")
    modulus = _number(c)
    c.expect(",", "remainder")
    remainder = _number(c)
    c.expect(")")
    return modulus, remainder


def _number(c: Cursor) -> Slice:
    start = c.index
    c.number()
    return c.slice(start)


def _names_of_query(c: Cursor) -> bool:
    """Whether the parentheses hold only names, and AS or the storage of CREATE TABLE … AS follows."""
    inside = c.closing(c.index) - c.index
    return (
        inside % 2 == 0
        and all(c.value_at(i) == "," if i % 2 == 0 else c.at_name(ahead=i) for i in range(1, inside))
        and inside > 0
    )


def _elements(c: Cursor, table: CreateTable) -> CreateTable:
    columns: list[ColumnDefinition] = []
    constraints: list[Constraint] = []
    like: list[QualifiedName] = []
    c.expect("(")
    while not c.at(")"):
        if c.accept("like"):
            like.append(_like(c))
        elif at_table_constraint(c):
            constraints.append(table_constraint(c))
        else:
            columns.append(column_definition(c))
        if not c.accept(","):
            break
        if c.at(")"):
            c.fail("expected a column or constraint")
    c.expect(")")
    inherits: tuple[QualifiedName, ...] = ()
    if c.accept("inherits", "("):
        inherits = c.qualified_names()
        c.expect(")")
    return replace(
        table, columns=tuple(columns), constraints=tuple(constraints), like=tuple(like), inherits=inherits
    )


def _like(c: Cursor) -> QualifiedName:
    name = c.qualified_name()
    while c.accept_any("including", "excluding"):
        c.expect_any(*_LIKE_OPTIONS)
    return name


def _storage(c: Cursor, table: CreateTable) -> CreateTable:
    """Everything after the elements, in the order that the server's grammar has."""
    partition_by = _partition_by(c)
    start = c.index
    storage_clauses(c)
    storage = c.slice(start) if c.index > start else None
    c.expect_end()
    return replace(table, partition_by=partition_by, storage=storage)


def _partition_by(c: Cursor) -> Slice | None:
    start = c.index
    if not c.accept("partition", "by"):
        return None
    c.name()
    c.expect("(")
    while True:
        _partition_key(c)
        if not c.accept(","):
            break
    c.expect(")")
    return c.slice(start)


def _partition_key(c: Cursor) -> None:
    if c.at("("):
        c.expect("(")
        expression(c)
        c.expect(")")
    elif c.value_at(1) in {"(", "."}:
        expression(c)
    else:
        c.name()
    collation_clause(c)
    if c.at_name():
        c.any_name()


def storage_clauses(c: Cursor) -> None:
    """Consume `USING method WITH (…) ON COMMIT … TABLESPACE name`, each if it stands here."""
    if c.accept("using"):
        c.name()
    if c.accept("with"):
        parameters(c)
    elif c.accept("without"):
        c.expect("oids")
    if c.accept("on", "commit") and not c.accept("drop"):
        c.expect_any("preserve", "delete")
        c.expect("rows")
    if c.accept("tablespace"):
        c.name()


def _from_query(c: Cursor, table: CreateTable) -> CreateTable:
    if c.at("("):
        c.names()
    storage_clauses(c)
    c.expect("as")
    query, words = query_to_end(c, ("with", "no", "data"), ("with", "data"))
    return replace(table, query=query, with_data=words != ("with", "no", "data"))
