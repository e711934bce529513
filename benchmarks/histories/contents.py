"""What is in the tables of two databases, compared: rows by count, values column by column.

A value that the server draws (a default such as now(), a sequence, a trigger that writes the time) differs
between two runs of the same statements, and so does a foreign key to such a column. Those columns are
compared by the number of rows and of NULLs.
"""

import re
from collections import Counter
from typing import Any, LiteralString

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[Any, ...]]

Place = tuple[str, str]
"""Table, with its schema, and column."""

_DRAWN = re.compile(
    r"nextval|now\(\)|current_(date|time)|localtime|clock_timestamp|random|uuid|timeofday", re.IGNORECASE
)

_COLUMNS: LiteralString = """
    SELECT format('%I.%I', n.nspname, c.relname), a.attname, format_type(a.atttypid, NULL),
        coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity::text <> '', c.relhastriggers
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        AND n.nspname <> ALL ('{pg_catalog,information_schema,migrator,pg_toast}')
    ORDER BY 1, 2
"""

_KEYS: LiteralString = """
    SELECT format('%I.%I', n.nspname, c.relname), a.attname, format('%I.%I', rn.nspname, r.relname), f.attname
    FROM pg_constraint AS k
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair (own, other)
    JOIN pg_class AS c ON c.oid = k.conrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = pair.own
    JOIN pg_class AS r ON r.oid = k.confrelid
    JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
    JOIN pg_attribute AS f ON f.attrelid = k.confrelid AND f.attnum = pair.other
    WHERE k.contype = 'f'
"""


def drawn_columns(connection: Connection) -> set[Place]:
    """Return the columns whose values two runs need not agree on, as the schema is now."""
    found = set()
    for table, column, type_name, default, identity, triggers in connection.execute(_COLUMNS):
        timed = triggers and type_name.startswith(("timestamp", "date"))
        if identity or timed or _DRAWN.search(default):
            found.add((table, column))
    keys = connection.execute(_KEYS).fetchall()
    while more := {(t, c) for t, c, parent, other in keys if (parent, other) in found} - found:
        found |= more
    return found


def differences(ours: Connection, theirs: Connection, drawn: set[Place]) -> list[str]:
    """Return a line for each table or column whose contents differ."""
    columns: dict[str, list[str]] = {}
    for table, column, *_ in theirs.execute(_COLUMNS).fetchall():
        columns.setdefault(table, []).append(column)
    found = []
    for table, names in columns.items():
        own, other = _rows(ours, table, names), _rows(theirs, table, names)
        if len(own) != len(other):
            found.append(f"{table}: {len(own)} rows, {len(other)} by psql")
            continue
        found += _in_columns(table, names, own, other, drawn)
    return found


def _in_columns(
    table: str, names: list[str], own: list[tuple[Any, ...]], other: list[tuple[Any, ...]], drawn: set[Place]
) -> list[str]:
    sure = [place for place, name in enumerate(names) if (table, name) not in drawn]
    found = []
    for place, name in enumerate(names):
        ours, theirs = [row[place] for row in own], [row[place] for row in other]
        if (table, name) in drawn:
            ours, theirs = [value is None for value in ours], [value is None for value in theirs]
        if Counter(ours) != Counter(theirs):
            lost, extra = Counter(theirs) - Counter(ours), Counter(ours) - Counter(theirs)
            found.append(f"{table}.{name}: {_few(extra)} instead of {_few(lost)}")
    if not found and _picked(own, sure) != _picked(other, sure):
        found.append(f"{table}: other rows of the same values")
    return found


def _picked(rows: list[tuple[Any, ...]], places: list[int]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row[place] for place in places) for row in rows)


def _few(values: Counter[Any]) -> str:
    return ", ".join(str(value)[:40] for value in list(values)[:3])


def _rows(connection: Connection, table: str, names: list[str]) -> list[tuple[Any, ...]]:
    """Return every row, its values as text."""
    shown = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    named: Any = table.replace("%", "%%")
    return connection.execute(sql.SQL("SELECT {} FROM ONLY {}").format(shown, sql.SQL(named))).fetchall()
