"""DETACH PARTITION CONCURRENTLY as a state machine over what the catalog answers.

The statement first marks the partition as pending, in a transaction of its own, waits for those who use the
partitioned table, and then detaches it. Its attempts wait for any lock no longer than the step's
lock_timeout: it may so end between the two, after which only FINALIZE leads on, tried again in the same way.
Each attempt is short, so it runs on the executing connection: a takeover ends it with that, and the catalog
tells how far it came. Fails with StepFailed, DriftError, LockDeadline or Interrupted; a partition that is
pending stays so until the next run.
"""

import enum
import time
from dataclasses import dataclass

import psycopg

from migrator.database import commands as sql
from migrator.database.blockers import blockers_of_locks
from migrator.database.commands import journal_query
from migrator.database.drift import check_drift_patiently
from migrator.database.journal_commands import relations_of
from migrator.database.own_settings import enter_session, leave_session
from migrator.database.probe import FILE
from migrator.database.refusal import record_failure, record_refusal
from migrator.database.runner_lock import this_backend
from migrator.database.translate import RETRYABLE
from migrator.database.workbench import Done, Workbench, reason_of
from migrator.errors import LockDeadline
from migrator.execution.events import LockAttemptFailed
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import StepRecord, StepState
from migrator.execution.lock_attempts import SPRINT, Approach, pause_s
from migrator.plan.step import DetachPartition, Step

_PENDING_HINT = "it stays pending; run again to finish it"


class Partition(enum.Enum):
    """What the catalog says of the table that is to be detached."""

    ATTACHED = "a partition like any other"
    PENDING = "half detached"
    DETACHED = "no partition of any table"
    ELSEWHERE = "a partition of another table"
    ABSENT = "there is no such table"


@dataclass(slots=True, kw_only=True)
class _Course:
    """Where the state machine stands."""

    began: float
    begun: bool
    """An intent of this step is recorded."""
    attempts: int = 0
    error: str = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


def run_detach(bench: Workbench, step: Step, work: DetachPartition, record: StepRecord | None) -> Done:
    """Detach the partition; `record` is what the journal has of the step."""
    begun = record is not None and record.state is StepState.BEGUN
    course = _Course(began=time.monotonic(), begun=begun)
    while True:
        bench.check_stop()
        match state := probe_partition(bench, work):
            case Partition.DETACHED:
                return _conclude(bench, step, course)
            case Partition.ATTACHED:
                check_drift_patiently(bench, step.migration, relations_of(step))
                _attempt(bench, step, work.sql, course)
            case Partition.PENDING:
                _attempt(bench, step, work.finalize_sql, course)
            case _:
                _intend(bench, step, course)
                reason = f"{work.partition} is not a partition of {work.root}: {state.value}"
                raise record_failure(bench, step, reason, course.attempts, course.seconds)


def probe_partition(bench: Workbench, work: DetachPartition) -> Partition:
    """Ask the catalog about the partition."""
    parameters = {
        "root_schema": work.root.schema,
        "root_name": work.root.name,
        "schema": work.partition.schema,
        "name": work.partition.name,
    }
    row = bench.execute(journal_query(FILE, "partition", bench.schema, parameters)).fetchone()
    if row is None:
        return Partition.ABSENT
    attached, of_root, pending = row
    if not attached:
        return Partition.DETACHED
    if not of_root:
        return Partition.ELSEWHERE
    return Partition.PENDING if pending else Partition.ATTACHED


def _attempt(bench: Workbench, step: Step, statement: str, course: _Course) -> None:
    """Run one statement; return to let the state machine look, after a pause where a lock was in the way."""
    _intend(bench, step, course)
    course.attempts += 1
    try:
        enter_session(bench, step)
        bench.connection.execute(sql.plain(statement).query)
    except psycopg.Error as error:
        if bench.connection.closed or error.sqlstate is None:
            raise
        leave_session(bench)
        _judge(bench, step, error, course)
    else:
        leave_session(bench)
    bench.faults(FaultPoint.DETACH_TRIED)


def _judge(bench: Workbench, step: Step, error: psycopg.Error, course: _Course) -> None:
    """Raise what the refusal means; pause where a later attempt may succeed."""
    if bench.stop.requested:
        raise bench.stop.error() from error
    if error.sqlstate not in RETRYABLE:
        raise record_refusal(bench, step, error, course.attempts, course.seconds) from error
    course.error = reason_of(error)
    _report(bench, step, course)
    if course.seconds > step.timeouts.deadline_s:
        raise LockDeadline(
            f"step {step.id} of {step.migration} ({step.title}) got no further in "
            f"{step.timeouts.deadline_s:g} s: {course.error}",
            hint=_PENDING_HINT,
        ) from error
    budget = bench.policy.lock_budget_ms
    bench.sleep(pause_s(SPRINT + course.attempts, Approach.QUEUE, budget, bench.jitter()))


def _report(bench: Workbench, step: Step, course: _Course) -> None:
    """Tell the observer, and the journal, who is in the way."""
    blockers = blockers_of_locks(bench.connection, step.effect.locks)
    waits_for = "; ".join(str(b) for b in blockers) or course.error
    bench.execute(bench.commands.step_waits(step, waits_for))
    bench.observer.event(
        LockAttemptFailed(
            step=step,
            attempt=course.attempts,
            waited_s=course.seconds,
            deadline_s=step.timeouts.deadline_s,
            wanted=step.effect.locks,
            blockers=blockers,
            error=course.error,
        )
    )


def _conclude(bench: Workbench, step: Step, course: _Course) -> Done:
    """Record the step as done: by this run, or found so."""
    _intend(bench, step, course)
    bench.together(bench.commands.end_step(step, course.attempts, course.seconds))
    return Done(attempts=course.attempts, found_done=course.attempts == 0)


def _intend(bench: Workbench, step: Step, course: _Course) -> None:
    """Commit the intent, once in each run: whose server process works on it."""
    if course.attempts == 0:
        bench.execute(bench.commands.begin_step(step, this_backend(bench.connection).pid))
        bench.faults(FaultPoint.STEP_BEGUN)
