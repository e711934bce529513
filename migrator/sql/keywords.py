"""PostgreSQL's keywords by what they may name (manual: "SQL Key Words"), strictest of versions 13 to 18.

A word that is reserved in one version is treated as reserved in all: a statement that uses it as a name
becomes opaque rather than misread. Words in none of these sets may name anything.
"""

from __future__ import annotations


def words(table: str) -> frozenset[str]:
    """Return the words of a table written as text, which is easier to read and compare than a list."""
    return frozenset(table.split())


COLUMN_NAME = words("""
    between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping
    inout int integer interval json json_array json_arrayagg json_exists json_object json_objectagg json_query
    json_scalar json_serialize json_table json_value least merge_action national nchar none normalize nullif
    numeric out overlay position precision real row setof smallint substring time timestamp treat trim values
    varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
    xmlserialize xmltable
    """)
"""May name a column or table, never a function or type."""

TYPE_FUNCTION_NAME = words("""
    authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull join
    left like natural notnull outer overlaps right similar tablesample verbose
    """)
"""May name a function or type, never a column or table."""

RESERVED = words("""
    all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    current_catalog current_date current_role current_time current_timestamp current_user default deferrable
    desc distinct do else end except false fetch for foreign from grant group having in initially intersect
    into lateral leading limit localtime localtimestamp not null offset on only or order placing primary
    references returning select session_user some symmetric system_user table then to trailing true union
    unique user using variadic when where window with
    """)
"""May name nothing without quotes, except after AS or a dot."""

NOT_COLUMN = RESERVED | TYPE_FUNCTION_NAME
NOT_FUNCTION = RESERVED | COLUMN_NAME

VALUE_FUNCTIONS = words("""
    current_catalog current_date current_role current_schema current_time current_timestamp current_user
    localtime localtimestamp session_user system_user user
    """)
"""Functions that are called without parentheses."""

QUERY_STARTS = frozenset({"select", "values", "with", "table"})
