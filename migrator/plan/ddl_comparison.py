"""When a row still needs work: conditions that compare a column with the value it is to have.

`=` is not identity for every type (interval '1 month' = '30 days', citext, numeric 1.0 = 1.00, jsonb, box,
float -0), and some types have none (json, xml, point). So only types whose `=` is identity are compared as
they are; all others are compared by their text, byte by byte. The value is cast to the column's type first,
because the assignment rounds and casts too.
"""

from __future__ import annotations

import re

from migrator.plan.ddl import Sql

IDENTITY = re.compile(
    r"smallint|integer|bigint|oid|boolean|uuid|bytea|date|money"
    r"|time(stamp)?(\(\d\))? without time zone|timestamp(\(\d\))? with time zone"
    r"|numeric\(\d+,-?\d+\)|inet|cidr|macaddr8?"
)
"""Types (as format_type writes them) whose `=` holds for identical values only."""

CUT_BY_A_CAST = re.compile(r"(character varying|character|bit varying|bit)\(\d+\)")
"""An explicit cast to these cuts silently, where an assignment raises an error."""


def differs(column: str, value: str, column_type: str) -> Sql:
    """Condition: the column (qualified, quoted) does not hold the value (a slice or a parameter)."""
    if value.strip().upper() == "NULL":
        return filled(column)
    return Sql(
        f"{comparable(column, column_type)} IS DISTINCT FROM {cast_and_comparable(value, column_type)}"
    )


def holds(column: str, value: str, column_type: str) -> Sql:
    """Condition: the column holds exactly the value."""
    if value.strip().upper() == "NULL":
        return Sql(f"{column} IS NULL")
    return Sql(
        f"{comparable(column, column_type)} IS NOT DISTINCT FROM {cast_and_comparable(value, column_type)}"
    )


def filled(value: str) -> Sql:
    """Condition: not NULL; `IS NOT NULL` would be false for a composite value with one NULL in it."""
    return Sql(f"NOT ({value} IS NULL)")


def comparable(column: str, column_type: str) -> str:
    """A column (qualified, quoted) in the form in which equal means identical."""
    if IDENTITY.fullmatch(column_type):
        return column
    text = column if column_type == "text" else f"{column}::text"
    return f'{text} COLLATE pg_catalog."C"'


def cast_and_comparable(value: str, column_type: str) -> str:
    """A value in the form in which equal means identical."""
    return comparable(f"({value})::{column_type}", column_type)


def assignable_type(column_type: str) -> str:
    """A type for a value on its way into the column: one that leaves cutting to the assignment."""
    if not CUT_BY_A_CAST.fullmatch(column_type):
        return column_type
    return "bit varying" if column_type.startswith("bit") else "text"
