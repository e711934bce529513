"""Who stands in the way of a lock or of an index build, read from the server's own views."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from migrator.database.commands import journal_query, names_of
from migrator.database.session import Connection
from migrator.execution.events import Blocker
from migrator.plan.effect import RelationLock
from migrator.postgres.lock_modes import CONFLICTS, LockMode

_FILE = "blockers.sql"

_MODES = {mode.catalog_name: mode for mode in LockMode}


def blockers_of_locks(connection: Connection, wanted: Sequence[RelationLock]) -> tuple[Blocker, ...]:
    """Return who holds what conflicts with the locks wanted, the oldest transactions first."""
    conflicts = [",".join(mode.catalog_name for mode in CONFLICTS[lock.mode]) for lock in wanted]
    parameters = {**names_of([lock.relation for lock in wanted]), "conflicts": conflicts}
    return _blockers(connection, "of relations", parameters)


def blockers_of_backend(connection: Connection, pid: int) -> tuple[Blocker, ...]:
    """Return whom that server process waits for."""
    return _blockers(connection, "of backend", {"pid": pid})


def holders_of_snapshots(connection: Connection, since: datetime) -> tuple[Blocker, ...]:
    """Return who has had a snapshot since before that moment, the oldest transactions first."""
    return _blockers(connection, "of snapshots", {"since": since})


def _blockers(connection: Connection, name: str, parameters: dict[str, Any]) -> tuple[Blocker, ...]:
    command = journal_query(_FILE, name, "pg_catalog", parameters)
    return tuple(
        Blocker(
            pid=pid or None,
            user=user,
            application=application,
            state=state,
            age_s=age,
            query=query,
            mode=_MODES[mode].value if mode in _MODES else None,
            relation=relation,
            prepared=gid,
            autovacuum=autovacuum,
            wraparound=wraparound,
        )
        for pid, user, application, state, age, query, mode, relation, gid, autovacuum, wraparound in (
            connection.execute(command.query, command.parameters).fetchall()
        )
    )
