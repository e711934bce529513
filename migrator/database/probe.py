"""The four answers about an index that is built CONCURRENTLY: done, half done, absent, still running.

An index under the name that is not what the step makes is a fifth; it is never touched. The expected
definition is learnt by building the same index on an empty temporary copy of the table, because no text of
ours is as good as the server's. Nothing is left behind: that transaction is rolled back.
"""

import msgspec
import psycopg

from migrator.database import commands as sql
from migrator.database.commands import journal_query
from migrator.database.fingerprint import local_settings
from migrator.database.workbench import Workbench
from migrator.execution.journal import Backend
from migrator.plan.step import BuildIndex, DropIndex, Step
from migrator.postgres.identifiers import QualifiedName

FILE = "probe.sql"


class Complete(msgspec.Struct, frozen=True, kw_only=True):
    """The index is valid and has the expected definition."""


class HalfDone(msgspec.Struct, frozen=True, kw_only=True):
    """The index is on the right table and invalid."""


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """There is no index of that name."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A server process works on it."""

    backend: Backend


class Foreign(msgspec.Struct, frozen=True, kw_only=True):
    """Something else has the name."""

    description: str


Answer = Complete | HalfDone | Absent | Running | Foreign


def probe_build(bench: Workbench, step: Step, work: BuildIndex, recorded: Backend | None) -> Answer:
    """Ask the catalog about the index that the step builds; `recorded` is the backend of its intent."""
    backend = running(bench, work.index, recorded)
    if backend is not None:
        return Running(backend=backend)
    found = _index(bench, work.table, work.index)
    if found is None:
        return Absent()
    on_table, valid, table, definition = found
    if not on_table:
        return Foreign(description=f"an index of that name exists on {table}")
    if not valid:
        return HalfDone()
    expected = expected_definition(bench, step, work)
    actual = _tail(table, definition)
    if expected not in {None, actual} or (expected is None and recorded is None):
        return Foreign(description=f"an index of that name exists with another definition: {definition}")
    return Complete()


def probe_drop(bench: Workbench, work: DropIndex, recorded: Backend | None) -> Answer:
    """Ask the catalog about the index that the step drops; Complete means that it is there, unharmed."""
    backend = running(bench, work.index, recorded)
    if backend is not None:
        return Running(backend=backend)
    found = _index(bench, work.table, work.index)
    if found is None:
        return Absent()
    on_table, valid, table, _ = found
    if not on_table:
        return Foreign(description=f"the index of that name is on {table}")
    return Complete() if valid else HalfDone()


def running(bench: Workbench, index: QualifiedName, recorded: Backend | None) -> Backend | None:
    """Return the server process that works on the index, if there is one."""
    parameters = {
        "pid": recorded.pid if recorded else 0,
        "start": recorded.start if recorded else None,
        "schema": index.schema,
        "name": index.name,
    }
    row = bench.execute(journal_query(FILE, "running", bench.schema, parameters)).fetchone()
    return None if row is None else Backend(pid=row[0], start=row[1])  # type: ignore[arg-type]  # as selected


def expected_definition(bench: Workbench, step: Step, work: BuildIndex) -> str | None:
    """Return what the server calls the index after its table's name; None where no copy could be made."""
    unique = "UNIQUE " if work.unique else ""
    make = [
        f"CREATE TEMP TABLE migrator_copy (LIKE {work.table.quoted} INCLUDING DEFAULTS INCLUDING GENERATED)",
        f"CREATE {unique}INDEX ON pg_temp.migrator_copy {work.definition}",
        local_settings(),
    ]
    try:
        with bench.connection.transaction(force_rollback=True):
            for command in [*sql.enter_session(step.session), *(sql.plain(text) for text in make)]:
                bench.execute(command)
            row = bench.execute(journal_query(FILE, "definition of the copy", bench.schema)).fetchone()
    except psycopg.Error:
        if bench.connection.closed:
            raise
        return None
    return None if row is None else _tail(str(row[0]), str(row[1]))


def _index(
    bench: Workbench, table: QualifiedName, index: QualifiedName
) -> tuple[bool, bool, str, str] | None:
    """Return whether the index is on the table, is complete; its table, its definition; None without one."""
    parameters = {
        "table_schema": table.schema,
        "table_name": table.name,
        "schema": index.schema,
        "name": index.name,
    }
    with bench.connection.transaction(force_rollback=True):
        bench.execute(sql.plain(local_settings()))
        row = bench.execute(journal_query(FILE, "index", bench.schema, parameters)).fetchone()
    return None if row is None else (bool(row[0]), bool(row[1]), str(row[2]), str(row[3]))


def _tail(table: str, definition: str) -> str:
    """Return what stands after the table's name, which the server always qualifies here."""
    return definition.partition(f" ON {table} ")[2] or definition.partition(f" ON ONLY {table} ")[2]
