"""DETACH PARTITION CONCURRENTLY as a state machine over what the catalog answers.

The statement first marks the partition as pending, in a transaction of its own, waits for those who use the
partitioned table while it holds no lock at all, and then takes ACCESS EXCLUSIVE on the partition. One that
ended in between can only be ended by FINALIZE, which takes that lock first and then waits for every snapshot
in the database that is older. Both give way as soon as a reader or writer waits for them, are tried again
until the deadline, and end with us: a partition that is pending stays so until the next run. Fails as
`concurrent_step` says.
"""

import enum

import msgspec
import psycopg

from migrator.database.commands import journal_query
from migrator.database.concurrent_step import Course, Seen, carry_out
from migrator.database.concurrently import Statement
from migrator.database.orphan import at_work
from migrator.database.probe import FILE
from migrator.database.termination import end_overdue
from migrator.database.workbench import Done, Workbench, reason_of
from migrator.execution.blocker import described
from migrator.execution.concurrent import Found, patience_s
from migrator.execution.events import LockAttemptFailed
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import StepRecord
from migrator.plan.effect import RelationLock
from migrator.plan.step import DetachPartition, Step
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


class Partition(enum.Enum):
    """What the catalog says of the table that is to be detached."""

    ATTACHED = "a partition like any other"
    PENDING = "half detached"
    DETACHED = "no partition of any table"
    ELSEWHERE = "a partition of another table"
    ABSENT = "there is no such table"


_FOUND = {
    Partition.ATTACHED: Found.UNTOUCHED,
    Partition.PENDING: Found.HALF_DONE,
    Partition.DETACHED: Found.DONE,
    Partition.ELSEWHERE: Found.OTHER,
    Partition.ABSENT: Found.OTHER,
}


def run_detach(bench: Workbench, step: Step, work: DetachPartition, record: StepRecord | None) -> Done:
    """Detach the partition; `record` is what the journal has of the step."""
    return carry_out(_Detach(bench=bench, step=step, work=work), record)


class _Detach(msgspec.Struct, frozen=True, kw_only=True):
    """DETACH PARTITION … CONCURRENTLY, and FINALIZE."""

    bench: Workbench
    step: Step
    work: DetachPartition
    takes_over: bool = True
    patient: bool = True
    way_on: str | None = (
        "where it is half detached it stays pending, and its rows are not seen in the table; run again to "
        "finish it"
    )

    def look(self, course: Course) -> Seen:
        """Ask whether it is attached, pending, detached, or being detached by the recorded process."""
        if (backend := at_work(self.bench, course.recorded)) is not None:
            return Seen(found=Found.AT_WORK, backend=backend)
        state = self._state()
        patience = patience_s(course.attempts, course.left_s)
        return Seen(
            found=_FOUND[state],
            mend=(self._giving_way(self.work.finalize_sql, patience),),
            reason=f"{self.work.partition} is not a partition of {self.work.root}: {state.value}",
        )

    def statement(self, course: Course) -> Statement:
        """Return the statement; it may wait for transactions until the deadline."""
        return self._giving_way(self.work.sql, course.left_s)

    def remains(self) -> tuple[Statement, ...]:
        """Return nothing: a partition that is pending cannot be attached again, only detached."""
        return ()

    def ended(self, course: Course, error: psycopg.Error | None) -> None:
        """Tell the observer, and the journal, who was in the way."""
        self.bench.faults(FaultPoint.DETACH_TRIED)
        if error is None:
            return
        bench, step, reason = self.bench, self.step, reason_of(error)
        wanted = tuple(RelationLock(each, LockMode.ACCESS_EXCLUSIVE) for each in self._both)
        blockers = bench.lookout.of_locks(wanted)
        bench.execute(bench.commands.step_waits(step, described(blockers, reason)))
        bench.observer.event(
            LockAttemptFailed(
                step=step,
                attempt=course.attempts,
                waited_s=course.seconds,
                deadline_s=course.deadline_s,
                wanted=wanted[1:],
                blockers=blockers,
                error=reason,
            )
        )
        end_overdue(bench, step, blockers)

    @property
    def _both(self) -> tuple[QualifiedName, QualifiedName]:
        """Those whose users are waited for."""
        return self.work.root, self.work.partition

    @staticmethod
    def _giving_way(text: str, seconds: float) -> Statement:
        return Statement(text=text, seconds=seconds, lasting=False, gives_way=True)

    def _state(self) -> Partition:
        work = self.work
        parameters = {
            "root_schema": work.root.schema,
            "root_name": work.root.name,
            "schema": work.partition.schema,
            "name": work.partition.name,
        }
        row = self.bench.execute(journal_query(FILE, "partition", self.bench.schema, parameters)).fetchone()
        if row is None:
            return Partition.ABSENT
        attached, of_root, pending = row
        if not attached:
            return Partition.DETACHED
        if not of_root:
            return Partition.ELSEWHERE
        return Partition.PENDING if pending else Partition.ATTACHED
