"""The rows of a database as text that two databases can be compared by."""

from collections.abc import Iterator
from typing import LiteralString

import psycopg
from psycopg import sql

from tests.conftest import Database

_RELATIONS: LiteralString = """
    SELECT n.nspname, c.relname,
        coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}')
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
    WHERE c.relkind = ANY ('{r,m,S}') AND n.nspname <> ALL ('{pg_catalog,information_schema,migrator}')
        AND n.nspname !~ '^pg_(toast|temp)' AND (c.relkind <> 'm' OR c.relispopulated)
    GROUP BY 1, 2
    ORDER BY 1, 2
"""


def rows(database: Database, *, volatile: frozenset[str]) -> str:
    """All rows of tables and materialized views and the state of sequences, less the journal.

    Of a volatile column, named as in `users.token`: which values are NULL, and how many there are.
    """
    connection = database.reader()
    lines = [
        line
        for schema, name, columns in connection.execute(_RELATIONS).fetchall()
        for line in _of_relation(
            connection, sql.Identifier(schema, name), {c: f"{name}.{c}" in volatile for c in columns}
        )
    ]
    return "\n".join(lines)


def _of_relation(
    connection: psycopg.Connection[tuple[object, ...]], relation: sql.Identifier, columns: dict[str, bool]
) -> Iterator[str]:
    """The columns say whether they are volatile."""
    shown = [
        sql.SQL("{0} IS NULL AS {0}" if is_volatile else "{}").format(sql.Identifier(column))
        for column, is_volatile in columns.items()
    ]
    query = sql.SQL(
        'SELECT row_to_json(r)::text COLLATE "C" FROM (SELECT {} FROM ONLY {}) AS r ORDER BY 1'
    ).format(sql.SQL(", ").join(shown), relation)
    for (row,) in connection.execute(query).fetchall():
        yield f"{relation.as_string()} {row}"
    for column in (sql.Identifier(column) for column, is_volatile in columns.items() if is_volatile):
        counted = sql.SQL("SELECT count(DISTINCT {}) FROM ONLY {}").format(column, relation)
        for (number,) in connection.execute(counted).fetchall():
            yield f"{relation.as_string()} {column.as_string()}: {number} values"
