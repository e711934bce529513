"""One statement CONCURRENTLY on a session of its own, which outlives us if it must.

The session is recorded as `build`, so that a successor does not end it but waits for it. The runner lock
stays on the executing connection, which meanwhile reports the progress: it goes with us if we die, and the
successor gets it. A statement that may hold or queue for a lock which the application needs gives way as soon
as somebody waits for it; that one ends with us.
"""

import contextlib
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import psycopg
from psycopg import errors, pq

from migrator.database import commands as sql
from migrator.database.build_progress import Watch, application_waits
from migrator.database.runner_lock import at_work, terminate, this_backend, wait_until_gone
from migrator.database.session import Connection
from migrator.database.workbench import Workbench
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import Backend
from migrator.plan.step import Step

_POLL_S = 0.1
_LOOK_S = 1.0
_IDLE = 3
"""So many looks in a row may find the server process idle before its answer must have come."""

_GRACE_S = 5.0
"""How long a build is given to end after the first request to stop, before it is left to itself."""

_CANCEL_S = 10.0
_LONGEST_MS = 2**31 - 1
"""The server's largest timeout, 24.8 days."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement outside a transaction block, and what it may cost others."""

    text: str
    seconds: float
    """The server cancels it after so long, whether we are there or not."""
    lasting: bool = True
    """It goes on when we die, for the next run to adopt."""
    gives_way: bool = False
    """It is cancelled when a reader or writer has waited for it half a lock budget."""


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """The session that builds, and its server process."""

    connection: Connection
    backend: Backend


@dataclass(slots=True, kw_only=True)
class _Course:
    """What is noted while a statement runs; times of `time.monotonic`."""

    watch: Watch
    asked: float | None = None
    """When the person asked to stop."""
    waited_for: float | None = None
    """Since when readers or writers wait."""
    cancelled: bool = False
    looked: float = field(default_factory=time.monotonic)
    """When the server process was last looked for."""
    idle: int = 0
    """Looks that found it idle, since one that did not."""
    began: float = field(default_factory=time.monotonic)


@contextmanager
def builder(bench: Workbench, step: Step) -> Iterator[Builder]:
    """Open a session for the step; it is forgotten by the journal when it ended in order."""
    connection, backend = bench.connector.connect(f"step {step.id}"), None
    try:
        record = bench.commands.query("record session", run=bench.commands.run, purpose="build")
        connection.execute(record.query, record.parameters)
        backend = this_backend(connection)
        for command in sql.enter_session(step.session, local=False):
            connection.execute(command.query)
        yield Builder(connection=connection, backend=backend)
    finally:
        over = connection.info.transaction_status == pq.TransactionStatus.IDLE
        # While the server is at work this only says good-bye: it reads that after the build.
        connection.close()
        if over and backend is not None and not bench.connection.closed:
            _forget(bench, backend)


def _forget(bench: Workbench, backend: Backend) -> None:
    """Wait until a session that ended in order is gone, and forget it."""
    with contextlib.suppress(psycopg.Error):  # a lost connection is noticed by what comes next
        wait_until_gone(bench.connection, backend, sleep=bench.sleep)
        bench.execute(bench.commands.query("forget session", pid=backend.pid, start=backend.start))


def run_statement(
    bench: Workbench, step: Step, building: Builder, statement: Statement
) -> psycopg.Error | None:
    """Run it to its end, reporting; return what the server refused it with.

    Interrupted leaves a lasting one going on. Raises psycopg's errors of the executing connection only.
    """
    pgconn = building.connection.pgconn
    try:
        _limit(bench, building.connection, statement)
        pgconn.send_query(statement.text.encode())
        while pgconn.flush():
            time.sleep(0)
    except psycopg.Error as error:
        return error
    bench.faults(FaultPoint.BUILD_SENT)
    bench.stop.cancel_with(lambda: building.connection.cancel_safe(timeout=_CANCEL_S))
    try:
        lost = _wait(bench, step, building, statement)
    finally:
        bench.stop.cancel_with(None)
    if lost is not None:
        return lost
    # All of them before any is judged: the server tidies up between the error and being ready again.
    found = [r for r in _results(pgconn) if r.status == pq.ExecStatus.FATAL_ERROR]
    if found:
        return errors.error_from_result(found[0])
    bench.faults(FaultPoint.BUILD_ENDED)
    return None


def _limit(bench: Workbench, connection: Connection, statement: Statement) -> None:
    """Give the session its own limits, whatever role, database or file have set."""
    settings = {
        "lock_timeout": "0",  # it would count while old snapshots are waited out
        "statement_timeout": str(min(max(int(statement.seconds * 1000) + 1, 1), _LONGEST_MS)),
    }
    if bench.version.client_connection_check_interval:
        check = 0 if statement.lasting else bench.policy.lock_budget_ms
        settings["client_connection_check_interval"] = str(check)
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))


def _wait(bench: Workbench, step: Step, building: Builder, statement: Statement) -> psycopg.Error | None:
    """Wait for the answer; return the error of a session that was lost meanwhile."""
    course = _Course(watch=Watch(bench=bench, step=step, backend=building.backend, adopted=False))
    poll = min(_POLL_S, bench.policy.lock_budget_ms / 4000) if statement.gives_way else _POLL_S
    with selectors.DefaultSelector() as selector:
        selector.register(building.connection.pgconn.socket, selectors.EVENT_READ)
        try:
            while not _answered(selector, building.connection, poll):
                _look_around(bench, building, statement, course)
        except psycopg.OperationalError as error:
            if bench.connection.closed or not _is_lost(building.connection):
                raise
            return error
    return None


def _look_around(bench: Workbench, building: Builder, statement: Statement, course: _Course) -> None:
    """Give way, stop, report: whichever it is time for."""
    now = time.monotonic()
    if statement.gives_way and not course.cancelled and _in_the_way(bench, building, course, now):
        _cancel(building, course)
    if bench.stop.requested:
        course.asked = now if course.asked is None else course.asked
        if not bench.stop.now and now - course.asked > _GRACE_S:
            if statement.lasting:
                raise bench.stop.error()
            if not course.cancelled:
                _cancel(building, course)
    course.watch.report()
    if now - course.looked >= _LOOK_S:
        course.looked = now
        _look_for(bench, building, course)


def _look_for(bench: Workbench, building: Builder, course: _Course) -> None:
    """Give up the session where its server process is at its end and no answer has come (see `silence`)."""
    course.idle = 0 if at_work(bench.connection, building.backend) else course.idle + 1
    if course.idle > _IDLE:
        terminate(bench.connection, building.backend)
        building.connection.pgconn.finish()
        raise psycopg.OperationalError("the server process has come to its end, and its answer is lost")


def _in_the_way(bench: Workbench, building: Builder, course: _Course, now: float) -> bool:
    """Whether the application has waited half the budget; the rest is for the cancellation."""
    if not application_waits(bench, building.backend):
        course.waited_for = None
        return False
    course.waited_for = now if course.waited_for is None else course.waited_for
    return now - course.waited_for >= bench.policy.lock_budget_ms / 2000


def _cancel(building: Builder, course: _Course) -> None:
    course.cancelled = True
    building.connection.cancel_safe(timeout=_CANCEL_S)


def _answered(selector: selectors.BaseSelector, connection: Connection, poll_s: float) -> bool:
    """Wait a little; return whether the server has answered."""
    if selector.select(poll_s):
        connection.pgconn.consume_input()
    return not connection.pgconn.is_busy()


def _is_lost(connection: Connection) -> bool:
    return connection.pgconn.status == pq.ConnStatus.BAD


def _results(pgconn: pq.abc.PGconn) -> Iterator[pq.abc.PGresult]:
    while (result := pgconn.get_result()) is not None:
        yield result
