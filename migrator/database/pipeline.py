"""Commands in one pipeline: one message to the server, one answer, and which of them was refused.

A client that freezes must not hold a lock, so everything between BEGIN and COMMIT travels together (manual,
"Pipeline Mode"). The server skips what stands after the command it refuses, and has released the
transaction's locks by then.
"""

import enum
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from migrator.database.commands import Command
from migrator.database.session import Connection
from migrator.plan.effect import RelationLock
from migrator.plan.step import SessionState


class Part(enum.StrEnum):
    """What a command of a transaction is there for."""

    SETUP = "setup"
    """BEGIN, the session state, the timeouts."""
    LOCK = "lock"
    """LOCK TABLE."""
    CHECK = "check"
    """The fingerprints."""
    STATEMENT = "statement"
    """The step's own SQL."""
    RECORD = "record"
    """The journal's rows and COMMIT."""
    ANSWER = "answer"
    """A question about the session's settings."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A command and what it is there for."""

    command: Command
    part: Part
    lock: RelationLock | None = None
    """What LOCK TABLE asks for."""
    state: SessionState | None = None
    """What is asked about."""


class Refused(Exception):
    """The server refused one of the commands; its transaction is over, but for the ROLLBACK."""

    def __init__(self, placed: Placed, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.placed = placed
        self.error = error


def send(
    connection: Connection,
    placed: Sequence[Placed],
    cursors: list[psycopg.Cursor[tuple[Any, ...]]] | None = None,
) -> list[psycopg.Cursor[tuple[Any, ...]]]:
    """Send the commands together; raises Refused, or psycopg's error of a lost session.

    The answers are in `cursors`; those from the refused command on have no `pgresult`.
    """
    cursors = [] if cursors is None else cursors
    try:
        with connection.pipeline():
            for one in placed:
                cursor = connection.cursor()
                cursors.append(cursor)
                cursor.execute(one.command.query, one.command.parameters)
    except psycopg.Error as error:
        if connection.broken or connection.closed:
            raise
        answered = sum(1 for cursor in cursors if cursor.pgresult is not None)
        raise Refused(placed[min(answered, len(placed) - 1)], error) from error
    return cursors
