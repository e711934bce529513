"""What an expression of the file depends on; the only door to `sql.expressions`.

"Do not know" is an answer there: an unknown volatility counts as volatile, unknown columns stay None.
"""

from migrator.operations.base import Context
from migrator.postgres.facts import Relation
from migrator.sql import expressions
from migrator.sql.syntax import Slice


def is_volatile(expression: Slice, context: Context) -> bool:
    """Whether the expression may give each row a value of its own, so that a default rewrites the table."""
    return expressions.volatility(expression.text, context.facts.functions) == "v"


def columns_of(expression: Slice, relation: Relation | None) -> frozenset[str] | None:
    """Return the columns that the expression refers to, None where that cannot be told."""
    found = expressions.columns(expression.text)
    if found is None or relation is None or not relation.columns:
        return found
    return found if all(relation.column(name) for name in found) else None


def is_null(expression: Slice) -> bool:
    """Whether the expression is the constant NULL."""
    return expression.text.strip().upper() == "NULL"
