"""A backfill: a walk over a table in windows of its key, each batch one transaction with its checkpoint.

A batch first tries the plain UPDATE of its window under a lock timeout far below deadlock_timeout, so that
the application is never a deadlock's victim; where rows are locked it passes over them and notes their keys
in the same transaction. `sweep` gets those afterwards. A batch that takes too long is tried with fewer rows,
then with more time. Fails with StepFailed naming the row that the server refuses, with StoppedSafely where
one row takes too long, with Paused or Interrupted between two batches; a lost connection is psycopg's error,
and the next run goes on from the checkpoint.
"""

import time
from dataclasses import dataclass, field

import psycopg

from migrator.database import commands as sql
from migrator.database.backfill_beginning import begin, begin_anew, bench_role, gone, reread
from migrator.database.backfill_drift import DriftWatch
from migrator.database.commands import Command
from migrator.database.journal_commands import CHANGED
from migrator.database.lease import Lease
from migrator.database.refusal import record_failure, record_refusal
from migrator.database.sweep import sweep_until_nothing_is_left
from migrator.database.termination import end_overdue
from migrator.database.translate import CANCELED, LOCK_NOT_AVAILABLE, RETRYABLE
from migrator.database.walk import Key, Walk
from migrator.database.workbench import Done, Workbench, reason_of
from migrator.errors import DriftError, LockDeadline, StoppedSafely
from migrator.execution.batch import Pace, first_pace
from migrator.execution.blocker import described
from migrator.execution.events import BatchCancelled, BatchDone
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import BackfillRecord, StepRecord
from migrator.plan.step import Backfill, Step

_PATIENCE_MS = 50
"""lock_timeout of a batch; far below deadlock_timeout (1 s by default)."""

_TROUBLES = 50
"""Cancelled batches in a row, each half as large, before the run stops."""

_HOPELESS = 3
"""So often one row is given the longest time in vain before the run stops."""

_PASSES = 3
"""How often the walk may begin, where rows are left over at its end."""


@dataclass(slots=True, kw_only=True)
class _Course:
    """Where the walk stands; the journal has the same after each batch."""

    last: Key | None
    pace: Pace
    rows_done: int
    rows_skipped: int
    began: float = field(default_factory=time.monotonic)
    troubles: int = 0
    """Batches that were cancelled since the last one that was committed."""
    hopeless: int = 0
    """Those of them that had one row and all the time there is."""


def run_backfill(bench: Workbench, step: Step, work: Backfill, record: StepRecord | None) -> Done:
    """Carry out the backfill, from its checkpoint if there is one."""
    began = time.monotonic()
    checkpoint = record.backfill if record else None
    if checkpoint is None:
        checkpoint = begin(bench, step, work)
    watch = DriftWatch(bench=bench, step=step, table=work.table)
    try:
        _carry_out(watch, work, checkpoint, began)
    except psycopg.Error as error:
        if bench.connection.closed or error.sqlstate is None or error.sqlstate in RETRYABLE:
            raise
        watch.look()
        raise record_refusal(bench, step, error, 1, time.monotonic() - began) from error
    except DriftError:  # found in the transaction that was to end it
        watch.look()
        raise
    return Done(attempts=1, rows=reread(bench, step).rows_done)


def _carry_out(watch: DriftWatch, work: Backfill, checkpoint: BackfillRecord, began: float) -> None:
    """Walk, sweep and prove, as often as it takes; then record the end."""
    bench, step = watch.bench, watch.step
    if checkpoint.passes == 0:
        checkpoint = begin_anew(bench, step, work)
    lease = Lease(bench=bench, step=step)
    walk = Walk(
        bench=bench,
        step=step,
        work=work,
        upper=checkpoint.upper or (),
        values=checkpoint.values,
        watch=watch,
        between=lease.take_when_due,
    )
    for passed in range(checkpoint.passes, _PASSES + 1):
        if not checkpoint.walked:
            _walk(walk, checkpoint)
        if checkpoint.upper is None or sweep_until_nothing_is_left(walk, last_pass=passed >= _PASSES):
            break
        bench.execute(bench.commands.backfill("walk again", step))
        checkpoint = reread(bench, step)
    lease.come_back()
    bench.faults(FaultPoint.WALK_CHECKED)
    _finish(walk, time.monotonic() - began)


# --- the walk


def _walk(walk: Walk, checkpoint: BackfillRecord) -> None:
    bench = walk.bench
    course = _Course(
        last=checkpoint.last,
        pace=first_pace(
            bench.policy, checkpoint.batch_rows, checkpoint.rate, walk.step.timeouts.statement_ms
        ),
        rows_done=checkpoint.rows_done,
        rows_skipped=checkpoint.rows_skipped,
    )
    while True:
        bench.check_stop()
        walk.watch.now_and_then()
        walk.between()
        end = walk.window_end(course.last, course.pace.rows)
        if end is None:
            break
        _batch(walk, course, end)
    bench.execute(bench.commands.backfill("walked", walk.step))


def _batch(walk: Walk, course: _Course, end: Key) -> None:
    """Do one window, or make the next one smaller."""
    began = time.monotonic()
    try:
        try:
            _commit_window(walk, course, end, passing_over=False)
        except psycopg.Error as error:
            if error.sqlstate not in RETRYABLE or error.sqlstate == CANCELED:
                raise
            _commit_window(walk, course, end, passing_over=True)
    except psycopg.Error as error:
        _trouble(walk, course, end, error, time.monotonic() - began)


def _commit_window(walk: Walk, course: _Course, end: Key, *, passing_over: bool) -> None:
    bench, window = walk.bench, course.pace.rows
    began = time.monotonic()
    with bench.connection.transaction():
        walk.enter(lock_ms=_PATIENCE_MS, statement_ms=course.pace.limit_ms)
        changed = walk.update_window(course.last, end, passing_over=passing_over)
        left = walk.left(course.last, end) if passing_over else []
        bench.faults(FaultPoint.BATCH_UPDATED)
        pace = course.pace.after_batch(window, (time.monotonic() - began) * 1000, changed)
        bench_role(bench, walk.step)
        walk.check()
        for key in left:
            bench.execute(bench.commands.backfill("skip", walk.step, key=list(key)))
        if bench.execute(_checkpoint(walk, end, changed, pace)).rowcount != 1:
            raise gone(walk.step)  # and what the batch changed is rolled back
    if course.troubles:
        bench.execute(bench.commands.step_waits(walk.step, None))
    course.last, course.pace, course.troubles, course.hopeless = end, pace, 0, 0
    course.rows_done += changed
    course.rows_skipped += len(left)
    _tell(walk, course, changed, time.monotonic() - began, contended=passing_over)
    bench.faults(FaultPoint.BATCH_DONE)


def _checkpoint(walk: Walk, end: Key, changed: int, pace: Pace) -> Command:
    return walk.bench.commands.backfill(
        "checkpoint", walk.step, last=list(end), rows=changed, batch_rows=pace.rows, rate=pace.rate
    )


def _tell(walk: Walk, course: _Course, changed: int, seconds: float, *, contended: bool) -> None:
    estimated = walk.work.estimated_rows
    walk.bench.observer.event(
        BatchDone(
            step=walk.step,
            rows=changed,
            rows_done=course.rows_done,
            rows_skipped=course.rows_skipped,
            estimated_rows=estimated,
            batch_rows=course.pace.rows,
            seconds=seconds,
            rate=course.pace.rate,
            eta_s=course.pace.eta_s(course.rows_done, estimated),
            contended=contended,
        )
    )


def _trouble(walk: Walk, course: _Course, end: Key, error: psycopg.Error, seconds: float) -> None:
    """Go slower after a timeout; look for the row that the server refuses; raise what is neither."""
    bench = walk.bench
    if bench.connection.closed or error.sqlstate is None:
        raise error
    if bench.stop.now:
        raise bench.stop.error() from error
    if error.sqlstate in RETRYABLE:
        _slow_down(walk, course, error, seconds)
        return
    walk.watch.look()
    if error.sqlstate == CHANGED and course.troubles < _TROUBLES:
        course.troubles += 1
        return
    if course.pace.rows > 1:
        course.pace = course.pace.narrowed()
        return
    reason = f"{reason_of(error)}\nthe row with the key ({', '.join(end)})"
    raise record_failure(bench, walk.step, reason, 1, time.monotonic() - course.began) from error


def _slow_down(walk: Walk, course: _Course, error: psycopg.Error, seconds: float) -> None:
    """Take fewer rows, or more time for one; say so; stop the run where nothing helps."""
    bench, step, pace = walk.bench, walk.step, course.pace
    too_long = error.sqlstate == CANCELED and seconds * 1000 >= pace.limit_ms  # else somebody cancelled it
    course.troubles += 1
    course.hopeless += too_long and pace.exhausted
    course.pace = pace.after_timeout() if too_long else pace.after_trouble()
    locked = error.sqlstate == LOCK_NOT_AVAILABLE  # the table: locked rows are passed over
    blockers = bench.lookout.of_locks(step.effect.locks) if locked else ()
    reason = described(blockers, f"a batch was cancelled: {reason_of(error)}")
    bench.execute(bench.commands.step_waits(step, reason))
    bench.observer.event(
        BatchCancelled(
            step=step,
            batch_rows=pace.rows,
            seconds=seconds,
            limit_s=pace.limit_ms / 1000,
            next_rows=course.pace.rows,
            next_limit_s=course.pace.limit_ms / 1000,
            troubles=course.troubles,
            error=reason_of(error),
            blockers=blockers,
        )
    )
    end_overdue(bench, step, blockers)
    if course.hopeless >= _HOPELESS or course.troubles >= _TROUBLES:
        raise _no_way_on(walk, course, error) from error
    bench.sleep(0.05 * min(course.troubles, 20) * (0.5 + bench.jitter()))


def _no_way_on(walk: Walk, course: _Course, error: psycopg.Error) -> StoppedSafely:
    step, where = (
        walk.step,
        f"after the key ({', '.join(course.last)})" if course.last else "at the beginning",
    )
    if not course.hopeless:
        return LockDeadline(f"step {step.id} of {step.migration}: no batch goes through: {reason_of(error)}")
    return StoppedSafely(
        f"step {step.id} of {step.migration} ({step.title}): the row {where} takes longer than "
        f"{course.pace.limit_ms / 1000:g} s: {reason_of(error)}",
        hint="look what makes it slow (a trigger?), or raise run.batch_target; then run again to resume",
    )


def _finish(walk: Walk, seconds: float) -> None:
    bench, step = walk.bench, walk.step
    with bench.connection.transaction():
        walk.enter(lock_ms=step.timeouts.lock_ms, statement_ms=None)
        for text in walk.work.finish_sql:
            bench.execute(sql.plain(text))
        bench_role(bench, step)
        walk.watch.check()
        for command in bench.commands.end_step(step, 1, seconds, defines=False):
            bench.execute(command)
