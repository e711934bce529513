"""CREATE, in all the forms that are read token by token."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax.constraints import ColumnDefinition, Constraint
from migrator.sql.syntax.slices import Slice, TypeName


class PartitionBound(msgspec.Struct, frozen=True, kw_only=True):
    """FOR VALUES … or DEFAULT, in `text`; each value in its own slice."""

    text: Slice
    lower: tuple[Slice, ...] = ()
    """FROM (…)."""
    upper: tuple[Slice, ...] = ()
    """TO (…)."""
    values: tuple[Slice, ...] = ()
    """IN (…)."""
    hash: tuple[Slice, ...] = ()
    """Modulus and remainder."""

    @property
    def default(self) -> bool:
        """DEFAULT."""
        return not (self.lower or self.values or self.hash)


class CreateTable(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE TABLE in all its forms."""

    name: QualifiedName
    if_not_exists: bool = False
    temporary: bool = False
    unlogged: bool = False
    columns: tuple[ColumnDefinition, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    like: tuple[QualifiedName, ...] = ()
    inherits: tuple[QualifiedName, ...] = ()
    partition_of: QualifiedName | None = None
    partition_bound: PartitionBound | None = None
    partition_elements: Slice | None = None
    """PARTITION OF root (elements), without the parentheses."""
    partition_by: Slice | None = None
    storage: Slice | None = None
    """USING, WITH, ON COMMIT, TABLESPACE; None where nothing of it is written."""
    of_type: QualifiedName | None = None
    query: Slice | None = None
    """CREATE TABLE … AS query."""
    with_data: bool = True
    """Of a query: not WITH NO DATA."""


class IndexElement(msgspec.Struct, frozen=True, kw_only=True):
    """One key of an index: a column, or an expression in its slice; `options` is the rest (opclass, DESC)."""

    column: str | None
    expression: Slice | None = None
    options: Slice | None = None


class CreateIndex(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE [UNIQUE] INDEX; `tail` lets the concurrent form be written from a slice."""

    name: str | None
    table: QualifiedName
    unique: bool = False
    concurrently: bool = False
    if_not_exists: bool = False
    only: bool = False
    method: str = "btree"
    elements: tuple[IndexElement, ...] = ()
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    where: Slice | None = None
    tail: Slice
    """From the word ON to the end of the statement."""
    body: Slice
    """What stands after the table's name: USING, the keys, INCLUDE, WITH, WHERE."""


class CreateView(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE [OR REPLACE] [MATERIALIZED] VIEW."""

    name: QualifiedName
    materialized: bool = False
    or_replace: bool = False
    if_not_exists: bool = False
    temporary: bool = False
    with_data: bool = True
    query: Slice


class CreateFunction(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE [OR REPLACE] FUNCTION or PROCEDURE; `volatility` is 'i', 's' or 'v' (the default)."""

    name: QualifiedName
    procedure: bool = False
    or_replace: bool = False
    volatility: str = "v"
    language: str | None = None
    arguments: Slice


class CreateTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE [OR REPLACE] [CONSTRAINT] TRIGGER."""

    name: str
    table: QualifiedName
    function: QualifiedName
    or_replace: bool = False
    constraint: bool = False
    timing: str
    """BEFORE, AFTER, INSTEAD OF."""
    events: tuple[str, ...]
    """INSERT, UPDATE, DELETE, TRUNCATE."""
    for_each_row: bool = False
    columns: tuple[str, ...] = ()
    """Those of UPDATE OF."""


class CreateSequence(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE SEQUENCE."""

    name: QualifiedName
    if_not_exists: bool = False
    owned_by: QualifiedName | None = None


class CreateType(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE TYPE or CREATE DOMAIN; `form` is enum, composite, range, base, shell or domain."""

    name: QualifiedName
    form: str
    labels: tuple[str, ...] = ()
    constrained: bool = False
    """A domain with CHECK or NOT NULL."""
    base: TypeName | None = None
    """What a domain is over."""
    collation: Slice | None = None
    """Of a domain."""


class CreateExtension(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE EXTENSION."""

    name: str
    if_not_exists: bool = False


class CreateSchema(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE SCHEMA without elements (with elements it is opaque)."""

    name: str | None
    if_not_exists: bool = False
    authorization: str | None = None
