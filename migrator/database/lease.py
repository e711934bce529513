"""The lease of a migration: what a long backfill holds in place of the runner lock.

Both are advisory locks of the executing connection and live exactly as long as its server process. Whoever
holds the runner lock leaves a migration alone whose lease is held by another, with all that touches the same
relations. So the journal's rows of that migration, and the rows of its table, are changed by the holder of
the lease alone; anything else (DDL, the next step, the state of another migration) needs the runner lock.
Each transition holds both: docs/decisions/0210 goes through the interleavings. Fails with StoppedSafely where
the runner lock is not to be had again; a lost connection is psycopg's error.
"""

import time
from dataclasses import dataclass, field

from migrator.database import runner_lock
from migrator.database.beginning import read_record
from migrator.database.commands import journal_query
from migrator.database.runner_key import lease_key
from migrator.database.workbench import Workbench
from migrator.errors import RunnerBusy, StoppedSafely
from migrator.execution.events import LeaseTaken
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationState, StepState
from migrator.plan.step import Step


@dataclass(slots=True, kw_only=True)
class Lease:
    """Of the migration whose backfill this connection carries out; not taken until the walk proves long."""

    bench: Workbench
    step: Step
    began: float = field(default_factory=time.monotonic)
    taken: bool = False

    def take_when_due(self) -> None:
        """Between two batches: where the walk has lasted for long, let other runs have the runner lock."""
        bench = self.bench
        due = bench.commands.attended and time.monotonic() - self.began >= bench.lease_after_s
        if due and not self.taken and self._lock():
            self._leave_runner()

    def come_back(self) -> None:
        """Have the runner lock again, and see that the journal is as it was left; then give up the lease."""
        if self.taken:
            self._regain_runner()
            self._check()
            self._end()

    def _lock(self) -> bool:
        """Take the lock of the lease. Where it is not free, which nobody explains, all stays as it is."""
        key = lease_key(self.bench.schema, self.step.migration)
        command = journal_query(runner_lock.FILE, "try", self.bench.schema, {"key": key})
        row = self.bench.execute(command).fetchone()
        return row is not None and bool(row[0])

    def _leave_runner(self) -> None:
        bench, version = self.bench, self.step.migration
        bench.faults(FaultPoint.LEASE_TAKEN)
        bench.execute(
            bench.commands.query("begin lease", version=version, key=lease_key(bench.schema, version))
        )
        bench.faults(FaultPoint.LEASE_RECORDED)
        bench.session.away = True
        self.taken = True
        runner_lock.release(bench.connection, bench.schema)
        bench.faults(FaultPoint.RUNNER_LEFT)
        bench.observer.event(LeaseTaken(step=self.step))

    def _regain_runner(self) -> None:
        bench = self.bench
        try:
            runner_lock.acquire(
                bench.connection,
                bench.schema,
                wait_s=bench.wait_s,
                observer=bench.observer,
                stop=bench.stop,
                sleep=bench.sleep,
            )
        except RunnerBusy as error:
            raise StoppedSafely(
                f"the rows of step {self.step.id} of {self.step.migration} are done, and {error.message}",
                hint="run the same command again to go on, or wait longer with --wait DURATION",
            ) from error
        bench.faults(FaultPoint.RUNNER_REGAINED)

    def _check(self) -> None:
        """Do what every successor does first; then nothing of the migration may have changed."""
        bench, step = self.bench, self.step
        runner_lock.end_leftovers(bench.connection, bench.schema, observer=bench.observer, sleep=bench.sleep)
        bench.execute(bench.commands.query("forget gone sessions"))
        bench.check_stop()
        record = read_record(bench, step.migration)
        if record.state is not MigrationState.BEGUN or record.steps[step.id].state is not StepState.BEGUN:
            raise StoppedSafely(f"the journal's record of {step.migration} was changed during its backfill")

    def _end(self) -> None:
        bench, version = self.bench, self.step.migration
        bench.execute(bench.commands.query("end lease"))
        bench.faults(FaultPoint.LEASE_ENDED)
        key = lease_key(bench.schema, version)
        bench.execute(journal_query(runner_lock.FILE, "release", bench.schema, {"key": key}))
        self.taken = False
        bench.faults(FaultPoint.LEASE_LEFT)
