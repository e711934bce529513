"""The tracing of one session: queries of ours between its own commands, answered whenever they are.

A transaction is looked at after BEGIN and before COMMIT, and its locks after every statement, so that it is
known which of them asked for a lock. Nothing waits for an answer: the queries travel in the session's own
pipeline, and `Recorder.collect` reads the answers when it is through. What is asked after a command that was
refused has no answer, which is no error.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from migrator.shadow.record import Key, Piece, Timeline
from migrator.shadow.relations import RELATIONS, SQL, Relations, without
from migrator.shadow.traced import Answered, Rows, Traced, piece_of
from migrator.shadow.watcher import Watcher

_SAMPLE = b"EXECUTE migrator_sample"
_PREPARE = b"PREPARE migrator_sample AS " + (SQL / "sample.sql").read_bytes()
"""Prepared, so that a sample costs a transaction next to nothing of the time that it holds its locks."""

Asked = psycopg.Cursor[tuple[Any, ...]]


@dataclass(slots=True, kw_only=True)
class Open:
    """A transaction, and what was asked in it."""

    key: Key | None
    before: Asked | None = None
    after: Asked | None = None
    samples: list[tuple[Asked, bool, bool]] = field(default_factory=list)
    """Each with whether what came since the one before is the runner's own, and whether it is tracing."""
    statements: int = 0
    said: bool = False
    """The journal tells whose it is; else it is his who commits it."""
    ending: Asked | None = None
    """Right after COMMIT; without an answer where that was not reached."""
    undone: Asked | None = None
    """Right after ROLLBACK."""


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Collects what the sessions of one run did."""

    journal_schema: str
    light: bool = False
    """Only locks and times: no relation is looked at, so that nothing is held longer than need be."""
    key: Key | None = None
    """What runs now."""
    texts: frozenset[bytes] = frozenset()
    """Its statements that run outside transactions."""
    relations: Relations = field(default_factory=dict)
    """What there was when it began; only `light` depends on it."""
    watcher: Watcher | None = None
    """What looks at statements outside transactions."""
    timeline: Timeline = field(default_factory=Timeline)
    pieces: list[Piece] = field(default_factory=list)
    unseen: list[tuple[Key, str]] = field(default_factory=list)
    """Statements outside transactions that could not be watched to their end, and why."""
    pending: list[Open] = field(default_factory=list)

    def blind_spots(self, key: Key) -> tuple[str, ...]:
        """Return what was not seen of a step or statement, a sentence each."""
        return tuple(f"not watched to its end: {why}" for of, why in self.unseen if of == key)

    def collect(self) -> None:
        """Read the answers of all transactions that are through; no session may be in a pipeline."""
        pending, self.pending = self.pending, []
        for each in pending:
            if each.key is not None:
                piece = piece_of(_answered(each, each.key), self.relations, self.timeline)
                self.pieces += [] if piece is None else [piece]


class Tracer:
    """What watches one session."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], recorder: Recorder) -> None:
        self._connection = connection
        self.recorder = recorder
        self._open: Open | None = None
        self._last: Open | None = None
        self._own = False
        """What has run since the last sample is the runner's own."""

    def prepare(self) -> None:
        """Prepare the session for being looked at, or again where it has forgotten that."""
        self._ask(_PREPARE)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is being watched."""
        return self._open is not None

    def began(self, *, at_once: bool) -> None:
        """A transaction is open; it is looked at now, or before the first command that is not a setting.

        SET TRANSACTION has to come before any query.
        """
        self._open = Open(key=self.recorder.key)
        if at_once:
            self._begin()

    def _begin(self) -> None:
        if self._open is not None and not self._open.samples:
            if not self.recorder.light:
                self._open.before = self._relations()
            self._sample(own=True)

    @contextlib.contextmanager
    def statement(self) -> Iterator[None]:
        """A statement of a step runs in the `with` block."""
        self._begin()
        if self._own:
            self._sample(own=True)
        yield
        if self._open is not None:
            self._open.statements += 1
        self._sample(own=False)

    @contextlib.contextmanager
    def own(self, key: Key | None) -> Iterator[None]:
        """A command of the runner's own runs in the `with` block; `key` tells whose transaction it is."""
        if self._open is not None:
            self._begin()
            self._open.key, self._open.said = key or self._open.key, self._open.said or key is not None
            if not (self._own or self._together):  # a cursor of another kind may have run something
                self._sample(own=False)
            self._own = True
        yield

    def committing(self) -> None:
        """COMMIT comes next."""
        if self._open is None:
            return
        self._begin()
        self._open.key = self._open.key if self._open.said else self.recorder.key
        if not (self._own or (self._together and self.recorder.light)):
            self._sample(own=False)
        if not self.recorder.light:
            self._sample(own=True)
            self._open.after = self._relations()
            self._sample(own=True, tracing=True)

    def committed(self) -> None:
        """COMMIT was sent; in a pipeline it may be refused, or never be reached."""
        self._own = False
        if self._open is not None and self._usable:
            self._open.ending = self._ask(_SAMPLE)
            self.recorder.pending.append(self._open)
        self._last, self._open = self._open, None

    def rolled_back(self) -> None:
        """The transaction, or the one whose COMMIT was refused, is rolled back."""
        undone = self._open or self._last
        if undone is not None and self._usable:
            undone.undone = self._ask(_SAMPLE)
            self.recorder.pending += [] if self._open is None else [self._open]
        self._open = self._last = None

    @property
    def _together(self) -> bool:
        """Whether the session is in a pipeline."""
        return self._connection.pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF

    @property
    def _usable(self) -> bool:
        return not (self._connection.closed or self._connection.broken)

    def _sample(self, *, own: bool, tracing: bool = False) -> None:
        if self._open is not None:
            self._open.samples.append((self._ask(_SAMPLE), own, tracing))
        self._own = False

    def _relations(self) -> Asked:
        return self._ask(RELATIONS, without(self.recorder.journal_schema))

    def _ask(self, query: bytes, parameters: dict[str, Any] | None = None) -> Asked:
        return psycopg.Cursor(self._connection).execute(query, parameters)


def _answered(each: Open, key: Key) -> Traced:
    rows = [(_rows(cursor), own, tracing) for cursor, own, tracing in each.samples]
    return Traced(
        key=key,
        samples=[Answered.of(found[0], own=own, tracing=tracing) for found, own, tracing in rows if found],
        before=_rows(each.before),
        after=_rows(each.after),
        statements=each.statements,
        ending=_moment(each.ending),
        undone=_moment(each.undone),
    )


def _moment(cursor: Asked | None) -> Answered | None:
    rows = _rows(cursor)
    return Answered.of(rows[0], own=False, tracing=False) if rows else None


def _rows(cursor: Asked | None) -> Rows:
    return cursor.fetchall() if cursor is not None and cursor.pgresult is not None else None
