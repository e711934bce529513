"""A connection of the application: every statement is timed, every failure recorded.

After a failure the transaction is rolled back and the caller's action ends with `Refused`; a lost
connection is opened again by the next action. `Refused.certain` is False where a COMMIT was under way and
its outcome is not known.
"""

import time
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from migrator.shadow.traffic.recording import Failure, Recorder


class Statement(NamedTuple):
    """A statement under the name by which it is counted."""

    kind: str
    sql: LiteralString | sql.Composed


BEGIN = Statement("begin", "BEGIN")
COMMIT = Statement("commit", "COMMIT")
ROLLBACK = Statement("rollback", "ROLLBACK")

WRONG_ANSWER = "wrong"
"""In place of a SQLSTATE: the server answered, but rows were missing or too many."""

Row = tuple[Any, ...]
Values = tuple[object, ...] | dict[str, object]


class Refused(Exception):
    """The server refused a statement; the action is rolled back."""

    def __init__(self, *, certain: bool) -> None:
        super().__init__(f"certain={certain}")
        self.certain = certain


class Session:
    """One thread's connection and recorder."""

    def __init__(self, database: str, *, name: str) -> None:
        self.database = database
        self.name = name
        self.recorder = Recorder()
        self.connection: psycopg.Connection[Row] = self._connect()

    def _connect(self) -> psycopg.Connection[Row]:
        return psycopg.connect(self.database, autocommit=True, application_name=self.name)

    def run(self, statement: Statement, values: Values | None = None) -> list[Row]:
        """Execute a statement, timed, and return its rows."""
        begin = time.monotonic_ns()
        try:
            cursor = self.connection.execute(statement.sql, values)
            rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            self._fail(statement, error.sqlstate or "lost", str(error))
            raise Refused(certain=self._recover(statement)) from error
        finally:
            self.recorder.add(statement.kind, begin, time.monotonic_ns())
        return rows

    def expect(self, rows: int, statement: Statement, values: Values) -> list[Row]:
        """Execute a statement that must give so many rows; anything else is a wrong answer."""
        found = self.run(statement, values)
        if len(found) != rows:
            self._fail(statement, WRONG_ANSWER, f"{len(found)} rows in place of {rows} for {values}")
            raise Refused(certain=self._recover(statement))
        return found

    def begin(self) -> None:
        """Begin a transaction."""
        self.run(BEGIN)

    def commit(self) -> None:
        """Commit it; only after this the ledger may be told."""
        self.run(COMMIT)

    def _fail(self, statement: Statement, sqlstate: str, message: str) -> None:
        failure = Failure(statement.kind, time.monotonic_ns(), sqlstate, message.strip())
        self.recorder.failures.append(failure)

    def _recover(self, statement: Statement) -> bool:
        """Get ready for the next action; return whether it is certain that nothing was committed."""
        if self.connection.broken or self.connection.closed:
            self.connection.close()
            self.connection = self._connect()
            return statement is not COMMIT and not statement.kind.startswith(("update", "insert", "delete"))
        self.connection.execute("ROLLBACK")
        return True

    def close(self) -> None:
        """End the connection."""
        self.connection.close()
