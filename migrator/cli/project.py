"""The project a command works on: its settings, files and database, each opened when it is asked for."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from migrator import configuration, history
from migrator.cli.failure import say
from migrator.cli.invocation import current
from migrator.cli.redact import learn
from migrator.cli.versions import parts
from migrator.configuration import Configuration
from migrator.configuration.approvals import NAME as APPROVALS
from migrator.errors import ConfigurationError, InputError, UsageError
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.postgres.versions import ServerVersion

if TYPE_CHECKING:  # these load psycopg or sqlglot, which not every command needs
    from migrator.database.journal_store import FileEntry, JournalStore
    from migrator.database.session import Connector
    from migrator.plan.plan import Plan
    from migrator.sql.migration import Migration

_STANDARD_INPUT = "migrator.standard_input"
"""Where the context of the command keeps it."""

LIBPQ = ("PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE")
"""Any of these names a database; PGUSER or PGPORT alone do not."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A journal behind an open connection."""

    store: "JournalStore"
    place: str
    """Host and database, for people."""


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says, and what it leads to."""

    configuration: Configuration

    @property
    def directory(self) -> Path:
        """The folder of the migration files, which may not exist yet; relative if it can be."""
        found = self.configuration.directory
        return found.relative_to(Path.cwd()) if found.is_relative_to(Path.cwd()) else found

    @property
    def policy(self) -> Policy:
        """What plans and runs depend on; reads the approvals file where that approves."""
        return self.configuration.policy_to_plan()

    @property
    def approvals_path(self) -> str:
        """Where the approvals file is, or would be."""
        return (self.directory / APPROVALS).as_posix()

    @property
    def database_was_given(self) -> bool:
        """Whether a flag names the database."""
        return self.configuration.database_source == "flag"

    @property
    def has_database(self) -> bool:
        """Whether anything names a database."""
        return self.configuration.database is not None or any(os.environ.get(name) for name in LIBPQ)

    @property
    def facts_without_database(self) -> Facts:
        """Nothing is known but the server's version, if the configuration says that."""
        version = self.configuration.postgres_version
        return Facts() if version is None else Facts(server_version=ServerVersion(version * 10_000))

    @property
    def connector(self) -> "Connector":
        """How to connect; raises ConfigurationError where nothing says to what."""
        from migrator.workflow.connecting import connector

        if not self.has_database:
            raise ConfigurationError(
                "no database is named",
                hint="--database URL, DATABASE_URL, PGHOST and PGDATABASE, or `database` in migrate.toml",
            )
        made = connector(self.configuration)
        learn(made.conninfo)
        return made

    def migrations(self) -> "tuple[Migration, ...]":
        """Read all files of the folder."""
        return history.read_history(self.existing_directory())

    def existing_directory(self) -> Path:
        """Return the folder of the files, or say how to make one."""
        if not self.directory.is_dir():
            raise UsageError(
                f"there is no folder {self.directory}",
                hint="make one with migrate init, or name another with --dir",
            )
        return self.directory

    def read(self, paths: Iterable[Path]) -> "tuple[Migration, ...]":
        """Read these files, in this order, whatever they are called."""
        from migrator.sql.migration import read_migration

        found = [(path, *(parts(path) or (path.stem, path.stem))) for path in paths]
        return tuple(
            read_migration(history.read_text(path), file=str(path), version=version, name=name)
            for path, version, name in found
        )

    def standard_input(self) -> "Migration":
        """Read SQL from standard input; asked again it is the same, since it can be read only once."""
        meta = click.get_current_context().meta
        if _STANDARD_INPUT not in meta:
            meta[_STANDARD_INPUT] = sys.stdin.buffer.read()
        return self.read_text(meta[_STANDARD_INPUT], "<stdin>")

    def read_text(self, content: bytes, file: str) -> "Migration":
        """Read SQL that does not come from a file."""
        from migrator.sql.migration import read_migration

        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"{file} is not UTF-8 (byte {error.start + 1})") from None
        return read_migration(text, file=file, version="-", name="standard input")

    def saved_plan(self, path: Path) -> "Plan":
        """Read a plan that `migrate plan --save` wrote."""
        from migrator.plan import codec

        return codec.decode(history.read_text(path), file=str(path))

    @contextlib.contextmanager
    def open(self, purpose: str, *, read_only: bool = False) -> "Iterator[Opened]":
        """Connect, and give the journal of the database."""
        from migrator.database.journal_store import JournalStore
        from migrator.workflow import place
        from migrator.workflow.provenance import provenance

        with self.connector.session(purpose, read_only=read_only) as connection:
            store = JournalStore(connection, self.configuration.journal_schema, provenance())
            yield Opened(store=store, place=place(connection))

    @contextlib.contextmanager
    def open_existing(self, purpose: str) -> "Iterator[Opened]":
        """As `open`, for commands that mean nothing without a journal."""
        with self.open(purpose) as opened:
            if not opened.store.exists():
                raise InputError(
                    f"{opened.place} has no journal: nothing was ever applied there",
                    hint="it begins with migrate apply, or with migrate baseline where tables exist",
                )
            yield opened


def load_project(settings_given: Mapping[str, object] | None = None) -> Project:
    """Return the project that the global options, the working directory and a command's settings lead to."""
    asked = current()
    if asked.database and configuration.holds_password(asked.database):
        say(
            "anybody on this machine can read a password in --database; use DATABASE_URL or file:PATH",
            label="warning",
            color="yellow",
        )
    settings = configuration.load(
        start=_here(),
        file=None if asked.config is None else Path(asked.config),
        environment=asked.environment,
        flags={
            "database": asked.database,
            "directory": None if asked.directory is None else Path(asked.directory),
            **(settings_given or {}),
        },
    )
    if settings_given and settings_given.get("terminate_writers") and not settings.terminate_blockers_s:
        raise UsageError("--terminate-writers means nothing without --terminate-blockers AFTER")
    return Project(configuration=settings)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            f"the working directory cannot be used: {error.strerror}", hint="cd to another"
        ) from error


def file_entry(migration: "Migration") -> "FileEntry":
    """Return a file as the journal records it without running it."""
    from migrator.database.journal_store import FileEntry

    checksums = tuple(statement.checksum for statement in migration.statements)
    return FileEntry(version=migration.version, name=migration.name, file=migration.file, checksums=checksums)
