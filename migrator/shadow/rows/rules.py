"""What rows must satisfy besides what the catalog asks for: constraints that are only about to be made."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from msgspec.structs import replace
from psycopg import sql

from migrator.database.session import Connection
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.rows.catalog import Catalog, Check, ForeignKey, Table

_INDEX = "migrate_verify_"
"""Begins the names of indexes that are only there while rows are made."""


@dataclass(slots=True, kw_only=True)
class Rules:
    """Constraints by table; what names a column that the table does not have is passed over."""

    not_null: set[tuple[QualifiedName, str]] = field(default_factory=set)
    checks: dict[QualifiedName, list[Check]] = field(default_factory=dict)
    foreign_keys: dict[QualifiedName, list[ForeignKey]] = field(default_factory=dict)
    indexes: list[str] = field(default_factory=list)
    """Definitions of unique indexes and exclusions, complete."""
    styles: dict[QualifiedName, int] = field(default_factory=dict)
    """Which texts are tried first (`values`)."""

    def applied(self, catalog: Catalog) -> Catalog:
        """Return the catalog as if its tables had these constraints."""
        return replace(catalog, tables=tuple(self._applied(table) for table in catalog.tables))

    @contextmanager
    def enforced(self, connection: Connection) -> Iterator[None]:
        """Have the unique indexes in the database while rows are made, as far as it has their columns."""
        made: list[sql.Identifier] = []
        for number, definition in enumerate(self.indexes, start=1):
            head, _, rest = definition.partition(" ON ")
            unique = "UNIQUE " if " UNIQUE " in head else ""
            table: Any = f"CREATE {unique}INDEX {_INDEX}{number} ON {rest}"
            with suppress(psycopg.Error):
                connection.execute(sql.SQL(table))
                schema = rest.removeprefix("ONLY ").partition(".")[0].strip('"')
                made.append(sql.Identifier(schema, f"{_INDEX}{number}"))
        yield
        for name in made:
            connection.execute(sql.SQL("DROP INDEX {}").format(name))

    def _applied(self, table: Table) -> Table:
        names = {column.name for column in table.columns}
        checks = [c for c in self.checks.get(table.name, []) if names.issuperset(c.columns)]
        keys = [k for k in self.foreign_keys.get(table.name, []) if names.issuperset(k.columns)]
        return replace(
            table,
            columns=tuple(
                replace(column, not_null=column.not_null or (table.name, column.name) in self.not_null)
                for column in table.columns
            ),
            checks=(*table.checks, *checks),
            foreign_keys=(*table.foreign_keys, *keys),
            style=self.styles.get(table.name, 0),
        )
