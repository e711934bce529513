"""A step of any kind, carried out and recorded: the one place where kinds of work are told apart."""

from typing import assert_never

import psycopg

from migrator.database import commands as sql
from migrator.database import unattended_index
from migrator.database.backfill import run_backfill
from migrator.database.backfill_drift import beginning_anew
from migrator.database.detach import run_detach
from migrator.database.drift import accept_what_is_left, check_drift_lately, check_drift_patiently
from migrator.database.index import run_build, run_drop
from migrator.database.own_settings import enter_session, leave_session
from migrator.database.partition_constraints import run_partition_constraints
from migrator.database.partition_indexes import run_partition_indexes
from migrator.database.preconditions import check_preconditions
from migrator.database.refusal import record_refusal
from migrator.database.reindex import run_reindex
from migrator.database.runner_lock import this_backend
from migrator.database.transaction import run_transaction
from migrator.database.unattended import settle
from migrator.database.workbench import Done, Workbench
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import StepRecord, StepState
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.step import (
    Autocommit,
    Backfill,
    BuildIndex,
    DetachPartition,
    DropIndex,
    PartitionConstraints,
    PartitionIndexes,
    Recovery,
    Step,
    Transaction,
)


def perform(bench: Workbench, step: Step, record: StepRecord | None) -> Done:
    """Carry out one step; `record` is what the journal has of it, None where it has not begun.

    Raises what the kinds of work raise; psycopg's errors only where the connection was lost.
    """
    work = step.work
    if isinstance(work, BuildIndex) and unattended_index.may_build(bench, step, record):
        record = unattended_index.build(bench, step, work)
        if record.done:
            bench.faults(FaultPoint.STEP_DONE)
            return Done(attempts=1)
    settle(bench)
    if step.preconditions and not _under_way(step, record):
        check_drift_patiently(bench, step.migration)
        check_preconditions(bench, step)
    done = _carry_out(bench, step, record)
    bench.faults(FaultPoint.STEP_DONE)
    accept_what_is_left(bench, step.migration)
    bench.faults(FaultPoint.DEFINITIONS_KEPT)
    return done


def _carry_out(bench: Workbench, step: Step, record: StepRecord | None) -> Done:
    """Hand the step over to what does its kind of work."""
    work = step.work
    match work:
        case BuildIndex():
            return run_build(bench, step, work, record)
        case RebuildIndexes():
            return run_reindex(bench, step, work, record)
        case DropIndex():
            return run_drop(bench, step, work, record)
        case DetachPartition():
            return run_detach(bench, step, work, record)
        case PartitionIndexes():
            return run_partition_indexes(bench, step, work, record)
        case PartitionConstraints():
            return run_partition_constraints(bench, step, work, record)
        case Transaction():
            check_drift_lately(bench, step.migration)
            _intend(bench, step)
            return run_transaction(bench, step, work)
        case Backfill():
            _begin(bench, step)
            return run_backfill(bench, step, work, record)
        case Autocommit():
            _begin(bench, step)
            return _run_autocommit(bench, step, work)
        case _:
            assert_never(work)


def _under_way(step: Step, record: StepRecord | None) -> bool:
    """Whether an earlier run may have changed something already; a transaction has all or nothing."""
    if record is None or step.recovery is Recovery.TRANSACTIONAL:
        return False
    return record.state is StepState.BEGUN or record.backend is not None


def _begin(bench: Workbench, step: Step) -> None:
    """Look for drift in everything the migration touches, then commit the intent."""
    with beginning_anew(bench, step):
        check_drift_patiently(bench, step.migration)
    _intend(bench, step)


def _intend(bench: Workbench, step: Step) -> None:
    """Commit the intent."""
    bench.execute(bench.commands.begin_step(step, this_backend(bench.connection).pid))
    bench.faults(FaultPoint.STEP_BEGUN)


def _run_autocommit(bench: Workbench, step: Step, work: Autocommit) -> Done:
    """Run a statement that no transaction block may hold; a crash from here on needs a person."""
    connection = bench.connection
    try:
        enter_session(bench, step)
        connection.execute(sql.plain(work.sql).query)
    except psycopg.Error as error:
        if connection.closed or error.sqlstate is None:
            raise
        leave_session(bench)
        raise record_refusal(bench, step, error, 1, 0.0) from error
    leave_session(bench)
    bench.faults(FaultPoint.AUTOCOMMIT_DONE)
    bench.together(bench.commands.end_step(step, 1, 0.0))
    return Done(attempts=1)
