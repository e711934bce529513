"""The server's state for a facts file: journal, settings, standbys, activity. Reads only."""

from typing import Any

from migrator.database import journal_install
from migrator.database.commands import journal_query
from migrator.database.session import Connection
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.server_state import Activity, ServerState, Standby

_FILE = "server_state.sql"


def read_server_state(connection: Connection, journal_schema: str) -> ServerState:
    """Return what the server says now."""

    def rows(name: str, **parameters: str) -> list[tuple[Any, ...]]:
        command = journal_query(_FILE, name, journal_schema, parameters or None)
        return connection.execute(command.query, command.parameters).fetchall()

    activity = rows("activity", journal=journal_schema)
    known = journal_install.exists(connection, journal_schema)
    return ServerState(
        begun=tuple(version for (version,) in rows("begun")) if known else None,
        settings=tuple((name, value) for name, value in rows("settings")),
        standbys=tuple(Standby(sync_state=state, replay_lag_s=lag) for state, lag in rows("standbys")),
        activity=tuple(
            Activity(
                relation=QualifiedName(schema, name),
                reads_per_s=round(reads, 3),
                writes_per_s=round(writes, 3),
            )
            for schema, name, reads, writes, _ in activity
        ),
        statistics_since_s=round(activity[0][4]) if activity else None,
    )
