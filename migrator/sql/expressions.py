"""What an expression reads and calls: advisory, for judging whether it may be evaluated more than once.

`read(text)` returns None where anything is in doubt, and its callers then assume the worst: volatile, unknown
columns. A plain expression (`expression_words`) is read by our own grammar alone. For all others three
readers must agree: the grammar says that the text is one expression, sqlglot's parser says which columns it
has, and every word of it must be accounted for by what they found. sqlglot alone is not trusted: it drops and
renames parts of some expressions without an error.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from migrator.postgres.identifiers import fold
from migrator.postgres.volatility import (
    AGGREGATES_AND_WINDOWS,
    STABLE_OPERATORS,
    Volatility,
    cast_volatility,
    most_volatile,
    volatility_of,
)
from migrator.sql.cursor import Cursor, NotUnderstood
from migrator.sql.expression_words import Column, Words, words_of
from migrator.sql.grammar.expression import expression as consume_expression
from migrator.sql.tokens import LexError, TokenKind, scan

if TYPE_CHECKING:
    from sqlglot import exp


class Expression(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in an expression."""

    functions: frozenset[str]
    """Functions called, folded, qualified as written; also `coalesce`, `current_timestamp` and the like."""
    columns: frozenset[Column]
    """Columns read, those of subqueries included. A whole row looks like a column with the table's name."""
    casts: frozenset[str]
    """Types that something other than a literal is cast to, by catalogue name, with `[]` for an array."""
    operators: frozenset[str]
    has_subquery: bool
    has_star_or_whole_row: bool
    """`t.*` or `*`, except in count(*)."""
    has_aggregate: bool
    has_window: bool

    @property
    def is_constant(self) -> bool:
        """Whether it is made of literals only: casts, arrays, and built-in operators between them."""
        found = self.functions or self.columns or self.has_subquery or self.has_star_or_whole_row
        return not found and all(_casts_constants(name) for name in self.casts)


@lru_cache(maxsize=4096)
def read(text: str) -> Expression | None:
    """Read the text of an expression; None means "do not know"."""
    try:
        tokens = tuple(token for token in scan(text) if token.kind is not TokenKind.COMMENT)
        cursor = Cursor(text, tokens)
        if not tokens:
            return None
        consume_expression(cursor)
        if not cursor.done:
            return None
        words = words_of(cursor)
    except (LexError, NotUnderstood, RecursionError):
        return None
    if words is None:
        return None
    return _plain(words) or parsed(text, words)


def volatility(expression: Expression | None) -> Volatility:
    """Return the class of an expression; volatile where it is not known. Operators may only be stable.

    A constant is immutable. An operator that has a stable form counts as stable only beside a cast or
    function that is stable itself: without one nothing says that it meets dates or text (the types of columns
    are not known here).
    """
    if expression is None or expression.has_subquery:
        return "v"
    if expression.is_constant:
        return "i"
    classes = {volatility_of(name) for name in expression.functions}
    classes |= {_cast(name) for name in expression.casts}
    known = {found for found in classes if found is not None}
    return "v" if None in classes else most_volatile(known)


def may_be_stable(expression: Expression) -> bool:
    """Whether an operator of the expression could be a stable one, given columns of suitable types."""
    return bool(expression.columns) and not STABLE_OPERATORS.isdisjoint(expression.operators)


def _casts_constants(name: str) -> bool:
    """Numbers and strings turn into text, and arrays of them into arrays, in one way only."""
    plain = name.removesuffix("[]")
    return plain in {"text", "varchar", "bpchar"} or cast_volatility(plain) == "i"


def _cast(name: str) -> Volatility | None:
    return cast_volatility(name.removesuffix("[]"), array=name.endswith("[]"))


def _plain(words: Words) -> Expression | None:
    """Return what a plain expression is made of; None where a parser has to look at it."""
    called = {name.rpartition(".")[2] for name in words.functions}
    if words.columns is None or called & AGGREGATES_AND_WINDOWS:
        return None
    return Expression(
        functions=words.functions,
        columns=words.columns,
        casts=words.casts,
        operators=words.operators,
        has_subquery=False,
        has_star_or_whole_row=False,
        has_aggregate=False,
        has_window=False,
    )


def parsed(text: str, words: Words) -> Expression | None:
    """Ask sqlglot's parser as well; None where the two do not agree."""
    tree = _parse(text)
    return None if tree is None else _agreed(words, tree)


def _parse(text: str) -> exp.Expression | None:
    """Parse with sqlglot, which is imported only when an expression is read: it takes a tenth of a second."""
    from sqlglot import exp, parse_one  # noqa: PLC0415  # see above
    from sqlglot.errors import SqlglotError  # noqa: PLC0415  # see above

    try:
        tree = parse_one(f"SELECT {text}\n", read="postgres")
    except (SqlglotError, RecursionError, ValueError):
        return None
    plain = isinstance(tree, exp.Select) and len(tree.expressions) == 1
    clauses = {key for key, value in tree.args.items() if value and key != "expressions"}
    if not plain or clauses or tree.find(exp.Command, exp.Placeholder, exp.Parameter):
        return None
    alone: exp.Expression = tree.expressions[0]
    return None if isinstance(alone, exp.Alias) else alone


def _agreed(words: Words, tree: exp.Expression) -> Expression | None:
    """Put together what the two readers found; None if a word is left over or a column was not written."""
    from sqlglot import exp  # noqa: PLC0415  # imported by now

    nodes = [node for node in tree.find_all(exp.Column) if not isinstance(node.this, exp.Star)]
    columns = frozenset(map(_column, nodes))
    named = {_folded(part) for node in nodes for part in node.parts}
    has_query = tree.find(exp.Query) is not None
    stars = [star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count)]
    if has_query != words.has_query or not named <= words.names:
        return None
    if not has_query and not stars and words.names - named - words.optional:
        return None
    return Expression(
        functions=words.functions,
        columns=columns,
        casts=words.casts,
        operators=words.operators,
        has_subquery=has_query,
        has_star_or_whole_row=bool(stars),
        has_aggregate=tree.find(exp.AggFunc) is not None,
        has_window=tree.find(exp.Window) is not None,
    )


def _column(node: exp.Column) -> Column:
    qualifier = node.args.get("table")
    return (_folded(qualifier) if qualifier else None), _folded(node.this)


def _folded(identifier: exp.Expr) -> str:
    name = str(identifier.this)
    return name if identifier.args.get("quoted") else fold(name)
