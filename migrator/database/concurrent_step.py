"""The loop that the steps CONCURRENTLY share: look, decide (`execution.concurrent`), act, look again.

An intent that names the server process is committed before a statement is sent; afterwards the catalog tells
what became of it. Fails with StepFailed, DriftError, LockDeadline (past the step's deadline, or cancelled by
somebody) or Interrupted. All but a first request to stop clear away what the attempt left.
"""

import time
from typing import Protocol, assert_never

import msgspec
import psycopg
from msgspec.structs import replace

from migrator.database.build_progress import Watch
from migrator.database.concurrently import Builder, Statement, builder, run_statement
from migrator.database.drift import check_drift_patiently
from migrator.database.journal_commands import relations_of
from migrator.database.orphan import dismiss, end
from migrator.database.refusal import record_failure, record_refusal
from migrator.database.translate import CANCELED, DEADLOCK, RETRYABLE, connection_is_lost
from migrator.database.workbench import Done, Workbench, reason_of
from migrator.errors import LockDeadline
from migrator.execution.concurrent import FUTILE, Found, Move, Refusal, Verdict, next_move, verdict
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import Backend, StepRecord
from migrator.execution.lock_attempts import rest_s
from migrator.plan.step import Step

_POLL_S = 0.2
_CLEARING_S = 60.0
"""DROP INDEX CONCURRENTLY of remains waits for transactions that use the table; the next run tries again."""

_CLEARING_ON_REQUEST_S = 10.0
"""The same, where a person waits for the run to stop."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and what belongs to it."""

    found: Found
    backend: Backend | None = None
    """The server process that is at work."""
    mend: tuple[Statement, ...] = ()
    """What ends a half-done state."""
    reason: str = ""
    """What stands in the way, where the step is refused."""


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Where the state machine stands."""

    began: float
    deadline_s: float
    recorded: Backend | None
    """The server process of the intent; None before the first intent of this step."""
    attempts: int = 0
    """Statements sent."""
    rounds: int = 0
    """Decisions that led to statements."""

    @property
    def seconds(self) -> float:
        """Since this run took the step up."""
        return time.monotonic() - self.began

    @property
    def left_s(self) -> float:
        """Up to the deadline."""
        return max(self.deadline_s - self.seconds, 0.0)


class Machine(Protocol):
    """What differs between the statements."""

    @property
    def bench(self) -> Workbench:
        """Where it runs."""

    @property
    def step(self) -> Step:
        """What it carries out."""

    @property
    def takes_over(self) -> bool:
        """Half-done work of others is ended too: that is what the file asks for."""

    @property
    def patient(self) -> bool:
        """Attempts that met a lock are repeated until the deadline."""

    @property
    def way_on(self) -> str | None:
        """The hint of a run that stopped before the end."""

    def look(self, course: Course) -> Seen:
        """Ask the catalog, and who is at work."""

    def statement(self, course: Course) -> Statement:
        """Return what begins from nothing."""

    def remains(self) -> tuple[Statement, ...]:
        """Return what removes exactly what an attempt that has just ended left; () where nothing can."""

    def ended(self, course: Course, error: psycopg.Error | None) -> None:
        """Take note of an attempt that has ended; after an `error` another one follows."""


def carry_out(machine: Machine, record: StepRecord | None) -> Done:
    """Bring the step to its end; `record` is what the journal has of it."""
    bench, step = machine.bench, machine.step
    recorded = record.backend if record else None
    course = Course(began=time.monotonic(), deadline_s=step.timeouts.deadline_s, recorded=recorded)
    dismiss(bench, recorded)
    while True:
        seen = machine.look(course)
        move = next_move(seen.found, ours=course.recorded is not None or machine.takes_over)
        match move:
            case Move.CONCLUDE:
                return _conclude(bench, step, course)
            case Move.ADOPT:
                _adopt(machine, course, seen.backend)
                dismiss(bench, course.recorded)
            case Move.RUN | Move.MEND if course.rounds >= FUTILE and not machine.patient:
                raise refuse(bench, step, course, f"{course.attempts} statements came to nothing")
            case Move.RUN:
                check_drift_patiently(bench, step.migration, relations_of(step))
                course = _attempts(machine, course, (machine.statement(course),))
            case Move.MEND:
                course = _attempts(machine, course, seen.mend)
                bench.faults(FaultPoint.REMAINS_REMOVED)
            case Move.REFUSE:
                raise refuse(bench, step, course, seen.reason)
            case _:
                assert_never(move)


def refuse(bench: Workbench, step: Step, course: Course, reason: str) -> Exception:
    """Record that the step failed, and return the error."""
    intend(bench, step, course.recorded)
    return record_failure(bench, step, reason, course.attempts, course.seconds)


def intend(bench: Workbench, step: Step, recorded: Backend | None) -> None:
    """Give the step a row; without a server process where none of ours ever worked on it."""
    if recorded is None:
        bench.execute(bench.commands.begin_step(step, None))


def _conclude(bench: Workbench, step: Step, course: Course) -> Done:
    """Record the step as done: by this run, or found so."""
    intend(bench, step, course.recorded)
    bench.together(bench.commands.end_step(step, course.attempts, course.seconds))
    return Done(attempts=course.attempts, found_done=course.attempts == 0)


# --- an attempt


def _attempts(machine: Machine, course: Course, statements: tuple[Statement, ...]) -> Course:
    """Run the statements one after the other, and return where they lead."""
    for statement in statements:
        course = _attempt(machine, course, statement)
    return replace(course, rounds=course.rounds + 1)


def _attempt(machine: Machine, course: Course, statement: Statement) -> Course:
    """Run one statement on a builder of its own, and return where that leads."""
    bench, step = machine.bench, machine.step
    bench.check_stop()
    if course.left_s <= 0:
        raise _deadline(machine, course, "")
    with builder(bench, step) as building:
        bench.execute(bench.commands.begin_step(step, building.backend.pid))
        bench.faults(FaultPoint.STEP_BEGUN)
        course = replace(course, recorded=building.backend, attempts=course.attempts + 1)
        error = run_statement(bench, step, building, statement)
        if error is not None:
            _judge(machine, building, error, course)
    machine.ended(course, error)
    if error is not None:
        budget = bench.policy.lock_budget_ms
        bench.sleep(rest_s(course.attempts, budget, None, bench.jitter()))
    return course


def _judge(machine: Machine, building: Builder, error: psycopg.Error, course: Course) -> None:
    """Raise what the refusal means; return to let the state machine look again."""
    bench, step = machine.bench, machine.step
    found = verdict(_refusal(machine, building, error, course))
    match found:
        case Verdict.LOST:
            raise error
        case Verdict.AGAIN:
            return
        case Verdict.INTERRUPTED:
            _clear(machine, building, _CLEARING_ON_REQUEST_S)
            raise bench.stop.error() from error
        case Verdict.DEADLINE:
            raise _deadline(machine, course, _clear(machine, building, _CLEARING_S)) from error
        case Verdict.CANCELLED:
            left = _clear(machine, building, _CLEARING_S)
            raise LockDeadline(
                f"{_named(step)} was cancelled after {course.seconds:.0f} s, by somebody else{left}",
                hint=machine.way_on,
            ) from error
        case Verdict.REFUSED:
            left = _clear(machine, building, _CLEARING_S)
            refused = record_refusal(bench, step, error, course.attempts, course.seconds)
            refused.message += left
            raise refused from error
        case _:
            assert_never(found)


def _refusal(machine: Machine, building: Builder, error: psycopg.Error, course: Course) -> Refusal:
    lost = building.connection.closed or error.sqlstate is None or connection_is_lost(error)
    return Refusal(
        lost=lost,
        cancelled=error.sqlstate == CANCELED,
        deadlock=error.sqlstate == DEADLOCK,
        passing=error.sqlstate in RETRYABLE,
        stopped=machine.bench.stop.now or (machine.patient and machine.bench.stop.requested),
        seconds=course.seconds,
        deadline_s=course.deadline_s,
        attempts=course.rounds + 1,
        patient=machine.patient,
    )


def _clear(machine: Machine, building: Builder, seconds: float) -> str:
    """Remove what the attempt left, in a bounded time; return what is to be said of what stays."""
    bench, step = machine.bench, machine.step
    for statement in machine.remains():
        bounded = replace(statement, seconds=seconds)
        error = run_statement(bench, step, building, bounded)
        if error is not None:
            return f"; what it left stays ({reason_of(error)}), and the next run removes it"
        bench.faults(FaultPoint.REMAINS_REMOVED)
    return ""


def _deadline(machine: Machine, course: Course, left: str) -> LockDeadline:
    return LockDeadline(
        f"{_named(machine.step)} did not end in {course.deadline_s:g} s{left}", hint=machine.way_on
    )


def _named(step: Step) -> str:
    return f"step {step.id} of {step.migration} ({step.title})"


# --- a server process that is at work already


def _adopt(machine: Machine, course: Course, backend: Backend | None) -> None:
    """Wait for a server process that an earlier run, or somebody else, has at work; never dropped under.

    At the deadline one of ours is ended and cleared away after.
    """
    bench, step = machine.bench, machine.step
    if backend is None:
        raise ValueError("who is at work?")
    watch = Watch(bench=bench, step=step, backend=backend, adopted=True)
    while machine.look(course).backend == backend:
        bench.check_stop()
        if course.left_s <= 0:
            raise _end(machine, course, backend)
        watch.report()
        bench.sleep(_POLL_S)


def _end(machine: Machine, course: Course, backend: Backend) -> LockDeadline:
    """End a server process of ours and clear away what it leaves; return the error of the deadline."""
    bench, step = machine.bench, machine.step
    if backend != course.recorded:
        return LockDeadline(
            f"{_named(step)}: server process {backend.pid}, which is not ours, is at work on the same",
            hint="let it end, or end it, and run again; what it leaves is named then, and left alone",
        )
    end(bench, backend)
    return _deadline(machine, course, _cleared_afterwards(machine))


def _cleared_afterwards(machine: Machine) -> str:
    """Do as `_clear`, with a builder of its own; the intent names it before it removes anything."""
    bench, step = machine.bench, machine.step
    if not machine.remains():
        return ""
    with builder(bench, step) as building:
        bench.execute(bench.commands.begin_step(step, building.backend.pid))
        return _clear(machine, building, _CLEARING_S)
