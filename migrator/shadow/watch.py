"""A statement outside a transaction, seen from a second session while a third one makes it wait.

CREATE INDEX CONCURRENTLY and its kin cannot be asked what they hold: they are no sooner begun than ended. But
they wait for everybody who uses the table, in each of their transactions (manual: CREATE INDEX, "Building
Indexes Concurrently"). So a holder uses it: an open snapshot, and a lock that conflicts with what blocks
writes. While the statement waits for the holder its locks are looked at; then a second holder, which has come
meanwhile, takes the first one's place, until the statement has ended. A holder asks for its locks NOWAIT: it
never queues behind the statement. How long all that is done is bounded, and the time waited is taken off.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from migrator.database.session import Connection
from migrator.database.translate import message_of
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.record import Piece
from migrator.shadow.relations import SQL
from migrator.shadow.trace import changes
from migrator.shadow.traced import held_of, strongest_modes
from migrator.shadow.tracer import Recorder

_WATCH = (SQL / "watch.sql").read_bytes()

_POLL_S = 0.002
_LIGHT_POLL_S = 0.005
"""Where nothing waits for it, and the looking itself must not be noticed."""
_PASSED_OVER = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedTable,
)
"""A table that cannot be held is left out."""
_MODES = tuple(map(sql.SQL, ("ROW EXCLUSIVE", "ROW SHARE", "ACCESS SHARE")))
"""What a holder asks for: the first conflicts with all that writers wait for, the others with what is still
stronger than a lock that the statement awaits already.
"""
_TURNS = 100
"""So often a statement is made to wait; then it is let go."""
_LONGEST_S = 60.0
"""So long a thread is waited for that lets the statement go."""


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """What another session was doing at one moment."""

    active: bool
    query_start: float
    state_change: float
    waits_since: float | None
    """For a holder of ours."""
    modes: dict[int, LockMode]
    at: float


@contextlib.contextmanager
def watching(recorder: Recorder, session: Connection) -> Iterator[None]:
    """Watch the session while it runs a statement in the `with` block."""
    watch = Watch(recorder, session)
    try:
        yield
    finally:
        watch.stop()


class Watch:
    """One statement of a session, from before it is sent until it has ended."""

    def __init__(self, recorder: Recorder, session: Connection) -> None:
        if recorder.watcher is None:
            raise ValueError("nobody to watch with")
        self._recorder = recorder
        self._watcher = recorder.watcher
        self._session = session
        self._pid = session.info.backend_pid
        self._before = self._watcher.relations_and_scans(session)
        self._eye, *self._holders = self._watcher.sessions()
        self._pids = [holder.info.backend_pid for holder in self._holders]
        self._tables = [] if recorder.light else self._watcher.to_hold()
        self._looks: list[_Look] = []
        self._waits: list[tuple[float, float]] = []
        self._done = threading.Event()
        self._error: str | None = None
        """Why nothing more was seen."""
        self._wal = self._watcher.wal()
        if not recorder.light:
            self._hold(self._holders[0])
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Note what the statement has done; it has ended."""
        self._done.set()
        self._thread.join(_LONGEST_S)
        last = self._look()
        recorder = self._recorder
        recorder.timeline.spent += self._waits
        if recorder.key is None or last is None:
            return
        if self._error is not None:
            recorder.unseen.append((recorder.key, self._error))
        began, ended = last.query_start, last.state_change
        recorder.timeline.begin(began)
        asked, ends = self._asked(began, ended)
        strongest = {oid: mode for oid, (mode, _) in asked.items()}
        after = None if recorder.light else self._watcher.relations_and_scans(self._session)
        recorder.pieces.append(
            Piece(
                key=recorder.key,
                began=began,
                ended=ended,
                held=tuple(h for oid in asked for h in held_of(self._before, {oid: asked[oid]}, ends[oid])),
                wal_bytes=max(self._watcher.wal() - self._wal, 0),
                measured=None
                if after is None
                else changes(
                    self._before, after, strongest, outside=True, blind=not self._watcher.sees_scans
                ),
            )
        )

    # --- in the thread

    def _follow(self) -> None:
        try:
            self._take_turns()
        except psycopg.Error as error:
            self._error = message_of(error)
        finally:
            for holder in self._holders:
                with contextlib.suppress(psycopg.OperationalError):  # a session that is lost holds nothing
                    _let_go(holder)

    def _take_turns(self) -> None:
        turns = 0
        while not self._done.wait(_LIGHT_POLL_S if self._recorder.light else _POLL_S):
            look = self._look()
            if look is None or not look.active:
                continue
            self._looks.append(look)
            if look.waits_since is not None:
                # Its locks were read before that it waits: what it waits for may have come in between.
                again = self._look()
                self._looks += [] if again is None else [again]
                turns += 1
                self._turn(again=turns < _TURNS)
                self._waits.append((look.waits_since, self._now()))

    def _turn(self, *, again: bool) -> None:
        """Let the other holder take over, then the statement go on."""
        first, second = self._holders
        if again:
            self._hold(second)
        _let_go(first)
        self._holders = [second, first]

    def _hold(self, holder: Connection) -> None:
        """Hold what can be held; where the server refuses, once more, so that nothing is missed."""
        try:
            self._take(holder)
        except psycopg.Error:
            _let_go(holder)
            self._take(holder)

    def _take(self, holder: Connection) -> None:
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE")
        holder.execute("SELECT FROM pg_catalog.pg_class LIMIT 1")  # takes the snapshot
        for table in self._tables:
            any(_locked(holder, table, mode) for mode in _MODES)

    def _look(self) -> _Look | None:
        parameters = {"pid": self._pid, "holders": self._pids}
        row: Any = self._eye.execute(_WATCH, parameters).fetchone()
        if row is None or row[0] is None:
            return None
        return _Look(
            active=row[0] == "active",
            query_start=row[1],
            state_change=row[2],
            waits_since=row[3],
            modes=strongest_modes(zip(row[4], row[5], strict=True)),
            at=row[6],
        )

    def _now(self) -> float:
        row = self._eye.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        return 0.0 if row is None else float(row[0])

    # --- afterwards

    def _asked(
        self, began: float, ended: float
    ) -> tuple[dict[int, tuple[LockMode, float]], dict[int, float]]:
        """Return of each relation the strongest lock, when it can have been asked for, and its end."""
        looks = [look for look in self._looks if look.query_start == began]
        found: dict[int, tuple[LockMode, float]] = {}
        ends: dict[int, float] = {}
        moment = began
        for i, look in enumerate(looks):
            for oid, mode in look.modes.items():
                if oid not in found or mode.strength > found[oid][0].strength:
                    found[oid] = (mode, moment)
                ends[oid] = looks[i + 1].at if i + 1 < len(looks) else ended
            moment = look.at
        return found, ends


def _locked(holder: Connection, table: sql.Identifier, mode: sql.SQL) -> bool:
    """Lock the table, unless the statement holds or awaits what conflicts with that; return whether it is."""
    lock = sql.SQL("LOCK TABLE ONLY {} IN {} MODE NOWAIT").format(table, mode)
    with contextlib.suppress(*_PASSED_OVER), holder.transaction():
        holder.execute(lock)
        return True
    return False


def _let_go(holder: Connection) -> None:
    if holder.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        holder.execute("ROLLBACK")
