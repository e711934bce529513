"""Waiting until the journal says that files are past validate. Reads only, on a standby too.

Hundreds of processes may wait at once while an application is rolled out, so each asks seldom, for a few
columns, on a connection that it keeps. Fails with CannotConnect where the server is not there to the end.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from migrator.database import journal_install
from migrator.database.commands import journal_query
from migrator.database.session import Connection, Connector
from migrator.database.translate import translating
from migrator.errors import CannotConnect, ConnectionLost, MigrateError
from migrator.execution.journal import MigrationState
from migrator.execution.rollout import Progress, Rollout, rollout

LONGEST_PAUSE_S = 5.0


_pause = wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE_S, min=0.2)


class _NotYet(Exception):
    """Something is missing still."""


def read_progress(connection: Connection, schema: str) -> dict[str, Progress]:
    """Return how far each migration of the journal is; nothing where there is no journal."""
    with translating("reading the journal"):
        if not journal_install.exists(connection, schema):
            return {}
        rows = connection.execute(journal_query("journal_read.sql", "past validate", schema).query).fetchall()
    return {row[0]: Progress(state=MigrationState(row[1]), past_validate=bool(row[2])) for row in rows}


def wait_for_rollout(
    connector: Connector,
    schema: str,
    needed: Sequence[str],
    *,
    timeout_s: float,
    tell: Callable[[Rollout | MigrateError], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Rollout:
    """Return what is missing of `needed` as soon as it is nothing, or after `timeout_s`.

    `tell` hears what stands in the way, the same thing once. A server that cannot be reached is asked again.
    """
    waiting = _Waiting(connector=connector, schema=schema, needed=needed, tell=tell)
    retrying = Retrying(
        retry=retry_if_exception_type((_NotYet, CannotConnect, ConnectionLost)),
        stop=stop_after_delay(timeout_s),
        wait=lambda state: min(_pause(state), max(timeout_s - (state.seconds_since_start or 0.0), 0.01)),
        sleep=sleep,
        before_sleep=waiting.say,
        reraise=True,
    )
    try:
        return retrying(waiting.look)
    except _NotYet:
        return waiting.found
    finally:
        waiting.close()


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """One wait, over as many connections as it takes."""

    connector: Connector
    schema: str
    needed: Sequence[str]
    tell: Callable[[Rollout | MigrateError], None]
    found: Rollout = field(default_factory=lambda: Rollout(missing=(), failed=()))
    _connection: Connection | None = None
    _told: str = ""

    def look(self) -> Rollout:
        """Ask once."""
        if self._connection is None:
            self._connection = self.connector.connect("wait", read_only=True)
        try:
            self.found = rollout(self.needed, read_progress(self._connection, self.schema))
        except ConnectionLost:
            self.close()
            raise
        if not self.found.complete:
            raise _NotYet
        return self.found

    def say(self, state: RetryCallState) -> None:
        """Tell what stands in the way, unless that was said before."""
        error = state.outcome.exception() if state.outcome else None
        said: Rollout | MigrateError = error if isinstance(error, MigrateError) else self.found
        if str(said) != self._told:
            self._told = str(said)
            self.tell(said)

    def close(self) -> None:
        """Close the connection; the next look opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
