"""Many rows at a time: made together, their conditions asked of the server together, loaded with COPY.

What one row needs that others do not (a parent that does not exist yet, a number drawn beforehand) is left to
the way row by row: then, and where the server refuses one of them, none is inserted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from migrator.shadow.rows.row import RowMaker, Unfillable
from migrator.shadow.rows.solve import bound_together, pool_of, satisfying, solution

if TYPE_CHECKING:
    from migrator.database.session import Connection
    from migrator.shadow.rows.catalog import Check
    from migrator.shadow.rows.solve import Problem, Values

_MOST = 2_000
"""Rows in one COPY."""

_GROWTH = 4

_PATIENCE = 256
"""Rows that are made one by one, at most, before many are tried again."""

_LEARNED = 8
"""Choices that have satisfied a condition, and are tried for the next rows first."""

_SINGLY = 20
"""Rows of a batch whose conditions are solved for themselves."""

Choice = tuple[int, ...]
"""Which candidate of each column."""


@dataclass(slots=True)
class Pace:
    """How many rows to try next."""

    size: int = 1
    wait: int = 1
    """Rows to be made one by one after many were refused."""
    left: int = 0

    def tried(self, *, accepted: bool) -> None:
        """Note what became of many."""
        if accepted:
            self.size, self.wait = min(self.size * _GROWTH, _MOST), 1
        else:
            self.size, self.left, self.wait = 1, self.wait, min(self.wait * 2, _PATIENCE)

    def one_more(self) -> None:
        """Note that one row was accepted."""
        self.left -= 1
        self.size = 1 if self.left > 0 else _GROWTH


def make_many(maker: RowMaker, n: int, size: int) -> list[Values]:
    """Return rows from the n-th on; raises Unfillable where they have to be made one by one."""
    drafts = [maker.draft(number, 0, {}) for number in range(n, n + size)]
    if any(made.owed for made, _ in drafts):
        raise Unfillable("a parent is missing")
    problems = [problem for _, problem in drafts]
    names = problems[0].values.keys()
    if not names or any(problem.values.keys() != names for problem in problems):
        raise Unfillable("the rows differ in their columns")
    for checks in bound_together(problems[0]):
        _Together(maker.connection, problems, checks).solve()
    return [problem.values for problem in problems]


def copy_rows(connection: Connection, table: sql.Identifier, rows: list[Values]) -> int:
    """Load the rows; return how many are there now."""
    columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)
    with connection.cursor() as cursor:
        with cursor.copy(query) as stream:
            for row in rows:
                stream.write_row(tuple(row.values()))
        return cursor.rowcount


class _Together:
    """Conditions that share columns, for many rows; the rows are changed in place."""

    def __init__(self, connection: Connection, problems: list[Problem], checks: list[Check]) -> None:
        self._connection = connection
        self._problems = problems
        self._checks = checks
        self._names = sorted({name for check in checks for name in check.columns})
        self._learned: list[Choice] = []

    def solve(self) -> None:
        """Change what does not satisfy the conditions, as far as anything is found that does."""
        asked = [tuple(problem.values[name] for name in self._names) for problem in self._problems]
        kept = self._satisfied(asked)
        open_ = [problem for place, problem in enumerate(self._problems) if place not in kept]
        for _ in range(_SINGLY):
            if not open_:
                return
            first, *open_ = open_
            self._solve_one(first)
            open_ = self._try_learned(open_)
        if open_:
            raise Unfillable("every row needs another solution")

    def _solve_one(self, problem: Problem) -> None:
        found = solution(self._connection, problem, self._checks)
        if found is None:
            raise Unfillable("a condition has no solution here")
        problem.values.update(found)
        pools = [pool_of(problem, self._checks, name) for name in self._names]
        texts = [found[name] for name in self._names]
        if all(text in pool for text, pool in zip(texts, pools, strict=True)):
            choice = tuple(pool.index(text) for text, pool in zip(texts, pools, strict=True))
            self._learned = [choice, *self._learned][:_LEARNED]

    def _try_learned(self, problems: list[Problem]) -> list[Problem]:
        """Try the choices that were right for others; return the rows for which none is."""
        candidates: list[tuple[str | None, ...]] = []
        whose: list[int] = []
        for place, problem in enumerate(problems):
            pools = [pool_of(problem, self._checks, name) for name in self._names]
            for choice in self._learned:
                if all(number < len(pool) for number, pool in zip(choice, pools, strict=True)):
                    candidates.append(tuple(pool[k] for k, pool in zip(choice, pools, strict=True)))
                    whose.append(place)
        solved: set[int] = set()
        for position in sorted(self._satisfied(candidates)):
            if whose[position] not in solved:
                solved.add(whose[position])
                problems[whose[position]].values.update(zip(self._names, candidates[position], strict=True))
        return [problem for place, problem in enumerate(problems) if place not in solved]

    def _satisfied(self, candidates: list[tuple[str | None, ...]]) -> set[int]:
        """Return the places of those that satisfy all conditions."""
        if not candidates:
            return set()
        query = sql.SQL("SELECT place_of_candidate {}").format(
            satisfying(self._problems[0].table, self._names, self._checks)
        )
        columns = [[row[place] for row in candidates] for place in range(len(self._names))]
        try:
            with self._connection.transaction():
                found = self._connection.execute(query, columns).fetchall()
        except psycopg.Error:
            return set()
        return {place - 1 for (place,) in found}
