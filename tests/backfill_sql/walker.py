"""Runs the queries of a `Backfill` in the order of its contract: one transaction per window, no journal."""

from collections.abc import Callable
from typing import Any

import psycopg

from migrator.plan.step import Backfill

Connection = psycopg.Connection[tuple[Any, ...]]
Key = tuple[str, ...]


def nothing() -> None:
    """What happens between two windows when a test does not say."""


class Walker:
    """One walk; `changed` counts rows, `skipped` remembers the keys that were locked."""

    def __init__(self, connection: Connection, backfill: Backfill, *, rows: int = 7) -> None:
        self.connection = connection
        self.backfill = backfill
        self.rows = rows
        self.changed = 0
        self.windows = 0
        self.skipped: list[Key] = []
        self.values: tuple[str | None, ...] = ()

    def walk(self, *, skip_locked: bool = False, between: Callable[[], None] = nothing) -> None:
        """Every window from the first key to the upper bound, then the rows that were skipped."""
        upper = self.prepare()
        last: Key = ()
        while upper and (end := self.window(last, upper)):
            self.step(last, end, skip_locked=skip_locked)
            last = end
            between()
        self.upper = upper or ()

    def prepare(self) -> Key | None:
        with self.connection.transaction():
            for sql in self.backfill.prepare_sql:
                self.connection.execute(sql.encode())
            self.values = tuple(self.ask(sql, ())[0][0] for sql in self.backfill.value_sql)
            found = self.ask(self.backfill.upper_sql, ())
        return found[0] if found else None

    def window(self, last: Key, upper: Key) -> Key | None:
        sql = self.backfill.next_window_sql if last else self.backfill.first_window_sql
        found = self.ask(sql, (*last, *upper, str(self.rows)))
        return found[0] if found else None

    def step(self, last: Key, end: Key, *, skip_locked: bool) -> None:
        b = self.backfill
        self.windows += 1
        bound = (*last, *end, *self.values)
        with self.connection.transaction():
            if skip_locked:
                self.changed += self.ask(b.skip_locked_sql if last else b.first_skip_locked_sql, bound)[0][0]
                self.skipped += self.ask(b.left_sql if last else b.first_left_sql, bound)
            else:
                self.changed += self.run(b.update_sql if last else b.first_update_sql, bound)

    def sweep(self) -> list[Key]:
        """Change the skipped rows and those that are found at the end; give what is left then."""
        for key in [*self.skipped, *self.remaining()]:
            self.changed += self.run(self.backfill.row_sql, (*key, *self.values))
        left = self.remaining()
        for sql in self.backfill.finish_sql:
            self.connection.execute(sql.encode())
        return left

    def remaining(self) -> list[Key]:
        if not self.upper:
            return []
        return self.ask(self.backfill.remaining_sql, (*self.upper, *self.values))

    def ask(self, sql: str, parameters: tuple[str | None, ...]) -> list[Any]:
        return psycopg.RawCursor(self.connection).execute(sql.encode(), parameters).fetchall()

    def run(self, sql: str, parameters: tuple[str | None, ...]) -> int:
        return psycopg.RawCursor(self.connection).execute(sql.encode(), parameters).rowcount
