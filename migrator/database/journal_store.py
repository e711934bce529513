"""The journal in the database: made, read, and changed on a person's word.

What a run writes while it goes is in `journal_writer`. Reading works on a standby and in a read-only session.
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from psycopg.rows import class_row

from migrator.database import journal_install, leases, runner_lock
from migrator.database.blockers import Lookout, Show
from migrator.database.commands import Command, journal_query
from migrator.database.journal_commands import JournalCommands, encode_plan
from migrator.database.journal_read import (
    read_began_unused,
    read_control,
    read_disposable,
    read_latest_event,
    read_leases,
    read_migrations,
    read_runner,
)
from migrator.database.session import Connection
from migrator.database.translate import READING, translating
from migrator.errors import InputError, RunnerBusy
from migrator.execution.blocker import RunnerSession
from migrator.execution.journal import SETTLED, Journal, MigrationRecord, MigrationState, check_migration
from migrator.execution.options import Provenance
from migrator.plan.plan import Plan
from migrator.postgres.identifiers import QualifiedName

RowType = TypeVar("RowType")


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A file as the journal records it without having run it."""

    version: str
    name: str
    file: str
    checksums: tuple[str, ...]


class ProgressRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the view `progress`."""

    migration: str
    name: str
    step: str
    phase: str
    title: str
    state: str
    rows_done: int | None
    estimated_rows: int | None
    percent: float | None
    rate: float | None
    """Rows a second."""
    eta_s: float | None
    runner_pid: int | None
    runner_host: str | None
    waits_for: str | None
    stage: str | None
    """Of an index that is being built, also where its runner is gone: pg_stat_progress_create_index.phase."""


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table `event`."""

    id: int
    at: datetime
    kind: str
    version: str | None
    os_user: str | None
    role: str
    host: str | None
    tool_version: str | None
    commit: str | None
    ci_url: str | None
    details: dict[str, Any]


class JournalStore:
    """The journal behind one autocommit connection. Methods raise ConnectionLost or PreflightError."""

    def __init__(self, connection: Connection, schema: str, provenance: Provenance | None = None) -> None:
        self._connection = connection
        self._schema = schema
        self._commands = JournalCommands(schema, provenance)

    def exists(self) -> bool:
        """Whether the database has a journal."""
        with translating("looking for the journal"):
            return journal_install.exists(self._connection, self._schema)

    def install(self) -> None:
        """Make the journal, or bring it to this tool's form; the caller holds the runner lock."""
        with translating("making the journal"):
            journal_install.install(self._connection, self._schema)

    def load(self) -> Journal:
        """Read all of it in one snapshot; `exists=False` where there is none."""
        with translating(READING), self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if not journal_install.exists(self._connection, self._schema):
                runner = read_runner(self._connection, self._schema, journal=False)
                return Journal(exists=False, runner=runner)
            paused, reason = read_control(self._connection, self._schema)
            return Journal(
                migrations=read_migrations(self._connection, self._schema),
                paused=paused,
                paused_reason=reason,
                disposable=read_disposable(self._connection, self._schema),
                began_unused=read_began_unused(self._connection, self._schema),
                runner=read_runner(self._connection, self._schema, journal=True),
                leases=read_leases(self._connection, self._schema),
                latest_event=read_latest_event(self._connection, self._schema),
            )

    def runners(self, relations: Sequence[QualifiedName], show: Show) -> tuple[RunnerSession, ...]:
        """Return who works for a run at this moment, whom they wait for, and who waits for them."""
        with translating("looking who waits for whom"):
            lookout = Lookout(connection=self._connection, schema=self._schema, show=show)
            return lookout.runners(relations)

    def baseline(self, files: Sequence[FileEntry], *, disposable: bool = False) -> None:
        """Record the files as applied without running them; makes the journal first, and only that for ().

        A journal made so remembers whether the environment is `disposable`. Raises RunnerBusy while a run is
        going on, InputError where one of the versions has begun.
        """
        with self._alone("recording a baseline"):
            if journal_install.install(self._connection, self._schema):
                self._run(self._commands.query("set disposable", disposable=disposable))
            with self._connection.transaction():
                for file in files:
                    self._check_not_begun(file.version)
                    self._settle(file, MigrationState.BASELINED)
                self._run(self._commands.event("baseline", files[-1].version if files else "0"))

    def resolve_applied(self, file: FileEntry, reason: str) -> None:
        """Record that everything of the file is done, whatever the journal thought."""
        with self._alone("resolving a migration", file.version):
            self._check_edge(file.version, MigrationState.APPLIED)
            self._settle(file, MigrationState.APPLIED)
            self._run(self._commands.query("resolve steps", version=file.version))
            self._run(self._commands.event("resolve.applied", file.version, reason=reason))

    def resolve_rolled_back(self, version: str, reason: str) -> None:
        """Record that nothing of the file remains: it is pending again, from its first step."""
        with self._alone("resolving a migration", version):
            self._check_edge(version, MigrationState.ROLLED_BACK)
            self._run(self._commands.set_migration(version, MigrationState.ROLLED_BACK))
            self._run(self._commands.query("forget steps", version=version))
            self._run(self._commands.event("resolve.rolled_back", version, reason=reason))

    def accept_checksum(self, file: FileEntry, reason: str) -> None:
        """Record the file's statements as they are now as those that ran."""
        with self._alone("accepting a checksum", file.version):
            before = self._known(file.version)
            self._run(
                self._commands.query(
                    "set checksums",
                    version=file.version,
                    name=file.name,
                    file=file.file,
                    checksums=list(file.checksums),
                )
            )
            details = {"before": list(before.checksums), "after": list(file.checksums), "reason": reason}
            self._run(self._commands.event("resolve.accept_checksum", file.version, **details))

    def accept_drift(self, version: str, reason: str) -> None:
        """Take the relations of an unfinished migration as they are now for what its next step expects."""
        with self._alone("accepting a changed definition", version):
            self._known(version)
            self._run(self._commands.query("accept fingerprints", version=version))
            self._run(self._commands.query("begin anew", version=version, step=None))
            self._run(self._commands.event("resolve.accept_drift", version, reason=reason))

    def set_plan(self, version: str, plan: Plan, made_from: MigrationRecord) -> None:
        """Store the merged plan (`replan.merge`) of a begun migration whose file was edited.

        Raises RunnerBusy where another run has gone on with it since `made_from` was read.
        """
        with self._alone("storing a merged plan", version):
            known = self._known(version)
            if (known.plan, known.begun_statements) != (made_from.plan, made_from.begun_statements):
                raise RunnerBusy(
                    f"another run went on with migration {version}, whose file was edited",
                    hint="run the same command again",
                )
            checksums = [s.checksum for s in plan.statements if s.migration == version]
            stored = encode_plan(plan)
            self._run(self._commands.query("set plan", version=version, plan=stored, checksums=checksums))
            self._run(self._commands.expect_fingerprints(plan, version))
            self._run(self._commands.event("migration.edited", version))

    def set_paused(self, paused: bool, reason: str | None = None) -> None:  # noqa: FBT001  # what it sets
        """Set or clear the flag that every run reads before each step and batch."""
        with translating("setting the pause flag"), self._connection.transaction():
            self._run(self._commands.query("set paused", paused=paused, reason=reason if paused else None))
            self._run(self._commands.event("pause" if paused else "resume", reason=reason))

    def progress(self) -> tuple[ProgressRow, ...]:
        """Return the view `progress`: the steps of unfinished migrations."""
        return self._rows("progress", ProgressRow)

    def events(self, limit: int = 100) -> tuple[EventRow, ...]:
        """Return the latest events, newest first."""
        return self._rows("events", EventRow, limit=limit)

    def _rows(self, name: str, kind: type[RowType], **parameters: int) -> tuple[RowType, ...]:
        command = journal_query("journal_read.sql", name, self._schema, parameters)
        with (
            translating(READING),
            self._connection.cursor(row_factory=class_row(kind)) as cursor,
        ):
            return tuple(cursor.execute(command.query, command.parameters).fetchall())

    def _run(self, command: Command) -> None:
        self._connection.execute(command.query, command.parameters)

    @contextlib.contextmanager
    def _alone(self, doing: str, version: str | None = None) -> Iterator[None]:
        """Hold the runner lock and one transaction for the length of a `with` block.

        Raises RunnerBusy while a run is going on, or the backfill of that version without the runner lock.
        """
        with translating(doing):
            runner_lock.acquire_at_rest(self._connection, self._schema)
            try:
                if version is not None:
                    leases.refuse(self._connection, self._schema, version)
                with self._connection.transaction():
                    yield
            finally:
                if not self._connection.broken:
                    runner_lock.release(self._connection, self._schema)

    def _known(self, version: str) -> MigrationRecord:
        found = read_migrations(self._connection, self._schema, version)
        if not found:
            raise InputError(f"the journal knows no migration {version}")
        return found[0]

    def _check_edge(self, version: str, after: MigrationState) -> None:
        found = read_migrations(self._connection, self._schema, version)
        before = found[0].state if found else None
        try:
            check_migration(before, after)
        except ValueError as error:
            raise InputError(f"migration {version}: {error}") from None

    def _check_not_begun(self, version: str) -> None:
        found = read_migrations(self._connection, self._schema, version)
        if found and found[0].state not in SETTLED:
            self._check_edge(version, MigrationState.BASELINED)

    def _settle(self, file: FileEntry, state: MigrationState) -> None:
        found = read_migrations(self._connection, self._schema, file.version)
        if found and found[0].state in SETTLED:
            return
        self._run(
            self._commands.query(
                "record settled",
                version=file.version,
                name=file.name,
                file=file.file,
                state=state.value,
                checksums=list(file.checksums),
            )
        )
