"""Sessions of the real runner that are traced, and the connector that opens them.

The runner does not know: it executes its commands as ever, on connections and cursors that note what goes by.
Its own commands come with named parameters, the statements of a step without any; that, and the transaction
commands, is all that is told apart here. Scratch databases only.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import psycopg
from psycopg import sql
from psycopg.abc import Params, Query

from migrator.database.session import Connection, Connector
from migrator.plan.step import PART
from migrator.shadow.record import Key
from migrator.shadow.tracer import Recorder, Tracer
from migrator.shadow.watch import Watch, watching

_COMMENTS = rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_BEGIN = re.compile(_COMMENTS + rb"(BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE | re.DOTALL)
_COMMIT = re.compile(_COMMENTS + rb"(COMMIT|END)\b(?!\s+PREPARED)", re.IGNORECASE | re.DOTALL)
_ROLLBACK = re.compile(
    _COMMENTS + rb"(ROLLBACK|ABORT)\b(?!\s+(WORK\s+|TRANSACTION\s+)?(TO|PREPARED)\b)",
    re.IGNORECASE | re.DOTALL,
)
_FORGETS = re.compile(_COMMENTS + rb"(DISCARD|DEALLOCATE(\s+PREPARE)?)\s+ALL\b", re.IGNORECASE | re.DOTALL)
_STRETCH = 20
_LONGEST_MS = 2**31 - 1
"""PostgreSQL's own limit for a timeout."""
_SETTING = re.compile(_COMMENTS + rb"(SET(?!\s+CONSTRAINTS)|RESET)\b", re.IGNORECASE | re.DOTALL)
"""What takes no lock."""


class TracingCursor(psycopg.Cursor[tuple[Any, ...]]):
    """A cursor whose statements are noted."""

    def execute(
        self,
        query: Query,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> "TracingCursor":
        """Execute it, and have it noted."""
        connection = self.connection
        tracer = connection.tracer if isinstance(connection, TracingConnection) else None
        if tracer is not None and not tracer.recorder.light:
            params = _stretched(params)
        noted = contextlib.nullcontext() if tracer is None else _noted(tracer, connection, query, params)
        with noted:
            super().execute(_text(query, connection), params, prepare=prepare, binary=binary)
        return self


class TracingConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose transactions are noted, once it has a tracer."""

    tracer: Tracer | None = None
    watch: Watch | None = None
    """Of a statement that runs outside a transaction, on a connection opened for it alone."""

    @contextlib.contextmanager
    def transaction(
        self,
        savepoint_name: str | None = None,
        force_rollback: bool = False,  # noqa: FBT001, FBT002  # psycopg's
    ) -> Iterator[psycopg.Transaction]:
        """Open a transaction, or a savepoint, for the length of a `with` block."""
        tracer = self.tracer
        if tracer is None or tracer.in_transaction:
            with super().transaction(savepoint_name, force_rollback) as inner:
                yield inner
            return
        try:
            with super().transaction(savepoint_name, force_rollback) as outer:
                tracer.began(at_once=True)
                yield outer
                tracer.committing()
        except BaseException:
            tracer.rolled_back()
            raise
        tracer.committed()

    def close(self) -> None:
        """Close it; what it did alone is noted before."""
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.stop()
        super().close()


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingConnector(Connector):
    """Opens sessions that are traced by `recorder`."""

    connection_class: ClassVar[type[Connection]] = TracingConnection

    recorder: Recorder = field(compare=False)

    def connect(self, purpose: str, *, autocommit: bool = True, read_only: bool = False) -> Connection:
        """As any connector does; a session for one step is watched by another from the beginning."""
        connection = Connector.connect(self, purpose, autocommit=autocommit, read_only=read_only)
        if isinstance(connection, TracingConnection):
            connection.cursor_factory = TracingCursor
            connection.tracer = Tracer(connection, self.recorder)
            connection.tracer.prepare()
            if purpose.startswith("step ") and self.recorder.watcher is not None:
                connection.watch = Watch(self.recorder, connection)
        return connection

    def settle(self, connection: Connection, *, read_only: bool = False) -> None:
        """As any connector does; a table that is small here is not to be read whole for that."""
        Connector.settle(self, connection, read_only=read_only)
        if not self.recorder.light:
            connection.execute("SET enable_seqscan TO off")


@contextlib.contextmanager
def _noted(tracer: Tracer, connection: Connection, query: Query, params: Params | None) -> Iterator[None]:
    """Tell the tracer what runs in the `with` block."""
    text = _text(query, connection)
    if params is not None:
        with contextlib.nullcontext() if _sets(params) else tracer.own(_key(params)):
            yield
    elif _BEGIN.match(text):
        yield
        tracer.began(at_once=False)
    elif _COMMIT.match(text):
        tracer.committing()
        yield
        tracer.committed()
    elif _ROLLBACK.match(text):
        yield
        tracer.rolled_back()
    elif tracer.in_transaction and not _SETTING.match(text):
        with tracer.statement():
            yield
    elif text in tracer.recorder.texts:
        with watching(tracer.recorder, connection):
            yield
    else:
        yield
    if _FORGETS.match(text):
        tracer.prepare()


def _text(query: Query, connection: Connection) -> bytes:
    if isinstance(query, (sql.SQL, sql.Composed)):
        return query.as_bytes(connection)
    if isinstance(query, (str, bytes)):
        return query.encode() if isinstance(query, str) else query
    raise TypeError(f"not a query that the runner makes: {type(query)}")


def _sets(params: Params) -> bool:
    """Whether they are those of settings of ours."""
    return isinstance(params, Mapping) and params.keys() == {"names", "values"}


def _stretched(params: Params | None) -> Params | None:
    """Return settings with longer timeouts: what the tracing asks, and whom it makes wait, counts in them."""
    match params:
        case {"names": names, "values": values}:
            return {"names": names, "values": list(map(_longer, names, values))}
        case (str(name), str(value)):
            return name, _longer(name, value)
        case _:
            return params


def _longer(name: str, value: str) -> str:
    timeout = name.endswith("_timeout") and value.isdigit()
    return str(min(int(value) * _STRETCH, _LONGEST_MS)) if timeout else value


def _key(params: Params) -> Key | None:
    """Return whose row of the journal they write; a part belongs to its step."""
    if not isinstance(params, Mapping) or not {"version", "step"} <= params.keys():
        return None
    return str(params["version"]), str(params["step"]).partition(PART)[0]
