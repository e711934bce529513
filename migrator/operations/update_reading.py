"""What the expressions of an UPDATE read, and whether their value may be computed in batches.

A batch sees the table at another time than the one big UPDATE would, and a row may be looked at twice. So
a value may only depend on its own row, or be the same for the whole statement. `Unfit` says why one is
neither.
"""

import enum
import re

import msgspec
from msgspec.structs import replace

from migrator.operations.base import Context
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.volatility import Volatility, volatility_of
from migrator.sql import expressions
from migrator.sql.expressions import Expression

CLOCK = frozenset(
    {
        "now",
        "age",
        "clock_timestamp",
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "statement_timestamp",
        "timeofday",
        "transaction_timestamp",
        "txid_current",
        "pg_current_xact_id",
    }
)
"""What changes from one batch to the next."""

_CLOCK_LITERAL = re.compile(r"'\s*(now|today|tomorrow|yesterday)\b", re.IGNORECASE)

_ADVICE = "write it as a literal, or without columns so that it is evaluated once"


class Evaluation(enum.Enum):
    """How often a value is computed."""

    EACH_ROW = enum.auto()
    """It depends on the columns of its row, or is constant."""
    ONCE = enum.auto()
    """It is the same for the whole statement: computed when the walk begins."""
    VOLATILE = enum.auto()
    """It differs at each evaluation."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """An expression that depends on its own row at most."""

    evaluation: Evaluation
    columns: frozenset[str]
    functions: frozenset[str]
    casts: frozenset[str]


class Unfit(msgspec.Struct, frozen=True, kw_only=True):
    """Why an expression cannot be computed in batches."""

    reason: str
    advice: str | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The row that an expression may read."""

    relation: Relation
    alias: str | None


def is_constant(text: str) -> bool:
    """Whether the expression is made of literals only."""
    found = expressions.read(text)
    return found is not None and found.is_constant


def read(text: str, row: Row, context: Context, *, clock_mixes: bool = False) -> Reading | Unfit:
    """Judge one expression; with `clock_mixes` the time of the transaction may stand beside columns."""
    found = expressions.read(text)
    if found is None:
        return Unfit(reason=f"{text} could not be read completely")
    return _foreign(found, text, row) or _classified(found, text, context, clock_mixes=clock_mixes)


def _foreign(found: Expression, text: str, row: Row) -> Unfit | None:
    """What reaches beyond the columns of the row."""
    if found.has_subquery:
        return Unfit(reason=f"{text} has a subquery: it may read rows that other batches change")
    if found.has_aggregate or found.has_window:
        return Unfit(reason=f"{text} has an aggregate or window function")
    own = {row.alias or row.relation.name.name}
    whole = {name for qualifier, name in found.columns if qualifier is None and name in own}
    if found.has_star_or_whole_row or any(row.relation.column(name) is None for name in whole):
        return Unfit(reason=f"{text} reads the whole row, the assigned columns with it")
    strangers = sorted({q for q, _ in found.columns if q is not None and q not in own})
    if strangers:
        return Unfit(reason=f"{text} names {', '.join(strangers)}, which is not the table that is updated")
    unknown = sorted({name for _, name in found.columns if row.relation.column(name) is None})
    if unknown:
        return Unfit(
            reason=f"{text} reads {', '.join(unknown)}, which is not a column of {row.relation.name}"
        )
    return None


def _classified(found: Expression, text: str, context: Context, *, clock_mixes: bool) -> Reading | Unfit:
    reading = Reading(
        evaluation=Evaluation.EACH_ROW,
        columns=frozenset(name for _, name in found.columns),
        functions=found.functions,
        casts=found.casts,
    )
    volatility = _volatility(found, context)
    if volatility == "v":
        return replace(reading, evaluation=Evaluation.VOLATILE)
    clock = bool(found.functions & CLOCK) or bool(_CLOCK_LITERAL.search(text))
    if not reading.columns:
        return replace(reading, evaluation=Evaluation.ONCE) if clock or volatility == "s" else reading
    if clock and not clock_mixes:
        return Unfit(reason=f"{text} mixes the time of the transaction with columns", advice=_ADVICE)
    outside = sorted(name for name in found.functions if _user_volatility(name, context) == "s")
    if outside:
        reason = f"{outside[0]}() is STABLE: it may read tables that other batches see differently"
        return Unfit(reason=reason, advice="declare it IMMUTABLE if it depends on its arguments only")
    return reading


def _volatility(found: Expression, context: Context) -> Volatility:
    """Return the class of the whole, the user's own functions and types included."""
    own = {name: _user_volatility(name, context) for name in found.functions}
    types = {name.name for name in context.facts.types}
    built_in = replace(
        found,
        functions=frozenset(name for name, volatility in own.items() if volatility is None),
        casts=frozenset(name for name in found.casts if name.removesuffix("[]") not in types),
    )
    classes: set[Volatility] = {expressions.volatility(built_in)}
    classes |= {volatility for volatility in own.values() if volatility is not None}
    classes |= {"s"} if built_in.casts != found.casts else set()
    return "v" if "v" in classes else "s" if "s" in classes else "i"


def _user_volatility(name: str, context: Context) -> Volatility | None:
    """Return the most volatile class of the user's functions of that name; None for any other function."""
    if volatility_of(name) is not None:
        return None
    *schema, plain = name.split(".")
    names = {QualifiedName(each, plain) for each in (tuple(schema) or context.search_path)}
    classes = {function.volatility for function in context.facts.functions if function.name in names}
    return "v" if "v" in classes else "s" if "s" in classes else "i" if classes else None
