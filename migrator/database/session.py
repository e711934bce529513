"""Connections of ours: how they are opened and which settings they are given.

A role or a database may have settings of its own (ALTER ROLE … SET), so everything a run depends on is set
explicitly; what the user's SQL depends on (search_path, TimeZone, DateStyle, …) is left alone, because the
planner reads it and puts it into each step. Fails with `CannotConnect`, whose message never holds a password.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from migrator import __version__
from migrator.database.queries import load
from migrator.database.silence import SILENCE_S, Vigil, WatchfulConnection
from migrator.database.translate import cannot_connect
from migrator.postgres.identifiers import quote

Connection = psycopg.Connection[tuple[Any, ...]]

# A refused pipeline is an everyday answer here, and handled; without this psycopg would warn about its end on
# stderr.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_LIBPQ: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "client_encoding": "UTF8",  # psycopg would hand out bytes for a SQL_ASCII database
}

# The server's side of the connection too notices within half a minute that we are gone: a vanished client
# must not keep its locks. idle_in_transaction_session_timeout is the net for one that is frozen.
_SETTINGS: dict[str, str] = {
    "standard_conforming_strings": "on",  # off changes how strings are read
    "row_security": "off",  # a policy would hide rows silently; so it is an error
    "client_min_messages": "warning",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "session_replication_role": "origin",
    "lock_timeout": "5s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

# One simple Query, which the server has as a whole or not at all: half of it would be an open transaction of
# a session that nobody knows yet.
_BEGIN = load("runner_lock.sql")["begin session"].encode()

_MORE_TIME = b"SET statement_timeout TO '60s'"

_BEGINNINGS = 50
"""So often that may be cancelled."""

_SETTINGS_SINCE: dict[int, dict[str, str]] = {
    14: {"idle_session_timeout": "0", "client_connection_check_interval": "2s"},
    17: {"transaction_timeout": "0"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Where to connect, and as whom; opens any number of sessions."""

    conninfo: str = ""
    """A URL or libpq's `key=value` form; what is missing comes from libpq's own variables."""
    role: str | None = None
    """SET ROLE after connecting."""
    application_name: str = f"migrator {__version__}"

    silence_s: float = SILENCE_S
    """After so long without an answer it is asked whether the server is still at work."""

    connection_class: ClassVar[type[Connection]] = WatchfulConnection
    """Of the sessions that it opens."""

    def connect(self, purpose: str, *, autocommit: bool = True, read_only: bool = False) -> Connection:
        """Open a session for `purpose` ('apply', 'status', …), which pg_stat_activity will show.

        `read_only` makes every transaction of it READ ONLY. Raises CannotConnect.
        """
        try:
            connection = self.connection_class.connect(
                self.conninfo,
                autocommit=True,
                prepare_threshold=None,  # a prepared statement would outlive the schema it was made for
                application_name=f"{self.application_name} {purpose}",
                **_LIBPQ,  # type: ignore[arg-type]  # psycopg passes them on to libpq
            )
        except psycopg.Error as error:
            raise cannot_connect(error, self.conninfo) from None
        try:
            if isinstance(connection, WatchfulConnection):
                connection.vigil = self._vigil(0, None)
            self.settle(connection, read_only=read_only)
            connection.autocommit = autocommit
        except psycopg.Error as error:
            connection.close()
            raise cannot_connect(error, self.conninfo) from None
        return connection

    @contextlib.contextmanager
    def session(self, purpose: str, *, read_only: bool = False) -> Iterator[Connection]:
        """Open an autocommit session for the length of a `with` block."""
        connection = self.connect(purpose, read_only=read_only)
        try:
            yield connection
        finally:
            connection.close()

    def settle(self, connection: Connection, *, read_only: bool = False) -> None:
        """Give a session the settings that every session of ours has; also after a RESET ALL."""
        settings = dict(_SETTINGS)
        for major, more in _SETTINGS_SINCE.items():
            settings |= more if connection.info.server_version >= major * 10_000 else {}
        settings["default_transaction_read_only"] = "on" if read_only else "off"
        pid, start, replication_role_differs = _begin(connection)
        if isinstance(connection, WatchfulConnection):
            connection.vigil = self._vigil(pid, start)
        if not replication_role_differs:  # only a superuser may set it, even to what it is
            del settings["session_replication_role"]
        names, values = list(settings), list(settings.values())
        connection.execute(
            "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS s (name, value)",
            (names, values),
        )
        # Asynchronous commit may lose the last rows of the journal in a server crash: no statement in
        # between is lost with them, since they are in one log, but an intent must be on disk before what it
        # announces.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'local', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
        if self.role is not None:
            connection.execute(b"SET ROLE " + quote(self.role).encode())

    def _vigil(self, pid: int, start: datetime | None) -> Vigil:
        return Vigil(conninfo=self.conninfo, options=_LIBPQ, pid=pid, start=start, silence_s=self.silence_s)


def _begin(connection: Connection) -> tuple[int, datetime | None, bool]:
    """Set the timeouts; return the server process, its start, and whether another replication role is set.

    A timeout of the role or the database counts until then, and may be shorter than this statement takes in
    a new session. Then it is lifted first, by a command that reads no catalog; if need be a few times.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(psycopg.errors.QueryCanceled),
        stop=stop_after_attempt(_BEGINNINGS),
        reraise=True,
    )
    try:
        row = connection.execute(_BEGIN).fetchone()
    except psycopg.errors.QueryCanceled:
        retrying(lambda: connection.execute(_MORE_TIME))
        row = connection.execute(_BEGIN).fetchone()
    return (0, None, False) if row is None else (int(row[0]), row[1], bool(row[2]))
