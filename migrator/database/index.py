"""CREATE and DROP INDEX CONCURRENTLY as state machines over what the catalog answers.

An intent that names the building server process is committed before the statement is sent; afterwards the
catalog tells what became of it. An invalid index is removed only where an intent of this step exists. Fails
with StepFailed, DriftError, LockDeadline (past the step's deadline) or Interrupted, which leaves a build
going on for the next run.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import psycopg

from migrator.database.concurrently import Builder, builder, report, run_concurrently
from migrator.database.drift import check_drift_patiently
from migrator.database.journal_commands import relations_of
from migrator.database.probe import (
    Absent,
    Answer,
    Complete,
    Foreign,
    HalfDone,
    Running,
    probe_build,
    probe_drop,
    running,
)
from migrator.database.refusal import record_failure, record_refusal
from migrator.database.translate import CANCELED, DEADLOCK
from migrator.database.workbench import Done, Workbench
from migrator.errors import LockDeadline
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import Backend, StepRecord
from migrator.plan.step import BuildIndex, DropIndex, Step

Remains = Callable[[], tuple[str, ...]]
"""What looks for the remains of a refused statement, and returns the statements that remove them."""

ATTEMPTS = 5
"""After so many deadlocks a person has to look."""

_POLL_S = 0.2
_REPORT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where the state machine stands."""

    began: float
    recorded: Backend | None
    """The server process of the intent; None before the first intent of this step."""
    attempts: int = 0

    @property
    def seconds(self) -> float:
        """Since this run took the step up."""
        return time.monotonic() - self.began


def run_build(bench: Workbench, step: Step, work: BuildIndex, record: StepRecord | None) -> Done:
    """Bring the index into being; `record` is what the journal has of the step."""
    if bench.version.concurrent_builds_corrupt:
        intend(bench, step, None)
        raise record_failure(bench, step, "PostgreSQL 14.0 to 14.3 may corrupt an index built CONCURRENTLY")
    course = Course(began=time.monotonic(), recorded=record.backend if record else None)
    while True:
        answer = probe_build(bench, step, work, course.recorded)
        match answer:
            case Complete():
                return conclude(bench, step, course)
            case Absent():
                check_drift_patiently(bench, step.migration, relations_of(step))
                course = attempt(bench, step, work.sql, course)
            case HalfDone() if course.recorded is not None:
                course = attempt(bench, step, work.drop_sql, course)
                bench.faults(FaultPoint.REMAINS_REMOVED)
            case _:
                _stand_back(bench, step, course, answer)


def run_drop(bench: Workbench, step: Step, work: DropIndex, record: StepRecord | None) -> Done:
    """Bring the index out of the world."""
    course = Course(began=time.monotonic(), recorded=record.backend if record else None)
    while True:
        answer = probe_drop(bench, work, course.recorded)
        match answer:
            case Absent():
                return conclude(bench, step, course)
            case Complete() | HalfDone():
                if course.recorded is None:
                    check_drift_patiently(bench, step.migration, relations_of(step))
                course = attempt(bench, step, work.sql, course)
            case _:
                _stand_back(bench, step, course, answer)


def _stand_back(bench: Workbench, step: Step, course: Course, answer: Answer) -> None:
    """Wait for a build that goes on; refuse what is not ours."""
    match answer:
        case Running(backend=backend):
            _adopt(bench, step, backend)
        case Foreign(description=description):
            raise refuse(bench, step, course, description)
        case _:
            raise refuse(bench, step, course, "an invalid index of that name exists, which is not ours")


def refuse(bench: Workbench, step: Step, course: Course, reason: str) -> Exception:
    """Record that the step failed, and return the error."""
    intend(bench, step, course.recorded)
    return record_failure(bench, step, reason, course.attempts, course.seconds)


def conclude(bench: Workbench, step: Step, course: Course) -> Done:
    """Record the step as done: by this run, or found so."""
    if course.recorded is None:
        intend(bench, step, None)
    bench.together(bench.commands.end_step(step, course.attempts, course.seconds))
    return Done(attempts=course.attempts, found_done=course.attempts == 0)


def attempt(
    bench: Workbench, step: Step, statement: str, course: Course, remains: Remains | None = None
) -> Course:
    """Run one statement on a builder of its own, and return where that leads; a refusal leaves no remains."""
    bench.check_stop()
    with builder(bench, step) as building:
        bench.execute(bench.commands.begin_step(step, building.backend.pid))
        bench.faults(FaultPoint.STEP_BEGUN)
        course = replace(course, recorded=building.backend, attempts=course.attempts + 1)
        try:
            run_concurrently(bench, step, building, statement)
        except psycopg.Error as error:
            _judge(bench, step, building, error, course, remains=remains or partial(_remains, bench, step))
    _forget(bench, building.backend)
    return course


def _judge(
    bench: Workbench,
    step: Step,
    building: Builder,
    error: psycopg.Error,
    course: Course,
    *,
    remains: Remains,
) -> None:
    """Raise what the refusal means; return to let the state machine look again."""
    if building.connection.closed or error.sqlstate is None:
        raise error
    if bench.stop.requested:
        raise bench.stop.error() from error
    if error.sqlstate == CANCELED:
        raise LockDeadline(
            f"step {step.id} of {step.migration} ({step.title}) did not end in {step.timeouts.deadline_s:g} s"
        ) from error
    if error.sqlstate == DEADLOCK and course.attempts < ATTEMPTS:
        return
    for statement in remains():
        run_concurrently(bench, step, building, statement)
        bench.faults(FaultPoint.REMAINS_REMOVED)
    raise record_refusal(bench, step, error, course.attempts, course.seconds) from error


def _remains(bench: Workbench, step: Step) -> tuple[str, ...]:
    """A refused build leaves an invalid index that every write still pays for: return what removes it."""
    if not isinstance(step.work, BuildIndex):
        return ()
    return (step.work.drop_sql,) if isinstance(probe_build(bench, step, step.work, None), HalfDone) else ()


def _adopt(bench: Workbench, step: Step, backend: Backend) -> None:
    work = step.work
    if isinstance(work, (BuildIndex, DropIndex)):
        index = work.index
        wait_for(bench, step, backend, lambda: running(bench, index, backend) is not None)


def wait_for(bench: Workbench, step: Step, backend: Backend, working: Callable[[], bool]) -> None:
    """Wait for a server process that an earlier run left at work; it is never hurried, nor dropped under."""
    began = reported = time.monotonic()
    while working():
        bench.check_stop()
        now = time.monotonic()
        if now - began > step.timeouts.deadline_s:
            raise LockDeadline(
                f"step {step.id} of {step.migration}: server process {backend.pid} of an earlier run "
                "is still at work on the index"
            )
        if now - reported >= _REPORT_S or reported == began:
            report(bench, step, backend, now - began, adopted=True)
            reported = now
        bench.sleep(_POLL_S)


def intend(bench: Workbench, step: Step, recorded: Backend | None) -> None:
    """Give the step a row; without a server process where none of ours ever worked on it."""
    if recorded is None:
        bench.execute(bench.commands.begin_step(step, None))


def _forget(bench: Workbench, backend: Backend) -> None:
    bench.execute(bench.commands.query("forget session", pid=backend.pid, start=backend.start))
