"""One runner at a time: the lock on the executing connection, and the takeover from a predecessor.

The lock is polled and never waited for. Whoever has it makes sure that every recorded session of earlier
runs is gone before it reads journal or catalog: the server process of a lost connection may still be
committing. A server process that builds an index for a run that died is let live; the probe of its step
waits for it.
"""

import time
from collections.abc import Callable

import psycopg
from tenacity import (
    RetryError,
    Retrying,
    retry_if_result,
    stop_after_delay,
    wait_random,
    wait_random_exponential,
)

from migrator.database.commands import journal_query
from migrator.database.journal_install import exists
from migrator.database.journal_read import read_runner
from migrator.database.runner_key import key
from migrator.database.session import Connection
from migrator.errors import ConnectionLost, PreflightError, RunnerBusy
from migrator.execution.events import Observer, TookOver, WaitingForRunner
from migrator.execution.journal import Backend
from migrator.execution.stop import StopRequest

FILE = "runner_lock.sql"

ENDING_S = 2.0
"""The server process of a run that has just ended, or was killed, holds the lock a moment longer."""

_GONE_S = 60.0
"""A terminated session that rolls back much may take a while."""

Sleep = Callable[[float], None]


def acquire(
    connection: Connection,
    schema: str,
    *,
    wait_s: float,
    observer: Observer,
    stop: StopRequest,
    sleep: Sleep = time.sleep,
) -> None:
    """Take the runner lock, asking for `wait_s` seconds. Raises RunnerBusy, Interrupted."""
    began = time.monotonic()

    def attempt() -> bool:
        stop.check()
        if try_acquire(connection, schema):
            return True
        observer.event(WaitingForRunner(holder=holder(connection, schema), waited_s=time.monotonic() - began))
        return False

    try:
        Retrying(
            retry=retry_if_result(lambda got: not got),
            stop=stop_after_delay(wait_s),
            wait=wait_random(0.2, 1.0),  # seconds
            sleep=sleep,
        )(attempt)
    except RetryError:
        raise RunnerBusy(f"another runner holds the database: {holder(connection, schema)}") from None


def acquire_at_rest(connection: Connection, schema: str, *, sleep: Sleep = time.sleep) -> None:
    """Take the runner lock where nothing runs any more. Raises RunnerBusy where something does."""
    try:
        Retrying(
            retry=retry_if_result(lambda got: not got),
            stop=stop_after_delay(ENDING_S),
            wait=wait_random_exponential(0.01, max=0.2),
            sleep=sleep,
        )(lambda: try_acquire(connection, schema))
    except RetryError:
        raise RunnerBusy(f"another runner holds the database: {holder(connection, schema)}") from None


def try_acquire(connection: Connection, schema: str) -> bool:
    """Take the runner lock if it is free."""
    command = journal_query(FILE, "try", schema, {"key": key(schema)})
    row = connection.execute(command.query, command.parameters).fetchone()
    return row is not None and bool(row[0])


def release(connection: Connection, schema: str) -> None:
    """Give the runner lock back."""
    command = journal_query(FILE, "release", schema, {"key": key(schema)})
    connection.execute(command.query, command.parameters)


def holder(connection: Connection, schema: str) -> str:
    """Say who holds the lock."""
    found = read_runner(connection, schema, journal=exists(connection, schema))
    return str(found) if found is not None else "one that has just ended"


def this_backend(connection: Connection) -> Backend:
    """Return the server process of this connection."""
    row = connection.execute(journal_query(FILE, "self", "pg_catalog").query).fetchone()
    if row is None:  # pg_stat_activity shows everybody at least themselves
        raise ConnectionLost("the server does not know its own process")
    return Backend(pid=row[0], start=row[1])


def alive(connection: Connection, backend: Backend) -> bool:
    """Whether that server process, and not a later one of its number, is there."""
    command = journal_query(FILE, "alive", "pg_catalog", {"pid": backend.pid, "start": backend.start})
    row = connection.execute(command.query, command.parameters).fetchone()
    return row is not None and bool(row[0])


def at_work(connection: Connection, backend: Backend) -> bool:
    """Whether that server process is there and does not wait for its client."""
    command = journal_query(FILE, "at work", "pg_catalog", {"pid": backend.pid, "start": backend.start})
    row = connection.execute(command.query, command.parameters).fetchone()
    return row is not None and bool(row[0])


def end_leftovers(
    connection: Connection,
    schema: str,
    *,
    observer: Observer,
    run: int | None = None,
    sleep: Sleep = time.sleep,
) -> None:
    """Terminate recorded sessions of earlier runs (or of `run`, our own before the connection was lost)."""
    command = journal_query(FILE, "leftovers", schema, {"run": run})
    found = [
        Backend(pid=pid, start=start)
        for pid, start in connection.execute(command.query, command.parameters).fetchall()
    ]
    for backend in found:
        terminate(connection, backend)
    for backend in found:
        wait_until_gone(connection, backend, sleep=sleep)
    if found:
        observer.event(TookOver(pids=tuple(b.pid for b in found)))


def terminate(connection: Connection, backend: Backend) -> None:
    """End that server process. Raises PreflightError without the right to."""
    command = journal_query(FILE, "terminate", "pg_catalog", {"pid": backend.pid, "start": backend.start})
    try:
        connection.execute(command.query, command.parameters)
    except psycopg.errors.InsufficientPrivilege as error:
        raise PreflightError(
            f"an earlier run left server process {backend.pid} behind, and this role may not end it",
            hint="run as the role of the earlier run, or: GRANT pg_signal_backend TO the migration role",
        ) from error


def wait_until_gone(connection: Connection, backend: Backend, *, sleep: Sleep = time.sleep) -> None:
    """Wait until a terminated server process has ended; ConnectionLost after a minute."""
    try:
        Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_delay(_GONE_S),
            wait=wait_random_exponential(0.01, max=0.5),
            sleep=sleep,
        )(lambda: alive(connection, backend))
    except RetryError:
        raise ConnectionLost(f"server process {backend.pid} of an earlier run does not end") from None
