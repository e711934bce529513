"""How far a statement CONCURRENTLY is and whom it waits for: to the observer and the journal, every second.

Reads the server's own views on the executing connection. What it cannot read just now (a lock on the journal)
it says a second later; only a lost connection is raised.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import psycopg

from migrator.database.commands import journal_query
from migrator.database.termination import end_overdue
from migrator.database.translate import RETRYABLE
from migrator.database.workbench import Workbench
from migrator.execution.blocker import Blocker, described
from migrator.execution.events import BuildProgress
from migrator.execution.journal import Backend
from migrator.plan.effect import RelationLock
from migrator.plan.step import Step
from migrator.postgres.lock_modes import LockMode

FILE = "probe.sql"
EVERY_S = 1.0

_SNAPSHOTS = "waiting for old snapshots"
_WRITERS = ("waiting for writers before build", "waiting for writers before validation")
_READERS = ("waiting for readers before marking dead", "waiting for readers before dropping")
"""Phases of pg_stat_progress_create_index (manual, 27.4.3)."""


class _Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the query `progress`."""

    name: str = ""
    done: int = 0
    total: int = 0
    lockers_done: int = 0
    lockers_total: int = 0
    at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Watch:
    """One server process that is looked at again and again."""

    bench: Workbench
    step: Step
    backend: Backend
    adopted: bool
    """An earlier run began what it does."""
    stage: str = ""
    since: datetime | None = None
    """When it was first seen in that stage, by the server's clock."""
    began: float = field(default_factory=time.monotonic)
    reported: float | None = None

    def report(self) -> None:
        """Report, unless that was done within the last second; at once for one that is adopted."""
        now = time.monotonic()
        last = self.began if self.reported is None and not self.adopted else self.reported
        if last is not None and now - last < EVERY_S:
            return
        self.reported = now
        try:
            self._report(now)
        except psycopg.Error as error:
            if self.bench.connection.closed or error.sqlstate not in RETRYABLE:
                raise

    def _report(self, now: float) -> None:
        stage = self._look()
        if stage.name != self.stage:
            self.stage, self.since = stage.name, stage.at
        bench = self.bench
        now_for = bench.lookout.of_backend(self.backend.pid, [lock.relation for lock in self._locks()])
        waits_for = self._waits_for(now_for, stage)
        bench.execute(bench.commands.step_waits(self.step, described(waits_for, "") or None))
        bench.observer.event(
            BuildProgress(
                step=self.step,
                pid=self.backend.pid,
                stage=stage.name,
                done=stage.done,
                total=stage.total,
                lockers_done=stage.lockers_done,
                lockers_total=stage.lockers_total,
                elapsed_s=now - self.began,
                waits_for=waits_for,
                adopted=self.adopted,
                behind=bench.lookout.behind([self.backend.pid]),
            )
        )
        end_overdue(bench, self.step, now_for)

    def _look(self) -> _Stage:
        parameters = {"pid": self.backend.pid, "start": self.backend.start}
        row = self.bench.execute(journal_query(FILE, "progress", self.bench.schema, parameters)).fetchone()
        if row is None:
            return _Stage()
        name, done, total, lockers_done, lockers_total, at = row
        return _Stage(
            name=str(name or ""),
            done=_number(done),
            total=_number(total),
            lockers_done=_number(lockers_done),
            lockers_total=_number(lockers_total),
            at=at if isinstance(at, datetime) else None,
        )

    def _waits_for(self, now: tuple[Blocker, ...], stage: _Stage) -> tuple[Blocker, ...]:
        """Return the one it waits for now, then those that come after: it waits for one at a time."""
        if not now:
            return ()
        own = {self.backend.pid, self.bench.connection.info.backend_pid}
        seen = {blocker.holder for blocker in now}
        others = (b for b in self._others(stage.name) if b.pid is not None and b.pid not in own)
        return (*now, *(blocker for blocker in others if blocker.holder not in seen))

    def _others(self, stage: str) -> tuple[Blocker, ...]:
        lookout = self.bench.lookout
        if stage == _SNAPSHOTS and self.since is not None:
            return lookout.of_snapshots(self.since)
        if stage in _WRITERS:
            return lookout.of_locks(self._locks(LockMode.SHARE))
        if stage in _READERS:
            return lookout.of_locks(self._locks(LockMode.ACCESS_EXCLUSIVE))
        return ()

    def _locks(self, mode: LockMode = LockMode.ACCESS_EXCLUSIVE) -> tuple[RelationLock, ...]:
        return tuple(RelationLock(lock.relation, mode) for lock in self.step.effect.locks)


def application_waits(bench: Workbench, backend: Backend) -> bool:
    """Whether a reader or writer waits for a lock that the server process holds or stands in line for."""
    query = journal_query(FILE, "application waits", bench.schema, {"pid": backend.pid})
    row = bench.execute(query).fetchone()
    return row is not None and bool(row[0])


def _number(value: object) -> int:
    return int(str(value or 0))
