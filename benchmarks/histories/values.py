"""Values for columns that a file has added to tables with rows: SET NOT NULL is what often comes next."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from migrator.postgres.identifiers import QualifiedName

_FILL_IN = """
    UPDATE {table} SET {column} = (
        SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column}::text COLLATE "C" LIMIT 1
    ) WHERE {column} IS NULL
"""


def fill_in(
    connection: psycopg.Connection[tuple[Any, ...]], columns: Mapping[QualifiedName, tuple[str, ...]]
) -> None:
    """Give every row that has NULL the value of another row; not where the server does not take it."""
    for table, names in columns.items():
        for name in names:
            column = sql.Identifier(name)
            relation = sql.Identifier(table.schema or "public", table.name)
            try:
                connection.execute(sql.SQL(_FILL_IN).format(table=relation, column=column))
            except (
                psycopg.IntegrityError,
                psycopg.ProgrammingError,
                psycopg.DataError,
                psycopg.InternalError,
            ):
                continue
