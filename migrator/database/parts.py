"""What a step does for one partition, carried out and recorded as a step of its own: a part.

A part has its own row in the journal, so that a crash between two partitions, or within one, is found out as
for any step. A partition that is dropped or detached meanwhile takes its part with it: that is no failure.
"""

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from migrator.database.drift import check_drift_patiently
from migrator.database.index import run_build
from migrator.database.partitions import Partition, part_id, tree
from migrator.database.runner_lock import this_backend
from migrator.database.transaction import run_transaction
from migrator.database.workbench import Done, Workbench
from migrator.errors import StepFailed
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationState, StepRecord
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import BuildIndex, Recovery, Step, Timeouts, Transaction
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part in one short transaction."""

    title: str
    statements: tuple[str, ...]
    locks: tuple[RelationLock, ...]
    """What it takes, for those who look for blockers; LOCK TABLE takes those of `acquire` beforehand."""
    acquire: tuple[RelationLock, ...] = ()
    timeouts: Timeouts


class Course(Protocol):
    """One run of a step that consists of parts."""

    @property
    def parts(self) -> int:
        """So many were carried out."""

    def run(self) -> None:
        """Carry out what the catalogs say is missing."""


def run_parts(
    bench: Workbench, step: Step, table: QualifiedName, record: StepRecord | None, course: Course
) -> Done:
    """Carry out a step in parts; `record` is what the journal has of it. Fails as the parts do."""
    began = time.monotonic()
    if record is None:
        check_drift_patiently(bench, step.migration, (table,))
    bench.execute(bench.commands.begin_step(step, this_backend(bench.connection).pid))
    bench.faults(FaultPoint.STEP_BEGUN)
    try:
        course.run()
    except StepFailed as error:
        bench.execute(bench.commands.fail_whole(step, error.message))
        raise
    bench.together(bench.commands.end_step(step, course.parts, time.monotonic() - began))
    return Done(attempts=max(course.parts, 1), found_done=course.parts == 0)


def in_transaction(bench: Workbench, step: Step, partition: Partition, what: str, part: Part) -> Done:
    """Carry out a part; `what` is one word for its id. Raises as `run_transaction` does."""
    return as_part(bench, step, part_id(step, partition, what), part)


def as_part(bench: Workbench, step: Step, identity: str, part: Part) -> Done:
    """Carry out a part under this id."""
    work = Transaction(statements=part.statements, acquire=part.acquire)
    made = msgspec.structs.replace(
        step,
        id=identity,
        title=part.title,
        work=work,
        recovery=Recovery.TRANSACTIONAL,
        effect=Effect(locks=part.locks),
        timeouts=part.timeouts,
    )
    bench.execute(bench.commands.begin_step(made, this_backend(bench.connection).pid))
    done = run_transaction(bench, made, work)
    bench.execute(bench.commands.step_waits(step, None))
    bench.faults(FaultPoint.PARTITION_DONE)
    return done


def build(bench: Workbench, step: Step, identity: str, work: BuildIndex, record: StepRecord | None) -> Done:
    """Build the index of a partition; raises as `run_build` does."""
    lock = RelationLock(work.table, LockMode.SHARE_UPDATE_EXCLUSIVE)
    made = msgspec.structs.replace(
        step,
        id=identity,
        title=f"CREATE INDEX CONCURRENTLY {work.index.name} on {work.table}",
        work=work,
        effect=Effect(locks=(lock,), scans=(work.table,), index_builds=(work.table,)),
    )
    done = run_build(bench, made, work, record)
    bench.execute(bench.commands.step_waits(step, None))
    bench.faults(FaultPoint.PARTITION_DONE)
    return done


def unless_gone(
    bench: Workbench, step: Step, table: QualifiedName, partition: Partition, action: Callable[[], bool]
) -> bool:
    """Return what `action` returns; true where it fails because the partition has gone: look again."""
    try:
        return action()
    except StepFailed:
        if partition in tree(bench, table):
            raise
        still_begun(bench, step)
        return True


def still_begun(bench: Workbench, step: Step) -> None:
    """Take back that the migration has failed: a part was refused because a partition came or went."""
    bench.execute(bench.commands.set_migration(step.migration, MigrationState.BEGUN))
