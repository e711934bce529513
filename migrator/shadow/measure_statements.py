"""The user's own text carried out statement by statement, and what each statement did.

A statement has a transaction of its own, as psql would give it, unless the text opens one: then all up to its
COMMIT is measured as one, and compared with all that is declared of it, at the COMMIT. What cannot run in a
transaction is watched from other sessions (`watch`). Scratch databases only.
"""

from collections.abc import Iterable, Sequence

import msgspec
import psycopg

from migrator.database.session import Connection, Connector
from migrator.database.translate import message_of
from migrator.plan.effect import Effect
from migrator.plan.plan import SourceStatement
from migrator.plan.proof import Measurement
from migrator.shadow.compare import differences
from migrator.shadow.measure import end_of, measurement
from migrator.shadow.trace import strongest, together
from migrator.shadow.tracer import Recorder
from migrator.shadow.tracing import TracingConnector
from migrator.shadow.watcher import Watcher

_NOT_IN_A_TRANSACTION = frozenset({"25001", "2D000"})
"""SQLSTATE of what only runs outside a transaction, and of a procedure that ends its own."""


def measure_statements(
    url: str,
    statements: Sequence[SourceStatement],
    texts: Sequence[str],
    *,
    light: bool = False,
    journal_schema: str = "migrator",
) -> tuple[Measurement, ...]:
    """Carry out `texts` on the scratch database at `url`; `statements` is what the plan says of each.

    The first one that the server refuses is the last one returned, with the error; what came before in its
    transaction is rolled back. `light` notes locks and times only. Raises CannotConnect.
    """
    connector = Connector(conninfo=url)
    watcher = Watcher(connector=connector, journal_schema=journal_schema)
    recorder = Recorder(journal_schema=journal_schema, light=light, watcher=watcher)
    connection = TracingConnector(conninfo=url, recorder=recorder).connect("statements")
    try:
        connection.execute("SET statement_timeout TO 0")
        connection.execute("SET lock_timeout TO 0")
        course = _Course(connection, recorder, watcher)
        for statement, text in zip(statements, texts, strict=True):
            course.run(statement, text)
            if course.done[-1].error is not None:
                break
        return tuple(course.done)
    finally:
        connection.close()
        watcher.close()


class _Course:
    """The statements on one connection."""

    def __init__(self, connection: Connection, recorder: Recorder, watcher: Watcher) -> None:
        self._connection = connection
        self._recorder = recorder
        self._watcher = watcher
        self._open: list[Effect] = []
        """What is declared of the statements of the transaction that is open."""
        self.done: list[Measurement] = []

    def run(self, statement: SourceStatement, text: str) -> None:
        """Carry out one statement and measure it."""
        recorder = self._recorder
        recorder.key = (statement.migration, str(statement.index))
        recorder.texts = frozenset()
        self._watcher.tables = [lock.relation for lock in statement.effect.locks]
        if recorder.light:
            recorder.relations = self._watcher.relations()
        error = self._try(statement, text)
        recorder.collect()
        self.done.append(self._measured(statement, text, error))
        if not self._inside:
            self._open = []

    @property
    def _inside(self) -> bool:
        return self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def _try(self, statement: SourceStatement, text: str) -> str | None:
        try:
            if self._inside or statement.kind == "transaction-control":
                self._open.append(statement.effect)
                self._connection.execute(text.encode())
            else:
                self._alone(text)
        except psycopg.Error as error:
            return message_of(error)
        return None

    def _alone(self, text: str) -> None:
        try:
            with self._connection.transaction():
                self._connection.execute(text.encode())
        except psycopg.Error as error:
            if error.sqlstate not in _NOT_IN_A_TRANSACTION:
                raise
            self._recorder.texts = frozenset({text.encode()})
            self._connection.execute(text.encode())

    def _measured(self, statement: SourceStatement, text: str, error: str | None) -> Measurement:
        key = (statement.migration, str(statement.index))
        pieces = [piece for piece in self._recorder.pieces if piece.key == key]
        title = text.strip().partition("\n")[0]
        done = measurement(key, title, pieces, self._recorder.timeline, after=end_of(self.done))
        undone = any(piece.measured is None for piece in pieces)
        if self._recorder.light or error is not None or self._inside or undone:
            return msgspec.structs.replace(done, error=error)
        found = [piece.measured for piece in pieces if piece.measured is not None]
        declared = effect_of_all(self._open) if self._open else statement.effect
        wrong = (*differences(declared, together(found)), *self._recorder.blind_spots(key))
        return msgspec.structs.replace(done, differences=wrong)


def effect_of_all(effects: Iterable[Effect]) -> Effect:
    """Return the effect of all of them in one transaction."""
    all_of = list(effects)
    return Effect(
        locks=strongest(lock for each in all_of for lock in each.locks),
        scans=tuple(name for each in all_of for name in each.scans),
        rewrites=tuple(name for each in all_of for name in each.rewrites),
        index_builds=tuple(name for each in all_of for name in each.index_builds),
        unknown=any(each.unknown for each in all_of),
    )
