"""The beginning of a run: connect, take the lock, make the journal, see that nobody of before is left."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from migrator.database import journal_install, runner_lock
from migrator.database.journal_commands import JournalCommands
from migrator.database.session import Connection, Connector
from migrator.database.standing_back import overtaken
from migrator.database.translate import translating
from migrator.database.unattended import settle
from migrator.database.workbench import Workbench
from migrator.errors import CannotConnect, ConnectionLost
from migrator.execution.events import Observer
from migrator.execution.faults import FaultPoint
from migrator.execution.options import RunOptions
from migrator.plan.plan import Plan
from migrator.policy import Policy


@contextlib.contextmanager
def open_run(
    connector: Connector,
    policy: Policy,
    options: RunOptions,
    observer: Observer,
    *,
    plan: Plan,
    run: int | None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Workbench]:
    """Open the executing connection of a run; `run` is its number where the connection was lost before.

    The journal notes what `plan` sets out to begin, and whether the database was in use then. Where another
    run was at work since the plan was made nothing is noted, and the session says so.

    Everything psycopg raises inside the block leaves it as an error of ours. Raises RunnerBusy and
    CannotConnect.
    """
    bench = _bench(connector, policy, options, observer, run=run, sleep=sleep)
    connection = bench.connection
    options.stop.cancel_with(lambda: connection.cancel_safe(timeout=10.0))
    outcome = "done"
    try:
        with translating("carrying out the migrations"):
            _take_over(bench, plan, options)
            yield bench
            _make_lasting(bench)
    except CannotConnect as error:  # a session beside this one: the server goes away, or has
        outcome = ConnectionLost.__name__
        raise ConnectionLost(error.message) from error
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        options.stop.cancel_with(None)
        _say_goodbye(bench, outcome)


def _bench(
    connector: Connector,
    policy: Policy,
    options: RunOptions,
    observer: Observer,
    *,
    run: int | None,
    sleep: Callable[[float], None],
) -> Workbench:
    commands = JournalCommands(policy.journal_schema, options.provenance)
    commands.run = run
    return Workbench(
        connector=connector,
        connection=connector.connect("run"),
        commands=commands,
        policy=policy,
        observer=observer,
        stop=options.stop,
        faults=options.faults,
        show=options.show,
        sleep=sleep,
        wait_s=options.wait_s,
        lease_after_s=options.lease_after_s,
    )


def _take_over(bench: Workbench, plan: Plan, options: RunOptions) -> None:
    connection, schema = bench.connection, bench.schema
    if bench.commands.run is not None and journal_install.exists(connection, schema):
        # Our own session of before may hold the lock until the server notices that we lost it.
        runner_lock.end_leftovers(
            connection, schema, observer=bench.observer, run=bench.commands.run, sleep=bench.sleep
        )
    runner_lock.acquire(
        connection,
        schema,
        wait_s=options.wait_s,
        observer=bench.observer,
        stop=options.stop,
        sleep=bench.sleep,
    )
    bench.faults(FaultPoint.LOCKED)
    new = journal_install.install(connection, schema)
    if plan.migrations and overtaken(bench, options):
        return
    if new or (plan.migrations and not bench.policy.disposable):  # from then on the database counts
        bench.execute(bench.commands.query("set disposable", disposable=bench.policy.disposable))
    runner_lock.end_leftovers(connection, schema, observer=bench.observer, sleep=bench.sleep)
    bench.execute(bench.commands.query("forget gone sessions"))
    if bench.commands.run is None:
        row: tuple[Any, ...] | None = bench.execute(bench.commands.begin_run(plan)).fetchone()
        bench.commands.run = row[0] if row else None
    bench.execute(bench.commands.query("record session", run=bench.commands.run, purpose="run"))
    bench.faults(FaultPoint.TAKEN_OVER)


def _make_lasting(bench: Workbench) -> None:
    """See that what was done together is on disk before the run says that it is done.

    Those commits did not wait for the disk; one that does waits for all before it. Where the connection is
    lost here, the next look at the journal tells what a crash of the server has taken away.
    """
    if bench.session.state is not None:
        settle(bench)
        bench.execute(bench.commands.query("end run", run=bench.commands.run, outcome="done"))


def _say_goodbye(bench: Workbench, outcome: str) -> None:
    """End the run in the journal where the connection still lives; closing it releases the lock."""
    connection: Connection = bench.connection
    if not connection.closed and bench.commands.run is not None:
        with contextlib.suppress(psycopg.Error):
            bench.rollback()
            settle(bench)
            own = runner_lock.this_backend(connection)
            bench.execute(bench.commands.query("end run", run=bench.commands.run, outcome=outcome))
            bench.execute(bench.commands.query("forget session", pid=own.pid, start=own.start))
    connection.close()
