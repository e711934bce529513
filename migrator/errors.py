"""Every error a user can meet, as one tree; the exit code and a hint stand on the class.

    MigrateError
    ├── UsageError                2   the command line
    │   ├── ConfigurationError    2   migrate.toml, the environment, a URL
    │   └── NotDisposable         2   a disposable environment, and a database that is not
    ├── ApprovalNeeded            3   a hazard needs an approval in the file
    ├── WorkPending               4   with --check, or after migrate wait
    ├── InputError                5   something the user wrote or left behind
    │   ├── SqlSyntaxError            the text cannot be split or read
    │   ├── DirectiveError            a `-- migrate:` comment that is not understood
    │   ├── ApprovalsError            an entry of approvals.toml that is not understood
    │   ├── ChecksumError             a statement that has begun was edited
    │   ├── OrderError                an older file shares objects with a later applied one
    │   ├── DriftError                the database is not what the plan was made for
    │   ├── JournalDamaged            something of the journal was taken away by hand
    │   ├── StalePlanError            a saved plan no longer fits files, tool or database
    │   ├── NoBaselineError           user tables, and no journal
    │   └── PreflightError            permissions, a standby, a pooler; before the first step
    ├── RunnerBusy                6   another runner holds the database
    ├── StoppedSafely             7   run again to resume
    │   ├── LockDeadline              a lock was not to be had within its deadline
    │   ├── ConnectionLost            the server or the network went away
    │   └── Paused                    `migrate pause` was called
    ├── StepFailed                8   a step failed; a person is needed
    ├── CannotConnect             9   no session to be had
    └── Interrupted             130   SIGINT after a safe checkpoint (Terminated: 143)

Anything else that reaches the top is a bug and exits with 1 and a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a file of the user's; line and column count from 1, in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class MigrateError(Exception):
    """Base of all errors shown to a user without a traceback."""

    exit_code: ClassVar[int] = 1
    default_hint: ClassVar[str | None] = None

    def __init__(self, message: str, *, at: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint if hint is not None else self.default_hint

    def __str__(self) -> str:
        return self.message if self.at is None else f"{self.at}: {self.message}"


class UsageError(MigrateError):
    """The command line does not make sense."""

    exit_code = 2


class ConfigurationError(UsageError):
    """migrate.toml, pyproject.toml, the environment or a URL is wrong."""


class NotDisposable(UsageError):
    """A command for disposable environments, and an environment or a database that is not one."""


class ApprovalNeeded(MigrateError):
    """A hazard has no approval in the file."""

    exit_code = 3


class WorkPending(MigrateError):
    """Work is pending or waiting; raised where --check asked for it, or a wait for it is over."""

    exit_code = 4


class InputError(MigrateError):
    """Something the user wrote, or left in the database, stands in the way."""

    exit_code = 5


class SqlSyntaxError(InputError):
    """The text cannot be split into statements."""


class DirectiveError(InputError):
    """A `-- migrate:` comment is not understood."""


class ApprovalsError(InputError):
    """The approvals file is not understood."""


class ChecksumError(InputError):
    """A statement that has begun was edited afterwards."""

    default_hint = (
        "restore the statement, or record your decision: migrate resolve VERSION --accept-checksum --reason …"
    )


class OrderError(InputError):
    """An older file shares objects with a later file that is applied already."""

    default_hint = "give the file a new version: migrate renumber FILE"


class DriftError(InputError):
    """The database is not what the plan was made for."""


class JournalDamaged(InputError):
    """Something of the journal was taken away or changed by hand."""

    default_hint = (
        "restore the journal's schema from a backup, or finish by hand and begin a new one: "
        "migrate explain runbook, 'The journal itself is damaged'"
    )


class StalePlanError(InputError):
    """A saved plan no longer fits the files or the database."""

    default_hint = "make a new plan: migrate plan --save FILE"


class NoBaselineError(InputError):
    """A database with user tables has no journal."""

    default_hint = "say which files it has already: migrate baseline VERSION (0: none of them)"


class PreflightError(InputError):
    """Missing permissions, a standby, a transaction pooler: found before the first step."""


class RunnerBusy(MigrateError):
    """Another runner holds the database."""

    exit_code = 6
    default_hint = "migrate status says who; wait longer with --wait DURATION"


class StoppedSafely(MigrateError):
    """The run stopped at a safe place; run again to resume."""

    exit_code = 7
    default_hint = "run the same command again to resume"


class LockDeadline(StoppedSafely):
    """A lock was not to be had within its deadline."""


class ConnectionLost(StoppedSafely):
    """The server or the network went away in the middle of a run."""


class Paused(StoppedSafely):
    """`migrate pause` was called."""

    default_hint = "go on with: migrate resume, then run the same command again"


class StepFailed(MigrateError):
    """A step failed in a way that another attempt will not mend."""

    exit_code = 8


class CannotConnect(MigrateError):
    """The server cannot be reached, or does not let us in."""

    exit_code = 9


class Interrupted(MigrateError):
    """SIGINT, after a safe checkpoint."""

    exit_code = 130
    default_hint = "run the same command again to resume"


class Terminated(Interrupted):
    """SIGTERM, after a safe checkpoint."""

    exit_code = 143
