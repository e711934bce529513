"""Statements that cannot run in a transaction: a second session reads their locks while they wait for a third.

Holders are let go one by one, when the statement has been seen waiting for them. What a statement takes only
after its last wait is not seen, and what it scans is not either.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, LiteralString

import psycopg

from migrator.plan.effect import RelationLock
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.trace import Measured, Trace
from tests.conftest import Database
from tests.waiting import until

_MODES = {mode.catalog_name: mode for mode in LockMode}

_LOCKS: LiteralString = """
    SELECT n.nspname, c.relname, c.relkind IN ('i', 'I', 'S'), l.mode
    FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.pid = %s AND l.locktype = 'relation' AND c.oid = ANY(%s)
      AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
"""

_EXISTING: LiteralString = "SELECT coalesce(array_agg(oid), '{}') FROM pg_class"

_HOLDS = {"snapshot": b"SELECT count(*) FROM pg_class", "function": b"SELECT pg_advisory_xact_lock(1)"}
"""What is held besides tables; a function that an index of the case calls stops at the advisory lock."""

Connection = psycopg.Connection[tuple[Any, ...]]


def measure(database: Database, statement: str, holds: str) -> Measured | psycopg.Error:
    """Carry it out, and return what was seen of it; scans are not.

    `holds` tells what holds it up, one after the other: `t IN ROW EXCLUSIVE MODE | snapshot`.
    """
    observer = database.connect()
    ((existing,),) = observer.execute(_EXISTING).fetchall()
    trace = Trace(observer)
    seen: dict[tuple[QualifiedName, bool], LockMode] = {}
    with ExitStack() as stack:
        holders = [stack.enter_context(_holder(database, hold)) for hold in holds.split(" | ")]
        worker = stack.enter_context(database.server.connect(database.name))
        failure = stack.enter_context(_running(worker, statement))
        while blockers := _waits_for(observer, worker, failure):
            for schema, name, other, mode in observer.execute(_LOCKS, [worker.info.backend_pid, existing]):
                relation = QualifiedName(schema, name), other
                known = seen.get(relation, LockMode.ACCESS_SHARE)
                seen[relation] = max(known, _MODES[mode], key=lambda each: each.strength)
            for holder in holders:
                if holder.info.backend_pid in blockers:
                    holder.rollback()
    return failure[0] if failure else _with_locks(trace.measured(), seen)


def _with_locks(measured: Measured, seen: dict[tuple[QualifiedName, bool], LockMode]) -> Measured:
    locks = [(other, RelationLock(name, mode)) for (name, other), mode in seen.items()]
    return replace(
        measured,
        locks=tuple(lock for other, lock in locks if not other),
        other_locks=tuple(lock for other, lock in locks if other),
        scans=(),
    )


@contextmanager
def _holder(database: Database, hold: str) -> Iterator[Connection]:
    with database.server.connect(database.name) as connection:
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute(_HOLDS.get(hold, f"LOCK TABLE {hold}".encode()))
        yield connection
        connection.rollback()


@contextmanager
def _running(worker: Connection, statement: str) -> Iterator[list[psycopg.Error]]:
    """Run it in a thread; the list holds the error once there is one, and None is not in it."""
    failure: list[psycopg.Error] = []

    def run() -> None:
        try:
            psycopg.RawCursor(worker).execute(statement.encode())
        except psycopg.Error as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    worker.info.backend_pid  # noqa: B018  # read before the thread ends
    yield failure
    thread.join()


def _waits_for(observer: Connection, worker: Connection, failure: list[psycopg.Error]) -> list[int]:
    """Return whom it waits for, as soon as it does; nobody once it is done."""

    def answer() -> tuple[bool, list[int]] | None:
        row = observer.execute(
            "SELECT state = 'idle' AND query <> '', pg_blocking_pids(pid) FROM pg_stat_activity WHERE pid = %s",
            [worker.info.backend_pid],
        ).fetchone()
        if failure or row is None or row[0]:
            return True, []
        return (False, row[1]) if row[1] else None

    return until(answer, what="the statement waits or ends")[1]
