"""REINDEX CONCURRENTLY as a state machine: absent, half done, done, still running.

REINDEX CONCURRENTLY puts an index with another OID in the place of each old one. So the OIDs of all indexes
of the table are written into the journal before the first attempt: an index is done when the one that had its
name then has it no more. Whatever is invalid, bears the server's `_ccnew` or `_ccold`, and was not so named
then, is what we left behind, and is removed; nothing else is. Fails as `concurrent_step` says.
"""

import json
import re
from dataclasses import dataclass

import msgspec
import psycopg

from migrator.database.commands import journal_query
from migrator.database.concurrent_step import Course, Seen, carry_out, intend
from migrator.database.concurrently import Statement
from migrator.database.drift import check_drift_patiently
from migrator.database.journal_commands import relations_of
from migrator.database.probe import FILE
from migrator.database.workbench import Done, Workbench
from migrator.execution.concurrent import Found
from migrator.execution.events import LeftAlone
from migrator.execution.journal import Backend, StepRecord
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.step import Step

_PASSING = re.compile(r'_cc(new|old)[0-9]*"?$')
"""Names that REINDEX CONCURRENTLY gives to indexes on their way in or out (manual: REINDEX)."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An index of the table."""

    oid: int
    name: str
    """Quoted and qualified."""
    complete: bool
    meant: bool
    """The statement rebuilds it."""

    @property
    def passing(self) -> bool:
        """It is on its way in or out, by its name."""
        return _PASSING.search(self.name) is not None

    @property
    def of_toast(self) -> bool:
        """It is on a TOAST table."""
        return self.name.startswith("pg_toast.")


def run_reindex(bench: Workbench, step: Step, work: RebuildIndexes, record: StepRecord | None) -> Done:
    """Rebuild the indexes; `record` is what the journal has of the step."""
    machine = _Rebuild(bench=bench, step=step, work=work)
    if record is not None:
        machine.before = machine.recorded()
    return carry_out(machine, record)


@dataclass(slots=True, kw_only=True)
class _Rebuild:
    """REINDEX … CONCURRENTLY."""

    bench: Workbench
    step: Step
    work: RebuildIndexes
    before: tuple[Listed, ...] | None = None
    """The indexes before the first attempt; None until somebody has looked."""
    takes_over: bool = True  # what counts as half done was told from what was there before
    patient: bool = False
    way_on: str | None = (
        "the old indexes are in their places; if it waited for an old transaction, end that one, and run "
        "again"
    )

    def look(self, course: Course) -> Seen:
        """Ask which old indexes still stand where they stood, and what an attempt left beside them."""
        backend = self._running(course.recorded)
        if backend is not None:
            return Seen(found=Found.AT_WORK, backend=backend)
        before = self.before = self._record() if self.before is None else self.before
        if not any(index.meant for index in before) and self.work.index is not None:
            return Seen(found=Found.OTHER, reason=f"there is no index {self.work.index}")
        remains = self._remains(before, course.left_s)
        if remains:
            return Seen(found=Found.HALF_DONE, mend=remains)
        if self._left(before):
            return Seen(found=Found.UNTOUCHED)
        self._name_what_stays(before)
        return Seen(found=Found.DONE)

    def statement(self, course: Course) -> Statement:
        """Return the statement, which may take until the deadline."""
        return Statement(text=self.work.sql, seconds=course.left_s)

    def remains(self) -> tuple[Statement, ...]:
        """Return the removal of `_ccnew` and `_ccold` indexes that were not there before."""
        return () if self.before is None else self._remains(self.before, 0.0)

    def ended(self, course: Course, error: psycopg.Error | None) -> None:
        """Say nothing: its progress has named whom it waited for."""

    def recorded(self) -> tuple[Listed, ...] | None:
        """Return what an earlier run found before its first attempt."""
        parameters = {"version": self.step.migration, "step": self.step.id}
        query = journal_query("journal_read.sql", "indexes before", self.bench.schema, parameters)
        row = self.bench.execute(query).fetchone()
        if row is None:
            return None
        listed = json.loads(str(row[0]))["indexes"]
        return tuple(_listed(*each) for each in listed)

    def _left(self, before: tuple[Listed, ...]) -> bool:
        """Whether an index that is meant still stands where it stood."""
        now = {index.oid: index for index in self._indexes()}
        return any(index.meant and _same(index, now.get(index.oid)) for index in before)

    def _remains(self, before: tuple[Listed, ...], seconds: float) -> tuple[Statement, ...]:
        """Return the removal of what we left behind, as far as the role may: as a rule not TOAST's."""
        found = self._left_behind(before)
        texts = [
            self.work.drop_sql.replace("$1", i.name) for i in found if not i.of_toast or self._toast_is_ours
        ]
        return tuple(Statement(text=text, seconds=seconds) for text in texts)

    def _left_behind(self, before: tuple[Listed, ...]) -> list[Listed]:
        known = {index.oid for index in before if index.passing}
        return [i for i in self._indexes() if i.passing and not i.complete and i.oid not in known]

    @property
    def _toast_is_ours(self) -> bool:
        """Whether the role may name what is in pg_toast; as a rule only a superuser may."""
        query = journal_query(FILE, "toast is ours", self.bench.schema)
        row = self.bench.execute(query).fetchone()
        return row is not None and bool(row[0])

    def _name_what_stays(self, before: tuple[Listed, ...]) -> None:
        """Name what the role may not remove; it takes room and time of writes, and nothing else."""
        stays = tuple(index.name for index in self._left_behind(before))
        if stays:
            self.bench.observer.event(LeftAlone(step=self.step, indexes=stays, ours=True))

    def _indexes(self) -> tuple[Listed, ...]:
        target = (self.work.index or self.work.table).quoted
        parameters = {"target": target, "whole": self.work.index is None}
        query = journal_query(FILE, "indexes of a table", self.bench.schema, parameters)
        return tuple(_listed(*row) for row in self.bench.execute(query).fetchall())

    def _running(self, recorded: Backend | None) -> Backend | None:
        parameters = {
            "pid": recorded.pid if recorded else 0,
            "start": recorded.start if recorded else None,
            "table": self.work.table.quoted,
        }
        row = self.bench.execute(journal_query(FILE, "reindexing", self.bench.schema, parameters)).fetchone()
        return None if row is None else Backend(pid=row[0], start=row[1])  # type: ignore[arg-type]  # as selected

    def _record(self) -> tuple[Listed, ...]:
        """Write down what is there, and that the step begins; name the remains of others."""
        bench, step = self.bench, self.step
        check_drift_patiently(bench, step.migration, relations_of(step))
        found = self._indexes()
        listed = [[index.oid, index.name, index.complete, index.meant] for index in found]
        with bench.connection.transaction():
            bench.execute(bench.commands.event("reindex.begun", step.migration, step=step.id, indexes=listed))
            intend(bench, step, None)
        others = tuple(index.name for index in found if index.passing and not index.complete)
        if others:
            bench.observer.event(LeftAlone(step=step, indexes=others))
        return found


def _same(before: Listed, now: Listed | None) -> bool:
    return now is not None and (now.complete or not now.passing or before.passing)


def _listed(oid: object, name: object, complete: object, meant: object) -> Listed:
    return Listed(oid=int(str(oid)), name=str(name), complete=bool(complete), meant=bool(meant))
