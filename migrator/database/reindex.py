"""REINDEX CONCURRENTLY as a state machine: absent, half done, done, still running.

REINDEX CONCURRENTLY puts an index with another OID in the place of each old one. So the OIDs of all indexes
of the table are written into the journal before the first attempt: an index is done when the one that had its
name then has it no more. Whatever is invalid, bears the server's `_ccnew` or `_ccold`, and was not so named
then, is what we left behind, and is removed; nothing else is. Fails as `index` does.
"""

import json
import re
import time
from dataclasses import dataclass

from migrator.database.commands import journal_query
from migrator.database.drift import check_drift_patiently
from migrator.database.index import ATTEMPTS, Course, attempt, conclude, intend, refuse, wait_for
from migrator.database.journal_commands import relations_of
from migrator.database.probe import FILE
from migrator.database.workbench import Done, Workbench
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import Backend, StepRecord
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.step import Step

_PASSING = re.compile(r'_cc(new|old)[0-9]*"?$')
"""Names that REINDEX CONCURRENTLY gives to indexes on their way in or out (manual: REINDEX)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
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


def run_reindex(bench: Workbench, step: Step, work: RebuildIndexes, record: StepRecord | None) -> Done:
    """Rebuild the indexes; `record` is what the journal has of the step."""
    course = Course(began=time.monotonic(), recorded=record.backend if record else None)
    _adopt(bench, step, work, course.recorded)
    before = None if record is None else _recorded(bench, step)
    if before is None:
        check_drift_patiently(bench, step.migration, relations_of(step))
        before = _record(bench, step, work)
    if not any(index.meant for index in before):
        return _nothing_meant(bench, step, work, course)
    while True:
        for statement in _remains(bench, work, before):
            course = attempt(bench, step, statement, course)
            bench.faults(FaultPoint.REMAINS_REMOVED)
        if not _left(bench, work, before):
            return conclude(bench, step, course)
        if course.attempts >= ATTEMPTS:
            raise refuse(bench, step, course, f"{course.attempts} attempts left old indexes in their places")
        check_drift_patiently(bench, step.migration, relations_of(step))
        course = attempt(bench, step, work.sql, course, lambda: _remains(bench, work, before))


def _nothing_meant(bench: Workbench, step: Step, work: RebuildIndexes, course: Course) -> Done:
    """A table without indexes is done; an index that is not there is an error."""
    if work.index is None:
        return conclude(bench, step, course)
    raise refuse(bench, step, course, f"there is no index {work.index}")


def _left(bench: Workbench, work: RebuildIndexes, before: tuple[Listed, ...]) -> bool:
    """Whether an index that is meant still stands where it stood."""
    now = {index.oid: index for index in _indexes(bench, work)}
    return any(index.meant and _same(index, now.get(index.oid)) for index in before)


def _same(before: Listed, now: Listed | None) -> bool:
    return now is not None and (now.complete or not now.passing or before.passing)


def _remains(bench: Workbench, work: RebuildIndexes, before: tuple[Listed, ...]) -> tuple[str, ...]:
    """Return what removes the indexes that our attempts left."""
    known = {index.oid for index in before if index.passing}
    found = [i for i in _indexes(bench, work) if i.passing and not i.complete and i.oid not in known]
    return tuple(work.drop_sql.replace("$1", index.name) for index in found)


def _adopt(bench: Workbench, step: Step, work: RebuildIndexes, recorded: Backend | None) -> None:
    backend = _running(bench, work, recorded)
    if backend is not None:
        wait_for(bench, step, backend, lambda: _running(bench, work, recorded) is not None)


# --- the catalog and the journal


def _indexes(bench: Workbench, work: RebuildIndexes) -> tuple[Listed, ...]:
    parameters = {"target": (work.index or work.table).quoted, "whole": work.index is None}
    rows = bench.execute(journal_query(FILE, "indexes of a table", bench.schema, parameters)).fetchall()
    return tuple(_listed(*row) for row in rows)


def _running(bench: Workbench, work: RebuildIndexes, recorded: Backend | None) -> Backend | None:
    parameters = {
        "pid": recorded.pid if recorded else 0,
        "start": recorded.start if recorded else None,
        "table": work.table.quoted,
    }
    row = bench.execute(journal_query(FILE, "reindexing", bench.schema, parameters)).fetchone()
    return None if row is None else Backend(pid=row[0], start=row[1])  # type: ignore[arg-type]  # as selected


def _record(bench: Workbench, step: Step, work: RebuildIndexes) -> tuple[Listed, ...]:
    """Write down what is there, and that the step begins."""
    found = _indexes(bench, work)
    listed = [[index.oid, index.name, index.complete, index.meant] for index in found]
    with bench.connection.transaction():
        bench.execute(bench.commands.event("reindex.begun", step.migration, step=step.id, indexes=listed))
        intend(bench, step, None)
    return found


def _recorded(bench: Workbench, step: Step) -> tuple[Listed, ...] | None:
    parameters = {"version": step.migration, "step": step.id}
    query = journal_query("journal_read.sql", "indexes before", bench.schema, parameters)
    row = bench.execute(query).fetchone()
    if row is None:
        return None
    listed = json.loads(str(row[0]))["indexes"]
    return tuple(_listed(*each) for each in listed)


def _listed(oid: object, name: object, complete: object, meant: object) -> Listed:
    return Listed(oid=int(str(oid)), name=str(name), complete=bool(complete), meant=bool(meant))
