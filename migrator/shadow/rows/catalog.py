"""What the row generator has to know of a database, read from its catalogs: types, tables, constraints.

It may assume a session that sees all of them. Everything is ordered by name, so that two databases of the
same schema give the same description whatever happened to them before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from migrator.database.queries import load
from migrator.postgres.identifiers import QualifiedName, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from migrator.database.session import Connection

PACKAGE = "migrator.shadow.rows"


class Type(msgspec.Struct, frozen=True, kw_only=True):
    """A row of pg_type."""

    name: str
    """pg_type.typname: `int4`, `_text`."""
    kind: str
    """pg_type.typtype: b, c, d, e, r, m."""
    category: str
    element: int = 0
    base: int = 0
    modifier: int = -1
    """Of the base type, for a domain."""
    not_null: bool = False
    shown: str = ""
    """As SQL writes it."""
    labels: tuple[str, ...] = ()
    attributes: tuple[int, ...] = ()
    subtype: int = 0
    checks: tuple[str, ...] = ()
    """Expressions over VALUE."""


Types = dict[int, Type]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column that rows are made for."""

    name: str
    type: int
    modifier: int
    shown: str
    """The type as SQL writes it."""
    plain: str
    """As `shown`; of a domain, the type that it is over: a cast to it checks nothing."""
    not_null: bool
    drawn: bool
    """Its value comes from the server: identity, generated, or the default of a sequence."""
    default: str = ""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A condition on rows."""

    name: str
    expression: str
    columns: tuple[str, ...]


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign key; `columns` and `referenced` go by pairs."""

    name: str
    parent: QualifiedName
    columns: tuple[str, ...]
    referenced: tuple[str, ...]
    deferrable: bool
    binds_nothing: bool
    """Every row refers to itself, whatever its values."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table that rows are made for."""

    name: QualifiedName
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]
    """Those of its place in a partition tree and of the domains of its columns too."""
    foreign_keys: tuple[ForeignKey, ...]
    style: int = 0
    """Which texts are tried first (`values`)."""

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    def requires(self, key: ForeignKey) -> bool:
        """Whether a row needs the row that the key refers to."""
        return all(self.column(name).not_null for name in key.columns)


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """A database as the row generator sees it."""

    types: Types
    tables: tuple[Table, ...]
    foreign_tables: tuple[QualifiedName, ...]


def read_catalog(connection: Connection, *, without: Sequence[str]) -> Catalog:
    """Read what is outside the schemas named in `without`."""
    queries = load("catalog.sql", package=PACKAGE)
    types = {row[0]: _type(row) for row in connection.execute(queries["types"])}
    found = connection.execute(queries["tables"], {"without": list(without)}).fetchall()
    named = {"tables": [oid for oid, *_ in found]}
    columns = _grouped(connection.execute(queries["columns"], named))
    checks = _grouped(connection.execute(queries["checks"], named))
    keys = _grouped(connection.execute(queries["foreign keys"], named))
    foreign = connection.execute(queries["foreign tables"], {"without": list(without)}).fetchall()
    tables = []
    for oid, schema, name, bound in found:
        own = tuple(_column(row, types) for row in columns.get(oid, ()))
        tables.append(
            Table(
                name=QualifiedName(schema, name),
                columns=own,
                checks=(*_checks(checks.get(oid, ())), *_of_partition(bound, own), *_of_domains(own, types)),
                foreign_keys=tuple(k for k in map(_foreign_key, keys.get(oid, ())) if not k.binds_nothing),
            )
        )
    return Catalog(
        types=types,
        tables=tuple(tables),
        foreign_tables=tuple(QualifiedName(schema, name) for schema, name in foreign),
    )


Row = tuple[Any, ...]


def _grouped(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    """Return the rows without their first column, by it."""
    groups: dict[int, list[Row]] = {}
    for first, *rest in rows:
        groups.setdefault(first, []).append(tuple(rest))
    return groups


def _type(row: Row) -> Type:
    _, name, kind, category, element, base, modifier, not_null, shown, *more = row
    labels, attributes, subtype, checks = more
    return Type(
        name=name,
        kind=kind,
        category=category,
        element=element,
        base=base,
        modifier=modifier,
        not_null=not_null,
        shown=shown,
        labels=tuple(labels),
        attributes=tuple(attributes),
        subtype=subtype,
        checks=tuple(checks),
    )


def _column(row: Row, types: Types) -> Column:
    name, type_oid, modifier, shown, not_null, identity, generated, default = row
    return Column(
        name=name,
        type=type_oid,
        modifier=modifier,
        shown=shown,
        plain=types[lineage(type_oid, types)[-1]].shown if types[type_oid].base else shown,
        not_null=not_null or any(types[oid].not_null for oid in lineage(type_oid, types)),
        drawn=identity or generated or "nextval(" in default,
        default=default,
    )


def _checks(rows: Iterable[Row]) -> tuple[Check, ...]:
    return tuple(Check(name=name, expression=text, columns=tuple(columns)) for name, text, columns in rows)


def _of_partition(bound: str, columns: tuple[Column, ...]) -> tuple[Check, ...]:
    """Return the condition of a leaf; which columns it reads is told by their names in it."""
    if not bound:
        return ()
    read = tuple(c.name for c in columns if re.search(rf"(?<![\w$]){re.escape(c.name)}(?![\w$])", bound))
    return (Check(name="partition", expression=bound, columns=read),)


def _of_domains(columns: tuple[Column, ...], types: Types) -> tuple[Check, ...]:
    return tuple(
        Check(
            name=f"domain {types[oid].name}",
            expression=re.sub(r"\bVALUE\b", quote(column.name).replace("\\", r"\\"), text),
            columns=(column.name,),
        )
        for column in columns
        for oid in lineage(column.type, types)
        for text in types[oid].checks
    )


def lineage(oid: int, types: Types) -> tuple[int, ...]:
    """Return a type and what it is a domain over, at whatever depth."""
    base = types[oid].base
    return (oid, *lineage(base, types)) if base else (oid,)


def _foreign_key(row: Row) -> ForeignKey:
    name, schema, parent, deferrable, itself, columns, referenced = row
    return ForeignKey(
        name=name,
        parent=QualifiedName(schema, parent),
        columns=tuple(columns),
        referenced=tuple(referenced),
        deferrable=deferrable,
        binds_nothing=itself and columns == referenced,
    )
