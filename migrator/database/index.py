"""CREATE and DROP INDEX CONCURRENTLY as state machines over what the catalog answers.

An invalid index is removed only where an intent of this step exists. Fails as `concurrent_step` says; a first
request to stop leaves a build going on for the next run.
"""

from typing import assert_never

import msgspec
import psycopg

from migrator.database.concurrent_step import Course, Seen, carry_out, intend
from migrator.database.concurrently import Statement
from migrator.database.probe import (
    Absent,
    Complete,
    Foreign,
    HalfDone,
    Running,
    probe_build,
    probe_drop,
)
from migrator.database.refusal import record_failure
from migrator.database.workbench import Done, Workbench
from migrator.execution.concurrent import Found
from migrator.execution.journal import StepRecord
from migrator.plan.step import BuildIndex, DropIndex, Step

_LONG = "if it waited for an old transaction, end that one (it was named meanwhile), and run again"


def run_build(bench: Workbench, step: Step, work: BuildIndex, record: StepRecord | None) -> Done:
    """Bring the index into being; `record` is what the journal has of the step."""
    if bench.version.concurrent_builds_corrupt:
        intend(bench, step, None)
        raise record_failure(bench, step, "PostgreSQL 14.0 to 14.3 may corrupt an index built CONCURRENTLY")
    return carry_out(_Build(bench=bench, step=step, work=work), record)


def run_drop(bench: Workbench, step: Step, work: DropIndex, record: StepRecord | None) -> Done:
    """Bring the index out of the world."""
    return carry_out(_Drop(bench=bench, step=step, work=work), record)


class _Build(msgspec.Struct, frozen=True, kw_only=True):
    """CREATE INDEX CONCURRENTLY."""

    bench: Workbench
    step: Step
    work: BuildIndex
    takes_over: bool = False
    patient: bool = False
    way_on: str | None = _LONG

    def look(self, course: Course) -> Seen:
        """Ask whether it is absent, half done, done, or being built."""
        answer = probe_build(self.bench, self.step, self.work, course.recorded)
        match answer:
            case Absent():
                return Seen(found=Found.UNTOUCHED)
            case HalfDone():
                reason = (
                    f"an invalid index of that name exists, which is not ours: if nobody needs it, "
                    f"{self.work.drop_sql}; then run again"
                )
                return Seen(found=Found.HALF_DONE, mend=(self._drop(course.left_s),), reason=reason)
            case Complete():
                return Seen(found=Found.DONE)
            case _:
                return _elsewhere(answer)

    def statement(self, course: Course) -> Statement:
        """Return the build, which may take until the deadline."""
        return Statement(text=self.work.sql, seconds=course.left_s)

    def remains(self) -> tuple[Statement, ...]:
        """Return the removal of the invalid index that a failed build leaves: writes pay for it."""
        invalid = isinstance(probe_build(self.bench, self.step, self.work, None), HalfDone)
        return (self._drop(0.0),) if invalid else ()

    def ended(self, course: Course, error: psycopg.Error | None) -> None:
        """Say nothing: its progress has named whom it waited for."""

    def _drop(self, seconds: float) -> Statement:
        return Statement(text=self.work.drop_sql, seconds=seconds)


class _Drop(msgspec.Struct, frozen=True, kw_only=True):
    """DROP INDEX CONCURRENTLY."""

    bench: Workbench
    step: Step
    work: DropIndex
    takes_over: bool = True
    patient: bool = False
    way_on: str | None = (
        "the index may be marked invalid: no query uses it, writes still pay for it; run again"
    )

    def look(self, course: Course) -> Seen:
        """Ask whether the index is there, unharmed or marked, or is being dropped."""
        answer = probe_drop(self.bench, self.work, course.recorded)
        match answer:
            case Absent():
                return Seen(found=Found.DONE)
            case Complete():
                return Seen(found=Found.UNTOUCHED)
            case HalfDone():
                return Seen(found=Found.HALF_DONE, mend=(self.statement(course),))
            case _:
                return _elsewhere(answer)

    def statement(self, course: Course) -> Statement:
        """Return the removal, which may be repeated."""
        return Statement(text=self.work.sql, seconds=course.left_s)

    def remains(self) -> tuple[Statement, ...]:
        """Return nothing: an index that is half dropped can only be dropped."""
        return ()

    def ended(self, course: Course, error: psycopg.Error | None) -> None:
        """Say nothing: its progress has named whom it waited for."""


def _elsewhere(answer: Running | Foreign) -> Seen:
    match answer:
        case Running(backend=backend):
            return Seen(found=Found.AT_WORK, backend=backend)
        case Foreign(description=description):
            return Seen(found=Found.OTHER, reason=description)
        case _:
            assert_never(answer)
