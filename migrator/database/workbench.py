"""What everything that performs a step needs: the executing connection, the journal's commands, who listens.

Sleeping and chance are fields, so that tests may bring their own.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import psycopg

from migrator.database.blockers import Lookout, Show
from migrator.database.commands import ROLLBACK, Command
from migrator.database.journal_commands import JournalCommands
from migrator.database.journal_read import read_control
from migrator.database.message import Names
from migrator.database.session import Connection, Connector
from migrator.database.translate import message_of
from migrator.errors import Location, Paused, StepFailed
from migrator.execution.events import Observer
from migrator.execution.faults import Faults
from migrator.execution.stop import StopRequest
from migrator.execution.termination import Watch
from migrator.plan.step import Phase, SessionState, Step
from migrator.policy import Policy
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.passwords import without_passwords
from migrator.postgres.versions import ServerVersion

_RNG = random.Random()  # noqa: S311  # jitter, no secret


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Definitions that were looked at and were as expected."""

    version: str
    """Of the migration that expects them."""
    at: float
    """By the monotonic clock, before the look."""
    stamps: Mapping[QualifiedName, str]
    whole: bool
    """All relations that the journal has of the migration."""


@dataclass(slots=True)
class Session:
    """What is known of the executing session besides what every session of ours has."""

    state: SessionState | None = None
    """The session state that steps left behind which were carried out together; None: ours."""
    seen: Seen | None = None
    """The last look at definitions; None where a change was noticed since."""
    names: Names = field(default_factory=Names)
    """What the session was told to remember for steps that go together."""
    values: dict[SessionState, dict[str, str]] = field(default_factory=dict)
    """What settings of steps come to, as the server has said."""
    away: bool = False
    """The runner lock was given up for a while: others may have changed the journal since it was read."""
    overtaken: bool = False
    """Another run was at work since the plan was made."""
    _role: str | None = None

    def role(self, bench: "Workbench") -> str:
        """Return whose rights the session has."""
        if self._role is None:
            row = bench.connection.execute("SELECT current_user").fetchone()
            self._role = str(row[0]) if row else ""
        return self._role


class Workbench(msgspec.Struct, frozen=True, kw_only=True):
    """One executing connection, which holds the runner lock or a lease, and what belongs to its run."""

    connector: Connector
    connection: Connection
    commands: JournalCommands
    policy: Policy
    observer: Observer
    stop: StopRequest
    faults: Faults
    session: Session = msgspec.field(default_factory=Session)
    show: Show = str
    """How the statements of other sessions are shown."""
    watch: Watch = msgspec.field(default_factory=Watch)
    """Since when others have been in the way."""
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = _RNG.random
    wait_s: float = 0.0
    """How long to wait for another runner."""
    lease_after_s: float = float("inf")
    """When a backfill lets other runs have the runner lock."""

    @property
    def schema(self) -> str:
        """The journal's."""
        return self.commands.schema

    @property
    def lookout(self) -> Lookout:
        """Who sees who is in the way."""
        return Lookout(connection=self.connection, schema=self.schema, show=self.show)

    @property
    def version(self) -> ServerVersion:
        """The server's."""
        return ServerVersion(self.connection.info.server_version)

    def execute(self, command: Command) -> "psycopg.Cursor[tuple[object, ...]]":
        """Run one command on the executing connection."""
        return self.connection.execute(command.query, command.parameters)

    def together(self, commands: Sequence[Command]) -> None:
        """Run commands in one transaction."""
        with self.connection.transaction():
            for command in commands:
                self.execute(command)

    def rollback(self) -> None:
        """Leave a failed transaction; the server released its locks when it failed."""
        if self.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self.execute(ROLLBACK)

    def check_stop(self) -> None:
        """Raise Interrupted or Paused if somebody asked: before each step, attempt and batch."""
        self.stop.check()
        paused, reason = read_control(self.connection, self.schema)
        if paused:
            raise Paused(f"paused: {reason}" if reason else "paused")


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How a step came to its end."""

    attempts: int
    found_done: bool = False
    """An earlier run had done it; the catalog or the journal proved that."""
    rows: int | None = None


def failed(step: Step, reason: str, *, hint: str | None = None) -> StepFailed:
    """Return the error for a step that needs a person, with its place in the user's file."""
    at = Location(file=step.file, line=step.line, column=step.column) if step.file else None
    return StepFailed(
        f"step {step.id} of {step.migration} failed ({step.title}): {reason}",
        at=at,
        hint=hint or _way_on(step),
    )


def _way_on(step: Step) -> str:
    again = f"migrate contract {step.migration}" if step.phase is Phase.CONTRACT else "migrate apply"
    return (
        f"mend the cause, then: {again}; or finish or undo it by hand, then: migrate resolve "
        f"{step.migration} --applied | --rolled-back --reason …; more: migrate explain runbook"
    )


def reason_of(error: psycopg.Error) -> str:
    """Return what the server said, with its SQLSTATE."""
    said = without_passwords(message_of(error))
    return f"{said} [{error.sqlstate}]" if error.sqlstate else said
