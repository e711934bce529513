"""Statements outside a transaction: a second session reads their locks while they wait for a third.

Holders are let go one by one, when the statement has been seen waiting for them. What a statement takes only
after its last wait is not seen, and what it scans is not either.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg

from tests.conftest import Database
from tests.measured.looking import Connection, Held, Seen, between, locks, relations
from tests.waiting import until

_HOLDS = {"snapshot": b"SELECT count(*) FROM pg_class", "function": b"SELECT pg_advisory_xact_lock(1)"}
"""What is held besides tables; a function that an index of the case calls stops at the advisory lock."""


_STATE: LiteralString = """
    SELECT state = 'idle' AND query !~ '^SET search_path', pg_blocking_pids(pid)
    FROM pg_stat_activity WHERE pid = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where statements find their tables."""

    database: Database
    namespace: str

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Open a session that looks for names there."""
        with self.database.server.connect(self.database.name) as connection:
            connection.execute(f"SET search_path = {self.namespace}, public")
            yield connection


def measure(place: Place, statement: str, holds: list[str]) -> Seen | psycopg.Error:
    """Carry it out, and return what was seen of it; scans are not.

    `holds` tells what holds it up, one after the other: `t IN ROW EXCLUSIVE MODE`, `snapshot`.
    """
    held: Held = {}
    with ExitStack() as stack:
        observer, worker = (stack.enter_context(place.session()) for _ in range(2))
        before = relations(observer, place.namespace)
        holders = [stack.enter_context(_holder(place, hold)) for hold in holds]
        failure = stack.enter_context(_running(worker, statement))
        while waits_for := _waits_for(observer, worker, holders, failure):
            held = locks(observer, worker.info.backend_pid, held)
            for holder in waits_for:
                holder.rollback()
        after = relations(observer, place.namespace)
    return failure[0] if failure else between(before, after, held, outside=True)


@contextmanager
def _holder(place: Place, hold: str) -> Iterator[Connection]:
    with place.session() as connection:
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute(_HOLDS.get(hold, f"LOCK TABLE {hold}".encode()))
        yield connection
        connection.rollback()


@contextmanager
def _running(worker: Connection, statement: str) -> Iterator[list[psycopg.Error]]:
    """Run it in a thread; the list holds the error once there is one."""
    failure: list[psycopg.Error] = []

    def run() -> None:
        try:
            psycopg.RawCursor(worker).execute(statement.encode())
        except psycopg.Error as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield failure
    thread.join()


def _waits_for(
    observer: Connection, worker: Connection, holders: list[Connection], failure: list[psycopg.Error]
) -> list[Connection]:
    """Return the holders it waits for, as soon as it does; none once it is done.

    Others it may wait for go by themselves, the observer among them.
    """

    def answer() -> tuple[bool, list[Connection]] | None:
        row = observer.execute(_STATE, [worker.info.backend_pid]).fetchone()
        if failure or row is None or row[0]:
            return True, []
        waits_for = [holder for holder in holders if holder.info.backend_pid in row[1]]
        return (False, waits_for) if waits_for else None

    return (until(answer, what="the statement waits or ends") or (True, []))[1]
