"""Sessions beside a run, for what cannot be asked on its own session."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import LiteralString

from msgspec.structs import replace
from psycopg import pq, sql

from migrator.database.session import Connection, Connector
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.relations import RELATIONS, SQL, Relations, read, without

_FLUSHES = 150_000
"""From this version on statistics are shared memory, and a session can be told to hand in its own."""
_SCANS: LiteralString = (
    "SELECT oid::bigint, pg_stat_get_numscans(oid)::bigint FROM pg_class WHERE oid >= 16384"
)
_TO_HOLD = (SQL / "to_hold.sql").read_bytes()


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Sessions beside the run: one that looks, two that hold. They are opened when they are first needed."""

    connector: Connector
    journal_schema: str
    tables: Sequence[QualifiedName] = ()
    """What the statement that runs is about."""
    _opened: list[Connection] = field(default_factory=list)

    def sessions(self) -> list[Connection]:
        """Return the one that looks and the two that hold."""
        while len(self._opened) < 3:  # noqa: PLR2004  # as said
            self._opened.append(self.connector.connect("tracing"))
        return self._opened

    def relations(self) -> Relations:
        """Return the relations as they are now."""
        eye = self.sessions()[0]
        return read(eye.execute(RELATIONS, without(self.journal_schema)).fetchall())

    @property
    def sees_scans(self) -> bool:
        """Whether this server tells at once what other sessions have read."""
        return self.sessions()[0].info.server_version >= _FLUSHES

    def relations_and_scans(self, session: Connection) -> Relations:
        """Return the relations as they are now, with the scans of all sessions; `session` adds its own."""
        if not self.sees_scans:
            return self.relations()
        if session.info.transaction_status == pq.TransactionStatus.IDLE:
            session.execute("SELECT pg_stat_force_next_flush()")
        scans: dict[int, int] = dict(self.sessions()[0].execute(_SCANS).fetchall())
        return {oid: replace(seen, scans=scans.get(oid, 0)) for oid, seen in self.relations().items()}

    def to_hold(self) -> list[sql.Identifier]:
        """Return the tables that a statement on `tables` may lock."""
        names = {
            "schemas": [t.schema or "public" for t in self.tables],
            "names": [t.name for t in self.tables],
        }
        return [sql.Identifier(*row) for row in self.sessions()[0].execute(_TO_HOLD, names).fetchall()]

    def wal(self) -> int:
        """Return how far the log is."""
        row = self.sessions()[0].execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
        return 0 if row is None else int(row[0])

    def close(self) -> None:
        """Close what was opened."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()
