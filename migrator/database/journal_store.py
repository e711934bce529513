"""The journal in the database: made, read, and changed on a person's word.

What a run writes while it goes is in `journal_writer`. Reading works on a standby and in a read-only session.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from migrator.database.session import Connection
from migrator.execution.journal import Journal
from migrator.execution.options import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file as the journal records it without having run it."""

    version: str
    name: str
    file: str
    checksums: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRow:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
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

    def __init__(self, connection: Connection, schema: str, provenance: Provenance | None = None) -> None: ...

    def exists(self) -> bool:
        """Whether the database has a journal."""
        raise NotImplementedError

    def install(self) -> None:
        """Make the journal, or bring it to this tool's form; doing it again changes nothing."""
        raise NotImplementedError

    def load(self) -> Journal:
        """Read all of it in one snapshot; `exists=False` where there is none."""
        raise NotImplementedError

    def baseline(self, files: Sequence[FileEntry]) -> None:
        """Record the files as applied without running them; makes the journal first, and only that for ().

        Raises RunnerBusy while a run is going on, InputError where one of the versions has begun.
        """
        raise NotImplementedError

    def resolve_applied(self, file: FileEntry, reason: str) -> None:
        """Record that everything of the file is done, whatever the journal thought."""
        raise NotImplementedError

    def resolve_rolled_back(self, version: str, reason: str) -> None:
        """Record that nothing of the file remains: it is pending again, from its first step."""
        raise NotImplementedError

    def accept_checksum(self, file: FileEntry, reason: str) -> None:
        """Record the file's statements as they are now as those that ran."""
        raise NotImplementedError

    def accept_drift(self, version: str, reason: str) -> None:
        """Take the relations of an unfinished migration as they are now for what its next step expects."""
        raise NotImplementedError

    def set_paused(self, paused: bool, reason: str | None = None) -> None:  # noqa: FBT001  # the one thing it sets
        """Set or clear the flag that every run reads before each step and batch."""
        raise NotImplementedError

    def progress(self) -> tuple[ProgressRow, ...]:
        """Return the view `progress`: the steps of unfinished migrations."""
        raise NotImplementedError

    def events(self, limit: int = 100) -> tuple[EventRow, ...]:
        """Return the latest events, newest first."""
        raise NotImplementedError
