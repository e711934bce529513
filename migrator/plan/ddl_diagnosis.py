"""Queries that name the rows that stand in the way of a constraint: at most five, one text column each.

As `ddl`, it takes names and exact slices of the user's file only. The queries read the table with the
filter of the constraint, so they cost at most the scan that has just failed.
"""

from migrator.plan.ddl import SourceSlice
from migrator.plan.step import Diagnosis
from migrator.plan.template import fill, literal
from migrator.postgres.identifiers import QualifiedName, quote

CHECK_VIOLATION = "23514"
NOT_NULL_VIOLATION = "23502"
FOREIGN_KEY_VIOLATION = "23503"

_ROWS = "SELECT {row} FROM {table} WHERE {condition} LIMIT 5"

_ORPHANS = (
    "SELECT {row} FROM {table} AS child"
    " WHERE {given} AND NOT EXISTS (SELECT FROM {parent} AS parent WHERE {match}) LIMIT 5"
)


def null_rows(table: QualifiedName, key: tuple[str, ...], column: str, sqlstate: str) -> Diagnosis:
    """Rows in which the column is NULL."""
    return Diagnosis(
        sqlstate=sqlstate,
        sql=fill(_ROWS, row=_row(key), table=table.quoted, condition=f"{quote(column)} IS NULL"),
        message=f"rows of {table} have no value in {column}",
    )


def violating_rows(
    table: QualifiedName, key: tuple[str, ...], name: str, expression: SourceSlice
) -> Diagnosis:
    """Rows for which the expression of a CHECK is false."""
    return Diagnosis(
        sqlstate=CHECK_VIOLATION,
        sql=fill(_ROWS, row=_row(key), table=table.quoted, condition=f"NOT ({expression.text})"),
        message=f"rows of {table} violate {name}",
    )


def orphans(
    table: QualifiedName,
    columns: tuple[str, ...],
    parent: QualifiedName,
    parent_columns: tuple[str, ...],
    key: tuple[str, ...],
) -> Diagnosis:
    """Rows whose referencing columns meet no row of the parent."""
    pairs = zip(columns, parent_columns, strict=True)
    match = " AND ".join(f"parent.{quote(theirs)} = child.{quote(ours)}" for ours, theirs in pairs)
    given = " AND ".join(f"child.{quote(column)} IS NOT NULL" for column in columns)
    shown = tuple(dict.fromkeys((*key, *columns)))
    return Diagnosis(
        sqlstate=FOREIGN_KEY_VIOLATION,
        sql=fill(
            _ORPHANS,
            row=_row(shown, "child."),
            table=table.quoted,
            given=given,
            parent=parent.quoted,
            match=match,
        ),
        message=f"rows of {table} refer to rows that {parent} does not have",
    )


def _row(columns: tuple[str, ...], prefix: str = "") -> str:
    """One text that names a row: its key, else its place."""
    if not columns:
        return f"'ctid ' || {prefix}ctid::text"
    parts = [
        f"{literal(column + ' = ')} || coalesce({prefix}{quote(column)}::text, 'NULL')" for column in columns
    ]
    return " || ', ' || ".join(parts)
