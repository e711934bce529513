"""The beginning of a backfill: its bounds and values, written down in the transaction that computed them.

Fails with StepFailed where the server refuses them, LockDeadline where a lock is in the way.
"""

import psycopg

from migrator.database import commands as sql
from migrator.database.commands import Command
from migrator.database.journal_read import read_migrations
from migrator.database.refusal import record_refusal
from migrator.database.translate import RETRYABLE
from migrator.database.walk import Key, ask, enter
from migrator.database.workbench import Workbench, reason_of
from migrator.errors import JournalDamaged, LockDeadline
from migrator.execution.batch import first_pace
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import BackfillRecord
from migrator.plan.step import Backfill, Step


def begin_anew(bench: Workbench, step: Step, work: Backfill) -> BackfillRecord:
    """Take the upper bound again: the table was changed while the walk went on (`backfill_drift`)."""
    with bench.connection.transaction():
        enter(bench, step, lock_ms=step.timeouts.lock_ms, statement_ms=None)
        upper: Key | None = next(iter(ask(bench, work.upper_sql)), None)
        bench_role(bench, step)
        bound = None if upper is None else list(upper)
        bench.execute(bench.commands.backfill("set upper", step, upper=bound))
    return reread(bench, step)


def begin(bench: Workbench, step: Step, work: Backfill) -> BackfillRecord:
    """Prepare, compute values and upper bound, and record them, in one transaction."""
    try:
        with bench.connection.transaction():
            enter(bench, step, lock_ms=step.timeouts.lock_ms, statement_ms=None)
            for text in work.prepare_sql:
                bench.execute(sql.plain(text))
            values = [ask(bench, text)[0][0] for text in work.value_sql]
            upper = next(iter(ask(bench, work.upper_sql)), None)
            bench_role(bench, step)
            bench.execute(_first_checkpoint(bench, step, work, values, upper))
    except psycopg.Error as error:
        if bench.connection.closed or error.sqlstate is None:
            raise
        if error.sqlstate in RETRYABLE:
            raise LockDeadline(
                f"step {step.id} of {step.migration} could not begin: {reason_of(error)}"
            ) from error
        raise record_refusal(bench, step, error, 1, 0.0) from error
    bench.faults(FaultPoint.BACKFILL_BEGUN)
    return reread(bench, step)


def bench_role(bench: Workbench, step: Step) -> None:
    """Be ourselves again in a step's transaction."""
    for command in sql.own_role(step.session, bench.connector.role):
        bench.execute(command)


def _first_checkpoint(
    bench: Workbench, step: Step, work: Backfill, values: list[str | None], upper: Key | None
) -> Command:
    return bench.commands.backfill(
        "begin backfill",
        step,
        upper=None if upper is None else list(upper),
        values=values,
        batch_rows=first_pace(bench.policy).rows,
        estimated_rows=work.estimated_rows,
    )


def reread(bench: Workbench, step: Step) -> BackfillRecord:
    """Return the checkpoint as the journal has it. Raises JournalDamaged."""
    records = read_migrations(bench.connection, bench.schema, step.migration)
    found = next((r.steps[step.id].backfill for r in records if step.id in r.steps), None)
    if found is None:
        raise gone(step)
    return found


def gone(step: Step) -> JournalDamaged:
    """Return the error for a checkpoint that somebody removed."""
    return JournalDamaged(
        f"the journal is damaged: the checkpoint of step {step.id} of {step.migration} is gone"
    )
