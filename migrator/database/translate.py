"""Errors of psycopg as errors of ours: nothing that a server says reaches the user as a traceback.

The messages are the server's own, in its language; decisions are made on SQLSTATEs alone. Passwords are
taken out.
"""

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import conninfo, errors

from migrator.errors import (
    CannotConnect,
    ConnectionLost,
    JournalDamaged,
    MigrateError,
    PreflightError,
    StepFailed,
    StoppedSafely,
)
from migrator.postgres.passwords import without_passwords

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"
CANCELED = "57014"
OBJECT_IN_USE = "55006"
SERIALIZATION = "40001"

RETRYABLE = frozenset({LOCK_NOT_AVAILABLE, DEADLOCK, CANCELED, OBJECT_IN_USE, SERIALIZATION})
"""A later attempt may succeed without anybody's doing."""

READING = "reading the journal"

_GONE = frozenset({"3F000", "42P01", "42703", "42883"})
"""A schema, relation, column or function is not there."""

_BY_HAND = (
    "if it is one of the journal's own: migrate explain runbook, 'The journal itself is damaged'; "
    "else mend it, and run the same command again"
)

# The session ends with these: an administrator, a crash, a failover, a timeout that kills the session.
_SESSION_ENDS = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "25006"})


def cannot_connect(error: psycopg.Error, where: str) -> CannotConnect:
    """Return the error for a session that could not be opened; names host, port and database, no password."""
    try:
        parts = conninfo.conninfo_to_dict(where)
    except psycopg.Error:
        return CannotConnect("the connection string cannot be read; see the manual, section 33.1.1")
    place = " ".join(f"{k}={parts[k]}" for k in ("host", "port", "dbname", "user", "service") if parts.get(k))
    secret = parts.get("password")
    said = without_passwords(message_of(error))
    said = said.replace(str(secret), "***") if secret else said
    return CannotConnect(f"cannot connect to {place or 'the default server'}: {said}")


def message_of(error: psycopg.Error) -> str:
    """Return the server's message, detail and hint, in one line each; libpq's where it has none."""
    diagnostics = error.diag
    if diagnostics.message_primary is None:
        return " ".join(str(error).split())
    parts = [diagnostics.message_primary]
    parts += [f"{diagnostics.message_detail}"] if diagnostics.message_detail else []
    parts += [f"(server's hint: {diagnostics.message_hint})"] if diagnostics.message_hint else []
    return "\n".join(parts)


def connection_is_lost(error: psycopg.Error) -> bool:
    """Whether the session is gone, or useless because the server turned into a standby."""
    if error.sqlstate is not None:
        return error.sqlstate in _SESSION_ENDS or error.sqlstate.startswith("08")
    return isinstance(error, psycopg.OperationalError)


def translated(error: psycopg.Error, doing: str) -> MigrateError:
    """Return the error of ours for one that escaped while `doing` something outside a step's own SQL."""
    if connection_is_lost(error):
        said = without_passwords(message_of(error))
        return ConnectionLost(f"the connection was lost while {doing}: {said}")
    if error.sqlstate in _GONE and doing == READING:
        return JournalDamaged(f"the journal is damaged: {message_of(error)}")
    if isinstance(error, errors.InsufficientPrivilege):
        return PreflightError(f"no permission while {doing}: {message_of(error)}")
    if isinstance(error, (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected)):
        return StoppedSafely(f"the server did not answer in time while {doing}: {message_of(error)}")
    hint = _BY_HAND if error.sqlstate in _GONE else None
    return StepFailed(f"failed while {doing}: {message_of(error)}", hint=hint)


@contextlib.contextmanager
def translating(doing: str) -> Iterator[None]:
    """Turn every psycopg error of the block into one of ours; `doing` completes 'while …'."""
    try:
        yield
    except psycopg.Error as error:
        raise translated(error, doing) from error
