"""A history on a database in use: every table has rows, and none counts as small.

After each file rows are made in both databases by the same seed. The file is planned, approved by what the
plan itself asks for, applied, and contracted at once; in the other database psql runs it as it stands. A file
that the plan refuses for good runs as it stands here too, is resolved as applied, and counted.

Rows made from a catalog know nothing of what a later file expects of them (a text that is to become a uuid,
a column that is to be unique). Where psql fails for that, the tables of the file are emptied first, on both
sides, and counted.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.histories import naive
from benchmarks.histories.contents import Place, differences, drawn_columns
from benchmarks.histories.empty import OPTIONS
from benchmarks.histories.record import Counts, final
from benchmarks.histories.source import PRELUDE, History
from benchmarks.histories.values import fill_in
from migrator import __version__, history, planner, workflow
from migrator.database.introspect import read_facts
from migrator.database.journal_store import FileEntry, JournalStore
from migrator.database.session import Connector
from migrator.errors import MigrateError
from migrator.execution.events import Silent
from migrator.execution.journal import MigrationState
from migrator.plan.hazard import Hazard, HazardKind
from migrator.policy import Policy
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.rows import fill
from migrator.sql.migration import Migration
from migrator.sql.syntax import AlterTypeAddValue, TransactionControl
from tests.schema_dump import schema

POLICY = Policy(small_table_rows=0, small_table_bytes=0, batch_rows=2, batch_rows_min=2, lock_budget_ms=5_000)
"""Nobody waits here, so the locks may be held for as long as a busy machine needs."""

ROWS = 3  # in each table, and one more whenever its columns have changed
_ROUNDS = 6  # an approval can bring up what was hidden behind it


@dataclass(slots=True, kw_only=True)
class LiveRecord:
    """What became of a history on a database in use."""

    history: str
    counts: Counts = field(default_factory=Counts)
    approved: int = 0
    """Directives that were added."""
    refused: list[str] = field(default_factory=list)
    """Files that ran as they stand, with what refused them."""
    emptied: list[str] = field(default_factory=list)
    """Files before which the tables were emptied."""
    contracted: int = 0
    rows: int = 0
    """That were made."""
    unfilled: set[str] = field(default_factory=set)
    """Tables that could not be filled, at least once."""
    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)
    """What psql could do and `apply` could not."""
    equal: bool = False
    lost: list[str] = field(default_factory=list)
    """Tables whose contents differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two databases, and one that keeps psql's as it was before a file."""

    server: str
    """URL of another database of the same server."""
    ours: str
    theirs: str

    @contextlib.contextmanager
    def both(self) -> Iterator[tuple[psycopg.Connection[tuple[Any, ...]], ...]]:
        with (
            psycopg.connect(self.ours, autocommit=True) as ours,
            psycopg.connect(self.theirs, autocommit=True) as theirs,
        ):
            for connection in (ours, theirs):
                connection.execute("SET client_min_messages TO error")
            yield ours, theirs

    def keep(self) -> None:
        """Copy psql's database."""
        self._copy(self._name, f"{self._name}_kept")

    def restore(self) -> None:
        self._copy(f"{self._name}_kept", self._name)

    def drop_kept(self) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            _drop(connection, f"{self._name}_kept")

    @property
    def _name(self) -> str:
        return psycopg.conninfo.conninfo_to_dict(self.theirs)["dbname"]  # type: ignore[return-value]  # a name

    def _copy(self, source: str, target: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            _drop(connection, target)
            command = "CREATE DATABASE {} TEMPLATE {}"
            connection.execute(sql.SQL(command).format(sql.Identifier(target), sql.Identifier(source)))


def _drop(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(slots=True, kw_only=True)
class Replay:
    """A history on its way."""

    history: History
    directory: Path
    sides: Sides
    record: LiveRecord
    migrations: list[Migration] = field(default_factory=list)
    drawn: set[Place] = field(default_factory=set)
    columns: dict[QualifiedName, tuple[str, ...]] = field(default_factory=dict)

    def run(self, path: Path) -> None:
        """Carry out one file on both sides, and make rows."""
        copied = self.directory / (PRELUDE if path.name == "_prelude.sql" else path.name)
        shutil.copy(path, copied)
        self.migrations.append(history.read_file(history.migration_file(copied)))
        emptied = self._psql(path)
        with self.sides.both() as (ours, _):
            _empty(ours, emptied)
        started = time.perf_counter()
        try:
            self._apply(path, copied)
        except MigrateError as error:
            self.record.failed.append(f"{path.name}: {error}")
            raise
        finally:
            self.record.seconds += time.perf_counter() - started
        self._make_rows()

    def _psql(self, path: Path) -> tuple[QualifiedName, ...]:
        """Run the file as it stands; return the tables that had to be emptied for it."""
        whole = path.name in self.history.in_one_transaction or _fits_in_one(self.migrations[-1])
        tables, last = self._touched(), naive.NaiveError(path.name)
        for emptied in ((), tables, self._all_tables()):
            if not whole:
                self.sides.keep()
            with self.sides.both() as (_, theirs):
                _empty(theirs, emptied)
            try:
                naive.run_file(self.sides.theirs, path, in_one_transaction=whole)
            except naive.NaiveError as error:
                last = error
                if not whole:
                    self.sides.restore()
                continue
            if emptied:
                self.record.emptied.append(path.name)
            return emptied
        raise last

    def _touched(self) -> tuple[QualifiedName, ...]:
        with self.sides.both() as (_, theirs):
            facts = read_facts(theirs, journal_schema="migrator")
        plan = planner.plan(self.migrations[-1:], facts, POLICY, tool_version=__version__)
        return tuple(r.name for r in facts.relations if r.is_table and r.name in plan.migrations[0].touches)

    def _all_tables(self) -> tuple[QualifiedName, ...]:
        with self.sides.both() as (_, theirs):
            return tuple(
                r.name for r in read_facts(theirs, journal_schema="migrator").relations if r.is_table
            )

    def _apply(self, path: Path, copied: Path) -> None:
        connector = Connector(conninfo=self.sides.ours)
        agenda = self._approved(connector, copied)
        self.record.counts.add(agenda.pending)
        if agenda.unapproved:
            self._refuse(path, agenda.unapproved)
            return
        result = workflow.apply(connector, self.migrations, POLICY, OPTIONS, Silent(), agenda=agenda)
        if result.outcomes and result.outcomes[-1].state is MigrationState.WAITING:
            version = self.migrations[-1].version
            result = workflow.contract(connector, [version], POLICY, OPTIONS, Silent())
            self.record.contracted += 1
        if any(outcome.state is not MigrationState.APPLIED for outcome in result.outcomes):
            raise RuntimeError(f"{path.name}: not applied: {result}")

    def _approved(self, connector: Connector, copied: Path) -> workflow.Agenda:
        """Return what is to be run, with every approval that can be given."""
        observation = workflow.observe(connector, POLICY)
        for _ in range(_ROUNDS):
            agenda = workflow.prepare(self.migrations, observation, POLICY)
            if not agenda.unapproved or any(map(final, agenda.unapproved)):
                return agenda
            self._approve(copied, agenda.unapproved)
        raise RuntimeError(f"{copied.name}: the approvals have no end")

    def _approve(self, copied: Path, hazards: tuple[Hazard, ...]) -> None:
        """Write the directives that the hazards ask for before their statements, the last one first."""
        wanted: dict[int, set[str]] = {}
        starts = {(s.at.line, s.at.column): s.span.start for s in self.migrations[-1].statements}
        for hazard in hazards:
            place = starts[hazard.line or 0, hazard.column or 0]
            wanted.setdefault(place, set()).add(_directive(hazard))
        text = self.migrations[-1].text
        for place in sorted(wanted, reverse=True):
            lines = "".join(f"\n{directive}" for directive in sorted(wanted[place]))
            text = f"{text[:place]}{lines}\n{text[place:]}"
            self.record.approved += len(wanted[place])
        copied.write_text(f"\n{text}")
        self.migrations[-1] = history.read_file(history.migration_file(copied))

    def _refuse(self, path: Path, hazards: tuple[Hazard, ...]) -> None:
        why = next(filter(final, hazards))
        self.record.refused.append(f"{path.name}:{why.line} {why.kind}: {why.message}")
        whole = path.name in self.history.in_one_transaction
        naive.run_file(self.sides.ours, path, in_one_transaction=whole)
        migration = self.migrations[-1]
        entry = FileEntry(
            version=migration.version,
            name=migration.name,
            file=migration.file,
            checksums=tuple(statement.checksum for statement in migration.statements),
        )
        with Connector(conninfo=self.sides.ours).session("resolve") as connection:
            store = JournalStore(connection, "migrator", OPTIONS.provenance)
            if not store.exists():
                store.baseline([])
            store.resolve_applied(entry, "refused by the plan, run as it stands")

    def _make_rows(self) -> None:
        with self.sides.both() as (ours, theirs):
            facts = read_facts(theirs, journal_schema="migrator")
            columns = {r.name: tuple(c.name for c in r.columns) for r in facts.relations if r.is_table}
            changed = [name for name, own in columns.items() if self.columns.get(name, own) != own]
            self.columns = columns
            more = {name: _count(theirs, name) + 1 for name in changed}
            made = []
            for connection in (ours, theirs):
                filled = [fill(connection, rows=ROWS, nulls=False)]
                filled += [
                    fill(connection, rows=rows, tables=[name], nulls=False) for name, rows in more.items()
                ]
                fill_in(connection, {name: columns[name] for name in changed})
                made.append(filled)
            if made[0] != made[1]:
                raise RuntimeError(f"the two databases got different rows: {made}")
            self.record.rows += sum(sum(each.inserted.values()) for each in made[0])
            self.record.unfilled |= {str(u.table) for each in made[0] for u in each.unfilled}
            self.drawn |= drawn_columns(theirs)


def run(history: History, directory: Path, sides: Sides) -> LiveRecord:
    """Apply the history to two empty databases and compare them."""
    record = LiveRecord(history=history.name)
    replay = Replay(history=history, directory=directory, sides=sides, record=record)
    for path in history.files:
        replay.run(path)
    record.equal = schema(sides.ours) == schema(sides.theirs)
    with sides.both() as (ours, theirs):
        record.lost = differences(ours, theirs, replay.drawn)
    sides.drop_kept()
    return record


def _directive(hazard: Hazard) -> str:
    if hazard.kind is HazardKind.EXISTING_COLUMN_BACKFILL:
        return "-- migrate: backfill existing-rows"
    return f'-- migrate: allow {hazard.kind} reason="replay of a history"'


def _fits_in_one(migration: Migration) -> bool:
    """Whether psql can run the file in one transaction, so that a failure leaves nothing."""
    text = migration.text.upper()
    commands = [statement.command for statement in migration.statements]
    return "CONCURRENTLY" not in text and not any(
        isinstance(command, AlterTypeAddValue | TransactionControl) for command in commands
    )


def _empty(connection: psycopg.Connection[tuple[Any, ...]], tables: tuple[QualifiedName, ...]) -> None:
    for table in tables:
        connection.execute(f"TRUNCATE {table.quoted} CASCADE".encode())


def _count(connection: psycopg.Connection[tuple[Any, ...]], table: QualifiedName) -> int:
    row = connection.execute(f"SELECT count(*) FROM ONLY {table.quoted}".encode()).fetchone()
    return 0 if row is None else int(row[0])
