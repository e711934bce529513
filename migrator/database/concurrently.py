"""One statement CONCURRENTLY on a session of its own, which outlives us if it must.

The session is recorded as `build`, so that a successor does not end it but waits for it. The runner lock
stays on the executing connection, which meanwhile reports the progress: it goes with us if we die, and the
successor gets it.
"""

import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import errors, pq

from migrator.database import commands as sql
from migrator.database.blockers import blockers_of_backend
from migrator.database.commands import journal_query
from migrator.database.probe import FILE
from migrator.database.runner_lock import this_backend
from migrator.database.session import Connection
from migrator.database.workbench import Workbench
from migrator.execution.events import BuildProgress
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import Backend
from migrator.plan.step import Step

_POLL_S = 0.1
_REPORT_S = 1.0
_GRACE_S = 10.0
"""How long a build is given to end after the first request to stop, before it is left to itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """The session that builds, and its server process."""

    connection: Connection
    backend: Backend


@contextmanager
def builder(bench: Workbench, step: Step) -> Iterator[Builder]:
    """Open a session for the step; it is forgotten by the journal when it ended in order."""
    connection = bench.connector.connect(f"step {step.id}")
    try:
        record = bench.commands.query("record session", run=bench.commands.run, purpose="build")
        connection.execute(record.query, record.parameters)
        backend = this_backend(connection)
        _prepare(bench, step, connection)
        yield Builder(connection=connection, backend=backend)
    finally:
        # While the server is at work this only says good-bye: it reads that after the build.
        connection.close()


def run_concurrently(bench: Workbench, step: Step, building: Builder, statement: str) -> None:
    """Run the statement to its end, reporting. Raises psycopg's error; Interrupted leaves it going on."""
    pgconn = building.connection.pgconn
    pgconn.send_query(statement.encode())
    while pgconn.flush():
        time.sleep(0)
    bench.faults(FaultPoint.BUILD_SENT)
    bench.stop.cancel_with(lambda: building.connection.cancel_safe(timeout=10.0))
    try:
        _wait(bench, step, building)
    finally:
        bench.stop.cancel_with(None)
    # All of them before any is judged: the server tidies up between the error and being ready again.
    for result in list(_results(pgconn)):
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
    bench.faults(FaultPoint.BUILD_ENDED)


def report(bench: Workbench, step: Step, backend: Backend, elapsed_s: float, *, adopted: bool) -> None:
    """Tell the observer, and the journal, how far the server process is and whom it waits for."""
    row = bench.execute(journal_query(FILE, "progress", bench.schema, {"pid": backend.pid})).fetchone()
    stage, done, total = ("", 0, 0) if row is None else row
    waits_for = blockers_of_backend(bench.connection, backend.pid)
    named = "; ".join(str(b) for b in waits_for)
    bench.execute(bench.commands.step_waits(step, named or None))
    bench.observer.event(
        BuildProgress(
            step=step,
            pid=backend.pid,
            stage=str(stage),
            done=int(done or 0),  # type: ignore[call-overload]  # a bigint or NULL
            total=int(total or 0),  # type: ignore[call-overload]  # a bigint or NULL
            elapsed_s=elapsed_s,
            waits_for=waits_for,
            adopted=adopted,
        )
    )


def _prepare(bench: Workbench, step: Step, connection: Connection) -> None:
    settings = {
        "lock_timeout": "0",  # it would count while old snapshots are waited out
        "statement_timeout": str(int(step.timeouts.deadline_s * 1000)),
    }
    if bench.version.client_connection_check_interval:
        settings["client_connection_check_interval"] = "0"  # goes on when we die
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    for command in sql.enter_session(step.session, local=False):
        connection.execute(command.query)


def _wait(bench: Workbench, step: Step, building: Builder) -> None:
    began = time.monotonic()
    reported = began
    asked: float | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(building.connection.pgconn.socket, selectors.EVENT_READ)
        while not _answered(selector, building.connection):
            now = time.monotonic()
            asked = now if bench.stop.requested and asked is None else asked
            if asked is not None and not bench.stop.now and now - asked > _GRACE_S:
                raise bench.stop.error()
            if now - reported >= _REPORT_S:
                report(bench, step, building.backend, now - began, adopted=False)
                reported = now


def _answered(selector: selectors.BaseSelector, connection: Connection) -> bool:
    """Wait a little; return whether the server has answered."""
    if selector.select(_POLL_S):
        connection.pgconn.consume_input()
    return not connection.pgconn.is_busy()


def _results(pgconn: pq.abc.PGconn) -> Iterator[pq.abc.PGresult]:
    while (result := pgconn.get_result()) is not None:
        yield result
