"""Which values satisfy the conditions on a row: the server is asked, with all candidates in one query.

Conditions that share columns are solved together, the others each for itself. What cannot be asked (a
condition on the whole row, or on a value that the server draws) is left to the INSERT.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import sql

from migrator.shadow.rows.candidates import candidates
from migrator.shadow.rows.catalog import Table, Types
from migrator.shadow.rows.values import Draw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.database.session import Connection
    from migrator.shadow.rows.catalog import Check

Values = dict[str, str | None]

_MOST = 600
"""Combinations that are tried for columns which conditions bind together."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A row, and which of its values may be changed."""

    table: Table
    types: Types
    values: Values
    choices: Mapping[str, list[str | None]]
    """Of the columns whose values are not free: those of foreign keys, and what a child has asked for."""
    seed: int
    n: int
    style: int = 0


def solved(connection: Connection, problem: Problem) -> Values:
    """Return the row with values that satisfy its conditions, as far as any were found."""
    values = dict(problem.values)
    for checks in bound_together(problem):
        values |= solution(connection, problem, checks) or {}
    return values


def bound_together(problem: Problem) -> list[list[Check]]:
    """Return the conditions that can be asked, in groups that share no column."""
    groups: list[tuple[set[str], list[Check]]] = []
    for check in problem.table.checks:
        if not check.columns or not problem.values.keys() >= set(check.columns):
            continue
        columns, checks = set(check.columns), [check]
        for group in [g for g in groups if g[0] & columns]:
            groups.remove(group)
            columns |= group[0]
            checks = [*group[1], *checks]
        groups.append((columns, checks))
    return [checks for _, checks in groups]


def solution(connection: Connection, problem: Problem, checks: list[Check]) -> Values | None:
    """Return values of the conditions' columns that satisfy them, None where none were found."""
    names = sorted({name for check in checks for name in check.columns})
    tried = list(itertools.islice(_combinations(problem, checks, names), _MOST))
    query = _query(problem.table, names, checks)
    columns = [[row[place] for row in tried] for place in range(len(names))]
    try:
        with connection.transaction():
            found = connection.execute(query, columns).fetchone()
    except psycopg.Error:
        return None
    return None if found is None else dict(zip(names, found, strict=True))


def _combinations(
    problem: Problem, checks: list[Check], names: list[str]
) -> Iterator[tuple[str | None, ...]]:
    """Give the row as it is, then others; all of them where they are few."""
    yield tuple(problem.values[name] for name in names)
    pools = [pool_of(problem, checks, name) for name in names]
    total = 1
    for pool in pools:
        total *= len(pool)
    if total <= _MOST:
        yield from itertools.product(*pools)
        return
    for attempt in range(_MOST):
        draws = (
            Draw(seed=problem.seed, place=f"{problem.table.name}.{name}", n=attempt).number for name in names
        )
        yield tuple(pool[number % len(pool)] for pool, number in zip(pools, draws, strict=True))


def pool_of(problem: Problem, checks: list[Check], name: str) -> list[str | None]:
    """Return what may be tried for a column, the likeliest first."""
    if name in problem.choices:
        return problem.choices[name]
    expressions = tuple(check.expression for check in checks if name in check.columns)
    place = f"{problem.table.name}.{name}"
    draw = Draw(seed=problem.seed, place=place, n=problem.n, style=problem.style)
    return candidates(problem.table.column(name), expressions, problem.types, draw)


def _query(table: Table, names: list[str], checks: list[Check]) -> sql.Composed:
    """Return a query for the first combination; the conditions are the server's own words."""
    shown = sql.SQL(", ").join(
        sql.SQL("{}::text").format(sql.Identifier("candidate", name)) for name in names
    )
    return sql.SQL("SELECT {} {} LIMIT 1").format(shown, satisfying(table, names, checks))


def satisfying(table: Table, names: list[str], checks: list[Check]) -> sql.Composed:
    """Return a query without its SELECT: those of the given texts, by their places, that satisfy all."""
    numbered = [sql.Identifier(f"candidate_{place}") for place in range(len(names))]
    typed = [
        sql.SQL("{}::{} AS {}").format(text, _raw(table.column(name).plain), sql.Identifier(name))
        for text, name in zip(numbered, names, strict=True)
    ]
    conditions = [sql.SQL("({}) IS NOT FALSE").format(_raw(check.expression)) for check in checks]
    comma, both = sql.SQL(", "), sql.SQL(" AND ")
    return sql.SQL(
        "FROM unnest({arrays}) WITH ORDINALITY AS given ({names}, place_of_candidate) "
        "CROSS JOIN LATERAL (SELECT {typed}) AS candidate WHERE {conditions} ORDER BY place_of_candidate"
    ).format(
        arrays=comma.join([sql.SQL("%s::text[]")] * len(names)),
        names=comma.join(numbered),
        typed=comma.join(typed),
        conditions=both.join(conditions),
    )


def _raw(text: str) -> sql.SQL:
    """Return what the server wrote: a type or an expression."""
    literal: Any = text.replace("%", "%%")
    return sql.SQL(literal)
