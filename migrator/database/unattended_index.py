"""CREATE INDEX CONCURRENTLY where nothing is live: in the executing session, with no other to watch it.

The intent names the executing session, which a successor ends before it looks for what the build has left.
What the server refuses is left to the ordinary way, which probes the catalog and removes remains.
"""

import psycopg
from msgspec.structs import replace

from migrator.database import commands as sql
from migrator.database.pipeline import send
from migrator.database.runner_lock import this_backend
from migrator.database.steps_session import UNKNOWN, session_state
from migrator.database.unattended import record_together
from migrator.database.workbench import Workbench
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import StepRecord, StepState
from migrator.plan.step import BuildIndex, Step

_DUPLICATE = "42P07"


def may_build(bench: Workbench, step: Step, record: StepRecord | None) -> bool:
    """Whether the step can be carried out here: it has not begun, and nobody watches."""
    own = step.session.role in {None, bench.session.role(bench)}
    corrupt = bench.version.concurrent_builds_corrupt
    return record is None and not bench.commands.attended and own and not corrupt


def build(bench: Workbench, step: Step, work: BuildIndex) -> StepRecord:
    """Build the index; return the record of the step, done or as the ordinary way is to go on with it.

    Raises Interrupted, and psycopg's error of a lost session.
    """
    backend = this_backend(bench.connection)
    record = StepRecord(
        version=step.migration, id=step.id, state=StepState.BEGUN, phase=step.phase, title=step.title
    )
    try:
        for placed in session_state(bench, step.session):
            bench.execute(placed.command)
        bench.session.state = UNKNOWN
        bench.execute(sql.set_session({"lock_timeout": 0}))  # it would count while snapshots are waited out
        bench.execute(bench.commands.begin_step(step, backend.pid))
        bench.faults(FaultPoint.BUILD_SENT)
        bench.execute(sql.plain(work.sql))
        bench.faults(FaultPoint.BUILD_ENDED)
    except psycopg.Error as error:
        if bench.connection.closed or error.sqlstate is None:
            raise
        bench.rollback()
        if bench.stop.now:
            raise bench.stop.error() from error
        if error.sqlstate == _DUPLICATE:  # what is there is not ours
            bench.execute(bench.commands.begin_step(step, None))
            return record
        return replace(record, backend=backend)
    send(bench.connection, record_together(*bench.commands.end_step(step, 1, 0.0)))
    return replace(record, state=StepState.DONE)
