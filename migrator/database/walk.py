"""The queries of a backfill with their parameters bound: keys as text, `$n` as the plan has them."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from psycopg import RawCursor

from migrator.database import commands as sql
from migrator.database.backfill_drift import DriftWatch
from migrator.database.drift import stamps_seen
from migrator.database.workbench import Workbench
from migrator.plan.step import Backfill, Step

Key = tuple[str, ...]

_FROZEN_MS = 2_000
"""A client that says nothing for so long in a transaction is frozen: it loses its session and its locks."""


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """One backfill on one connection."""

    bench: Workbench
    step: Step
    work: Backfill
    upper: Key
    values: tuple[str | None, ...]
    watch: DriftWatch
    between: Callable[[], None]
    """Called before each batch, outside a transaction."""

    def enter(self, *, lock_ms: int | None, statement_ms: int | None) -> None:
        """Give the open transaction the step's session state and timeouts; None is its own deadline."""
        enter(self.bench, self.step, lock_ms=lock_ms, statement_ms=statement_ms)

    def check(self) -> None:
        """Raise psycopg's error (`CHANGED`) where the table is not as it was looked at; it is locked now."""
        stamps = stamps_seen(self.bench, self.step)
        if stamps:
            self.bench.execute(self.bench.commands.check_stamps(stamps))

    def window_end(self, last: Key | None, rows: int) -> Key | None:
        """Return the last key of the next window, None at the end of the walk."""
        if last is None:
            query, parameters = self.work.first_window_sql, [*self.upper, rows]
        else:
            query, parameters = self.work.next_window_sql, [*last, *self.upper, rows]
        with self.bench.connection.transaction():
            self.enter(lock_ms=None, statement_ms=None)
            return next(iter(ask(self.bench, query, parameters)), None)

    def update_window(self, last: Key | None, end: Key, *, passing_over: bool) -> int:
        """Change the rows of a window and return their number, with `passing_over` without those locked."""
        work = self.work
        first = work.first_skip_locked_sql if passing_over else work.first_update_sql
        query = work.skip_locked_sql if passing_over else work.update_sql
        bound = [*end, *self.values] if last is None else [*last, *end, *self.values]
        text = first if last is None else query
        return int(ask(self.bench, text, bound)[0][0]) if passing_over else update(self.bench, text, bound)

    def left(self, last: Key | None, end: Key) -> list[Key]:
        """Return the keys in the window that still need work."""
        if last is None:
            return ask(self.bench, self.work.first_left_sql, [*end, *self.values])
        return ask(self.bench, self.work.left_sql, [*last, *end, *self.values])

    def change_row(self, key: Key) -> int:
        """Change one row, waiting for its lock; return 1, or 0 where it needs no work any more."""
        return update(self.bench, self.work.row_sql, [*key, *self.values])

    def remaining(self) -> list[Key]:
        """Return the keys of a few rows that still need work."""
        with self.bench.connection.transaction():
            self.enter(lock_ms=None, statement_ms=None)
            return ask(self.bench, self.work.remaining_sql, [*self.upper, *self.values])


def enter(bench: Workbench, step: Step, *, lock_ms: int | None, statement_ms: int | None) -> None:
    """Give the open transaction the step's session state and timeouts; None is the step's own deadline."""
    longest = int(step.timeouts.deadline_s * 1000)
    settings = {
        "lock_timeout": 1000 if lock_ms is None else lock_ms,
        "statement_timeout": longest if statement_ms is None else statement_ms,
        "idle_in_transaction_session_timeout": _FROZEN_MS,
    }
    with bench.connection.pipeline():  # one round trip for all of them
        for command in [*sql.enter_session(step.session), sql.set_local(settings), sql.CONSTRAINTS_IMMEDIATE]:
            bench.execute(command)


def ask(bench: Workbench, query: str, parameters: Sequence[Any] | None = None) -> list[Any]:
    """Run a query of the plan with its `$n` bound and return its rows."""
    return RawCursor(bench.connection).execute(query.encode(), parameters or None).fetchall()


def update(bench: Workbench, query: str, parameters: Sequence[Any]) -> int:
    """Run an UPDATE of the plan with its `$n` bound and return the number of rows."""
    return RawCursor(bench.connection).execute(query.encode(), parameters or None).rowcount
