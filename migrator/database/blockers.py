"""Who stands in the way of a lock, an index build or a row, and who waits behind us, from the server's views.

Nothing is locked. What others run is cut, put into one line, and freed of passwords, and of all constants
where that was asked for, before anybody else sees it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from migrator.database.commands import Command, journal_query, names_of
from migrator.database.session import Connection
from migrator.execution.blocker import Blocker, Holder, RunnerSession
from migrator.plan.effect import RelationLock
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import CONFLICTS, LockMode
from migrator.postgres.passwords import statement_without_passwords

FILE = "blockers.sql"

QUERY_LENGTH = 200
"""Of a statement, so many characters are shown."""

_MOST = 10
"""So many are named."""

_MODES = {mode.catalog_name: mode for mode in LockMode}

_ROW_LOCKERS = frozenset(LockMode) - {LockMode.ACCESS_SHARE}
"""Who holds none of these on a table has locked no row of it."""

Show = Callable[[str], str]


def shown(query: str, show: Show) -> str:
    """Return a statement as people and the journal get to see it."""
    words = show(statement_without_passwords(query)).split()
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(words))
    return line if len(line) <= QUERY_LENGTH else line[: QUERY_LENGTH - 1] + "…"


class _Held(msgspec.Struct, frozen=True):
    """A transaction and one lock of its; both None where it is in the way without one."""

    pid: int | None
    transaction: str
    mode: LockMode | None
    relation: str | None


class Lookout(msgspec.Struct, frozen=True, kw_only=True):
    """Looks through one connection, which waits for nothing itself."""

    connection: Connection
    schema: str
    """The journal's, which exists."""
    show: Show = str

    def of_locks(self, wanted: Sequence[RelationLock]) -> tuple[Blocker, ...]:
        """Return who holds what conflicts with the locks wanted, the oldest transactions first."""
        return self._described(self._ask("of relations", **_wanted(wanted)))

    def in_the_way(self, wanted: Sequence[RelationLock]) -> frozenset[Holder]:
        """Return which transactions do; cheap."""
        return frozenset(self._run("in the way", **_wanted(wanted)))

    def of_backend(self, pid: int, relations: Sequence[QualifiedName]) -> tuple[Blocker, ...]:
        """Return whom that server process waits for, with what they hold on the relations."""
        return self._described(self._ask("of backend", pid=pid, **names_of(relations)))

    def of_rows(self, table: QualifiedName) -> tuple[Blocker, ...]:
        """Return who may have locked rows of the table: who has written, and holds a lock on it."""
        modes = ",".join(mode.catalog_name for mode in LockMode if mode in _ROW_LOCKERS)
        found = self._ask("of relations", conflicts=[modes], **names_of([table]))
        return tuple(blocker for blocker in self._described(found) if blocker.writes)

    def of_snapshots(self, since: datetime) -> tuple[Blocker, ...]:
        """Return who has had a snapshot since before that moment, whatever it reads."""
        return self._described(self._ask("of snapshots", since=since))

    def behind(self, pids: Sequence[int]) -> tuple[Blocker, ...]:
        """Return who waits for one of these server processes; their locks are those they want."""
        return self._described(self._ask("behind", pids=list(pids)))

    def runners(self, relations: Sequence[QualifiedName]) -> tuple[RunnerSession, ...]:
        """Return the server processes of runs that are alive, whom each waits for and who waits for it."""
        command = journal_query(FILE, "runners", self.schema)
        found = self.connection.execute(command.query).fetchall()
        return tuple(
            RunnerSession(
                pid=pid,
                purpose=purpose,
                waits_for=self.of_backend(pid, relations),
                behind=self.behind([pid]),
            )
            for pid, purpose in found
        )

    def _ask(self, name: str, /, **parameters: Any) -> list[_Held]:  # noqa: ANN401  # what psycopg can send
        command = journal_query(FILE, name, self.schema, parameters)
        rows = self.connection.execute(command.query, command.parameters).fetchall()
        return [_Held(pid, virtual, _MODES.get(mode), relation) for pid, virtual, mode, relation in rows]

    def _described(self, held: Iterable[_Held]) -> tuple[Blocker, ...]:
        """Return who they are, each once with the strongest lock; who has ended meanwhile is left out."""
        strongest: dict[tuple[int | None, str], _Held] = {}
        for one in held:
            key = (one.pid, one.transaction)
            if key not in strongest or _strength(one) > _strength(strongest[key]):
                strongest[key] = one
        if not strongest:
            return ()
        found = list(strongest.values())
        pids = [each.pid for each in found]
        rows = self._run("described", pids=pids, transactions=[each.transaction for each in found])
        recorded = {pid for (pid,) in self._run("recorded", pids=pids)}
        ranked = [row for row in rows if not _worker(row, rows)]
        blockers = [self._blocker(found[row[0] - 1], row[1:], recorded) for row in ranked]
        return tuple(sorted(blockers, key=lambda blocker: -(blocker.age_s or 0.0))[:_MOST])

    def _run(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  # as above
        command: Command = journal_query(FILE, name, self.schema, parameters)
        return self.connection.execute(command.query, command.parameters).fetchall()

    def _blocker(self, held: _Held, row: tuple[Any, ...], recorded: set[int]) -> Blocker:
        pid, leader, user, application, state, age, query, gid, autovacuum, wraparound, own, *rest = row
        kind, writes, superuser, here, start = rest
        return Blocker(
            pid=leader or pid,
            user=user,
            application=application,
            state=state,
            age_s=age,
            query=shown(query, self.show) if query else None,
            mode=None if held.mode is None else held.mode.value,
            relation=held.relation,
            prepared=gid,
            autovacuum=autovacuum,
            wraparound=wraparound,
            own=own or pid in recorded,
            kind=kind,
            writes=writes,
            superuser=superuser,
            database=here,
            start=start,
            transaction=held.transaction,
        )


def _wanted(locks: Sequence[RelationLock]) -> dict[str, Any]:
    conflicts = [",".join(mode.catalog_name for mode in CONFLICTS[lock.mode]) for lock in locks]
    return {**names_of([lock.relation for lock in locks]), "conflicts": conflicts}


def _strength(held: _Held) -> int:
    return 0 if held.mode is None else held.mode.strength


def _worker(row: tuple[Any, ...], rows: list[tuple[Any, ...]]) -> bool:
    """A worker of a parallel query whose leader is there too."""
    leader = row[2]
    return leader is not None and any(other[1] == leader for other in rows)
