"""What an expression of the file depends on; the only door of the operations to `sql.expressions`.

"Do not know" is an answer there: an unknown volatility counts as volatile, unknown columns stay None.
"""

from msgspec.structs import replace

from migrator.operations.base import Context
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql import expressions
from migrator.sql.syntax import Slice


def is_volatile(expression: Slice, context: Context) -> bool:
    """Whether the expression may give each row a value of its own, so that a default rewrites the table."""
    found = expressions.read(expression.text)
    if found is None:
        return True
    steady = {name for name in found.functions if _steady(name, context.facts, context.search_path)}
    return expressions.volatility(replace(found, functions=found.functions - steady)) == "v"


def _steady(name: str, facts: Facts, search_path: tuple[str, ...]) -> bool:
    """Whether every user function of the name, in the schemas where it is looked for, is not volatile."""
    *schema, plain = name.split(".")
    schemas = tuple(schema) or search_path
    names = {QualifiedName(each, plain) for each in schemas}
    found = [function for function in facts.functions if function.name in names]
    return bool(found) and all(function.volatility != "v" for function in found)


def columns_of(expression: Slice, relation: Relation | None) -> frozenset[str] | None:
    """Return the columns that the expression refers to, None where that cannot be told."""
    found = expressions.read(expression.text)
    if found is None or found.has_star_or_whole_row or found.has_subquery:
        return None
    columns = frozenset(column for _, column in found.columns)
    if relation is None or not relation.columns:
        return columns
    return columns if all(relation.column(name) for name in columns) else None


def is_null(expression: Slice) -> bool:
    """Whether the expression is the constant NULL."""
    return expression.text.strip().upper() == "NULL"
