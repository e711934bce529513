"""Many commands in one message, at the price of the commands alone: no cursor, no parsing of what is known.

It differs from `pipeline.send` in what it costs. The queries of the journal are prepared by name the first
time a session sends them, since parsing and planning them would cost the server more than a row of the
journal; values go as text, as they are. Where the session has forgotten the names (DEALLOCATE ALL in a
file) the server refuses the message, and the names are given anew. A connection with cursors of its own kind,
which are there to see what goes by, is served by those.
"""

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg import pq
from psycopg.waiting import Ready, Wait

from migrator.database.commands import Command
from migrator.database.pipeline import Part, Placed, Refused, send
from migrator.database.session import Connection

_VALUE = re.compile(rb"%\((\w+)\)s|%%")

_REFUSED = {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED}

_COPY = {pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH}


@dataclass(slots=True)
class Names:
    """What a session was told to remember: queries by their names."""

    _known: dict[bytes, bytes] = field(default_factory=dict)
    _given: int = 0

    def of(self, query: bytes) -> tuple[bytes, bool]:
        """Return the name of a query, and whether the session has yet to learn it."""
        name = self._known.get(query)
        if name is not None:
            return name, False
        self._given += 1
        self._known[query] = name = b"migrator_%d" % self._given
        return name, True

    def forget(self) -> None:
        """Give new names from now on: what the session knows is uncertain."""
        self._known.clear()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A command of a message."""

    command: Command
    recurs: bool
    """Sent again and again in this session, as it stands: prepared."""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What the server answered."""

    results: tuple[pq.abc.PGresult, ...]
    """Of the commands up to the one that was refused, without it."""
    refused: psycopg.Error | None


def exchange(
    connection: Connection,
    lines: Sequence[Line],
    names: Names,
    *,
    meanwhile: Callable[[], None] | None = None,
) -> Answers:
    """Send the commands together; `connection` is in no transaction, and may be in one afterwards.

    `meanwhile` is called some times a second until the answers are there.

    Raises psycopg's error of a lost session.
    """
    if connection.cursor_factory is not psycopg.Cursor:
        return _by_cursors(connection, lines)
    pgconn = connection.pgconn
    try:
        pgconn.enter_pipeline_mode()
        counted = [_sent(pgconn, line, names) for line in lines]
        pgconn.pipeline_sync()
        results = connection.wait(_answers(pgconn, meanwhile))
        pgconn.exit_pipeline_mode()
    except BaseException:  # an answer is outstanding, or nobody is there to give it
        connection.close()
        raise
    if connection.broken:
        raise psycopg.OperationalError("the connection was lost")
    return _sorted(counted, results)


def _by_cursors(connection: Connection, lines: Sequence[Line]) -> Answers:
    """Send the same by cursors, where they are of a kind that is to see every command."""
    cursors: list[psycopg.Cursor[tuple[Any, ...]]] = []
    refused = None
    try:
        send(connection, [Placed(command=line.command, part=Part.STATEMENT) for line in lines], cursors)
    except Refused as error:
        refused = error.error
    answers = [cursor.pgresult for cursor in cursors]
    return Answers(results=tuple(answer for answer in answers if answer is not None), refused=refused)


def _sent(pgconn: pq.abc.PGconn, line: Line, names: Names) -> int:
    """Put one command into the message; return how many answers it will have."""
    query, order = _numbered(_bytes(line.command)) if line.command.parameters else (_bytes(line.command), ())
    values = [_text(line.command.parameters[name]) for name in order] if line.command.parameters else None
    if not line.recurs:
        pgconn.send_query_params(query, values)
        return 1
    name, new = names.of(query)
    if new:
        pgconn.send_prepare(name, query)
    pgconn.send_query_prepared(name, values)
    return 2 if new else 1


def _answers(
    pgconn: pq.abc.PGconn, meanwhile: Callable[[], None] | None
) -> Generator[Wait, Ready | int, list[pq.abc.PGresult]]:
    """Yield what is to be waited for; return the answers, of each command one."""
    found: list[pq.abc.PGresult] = []
    unsent = pgconn.flush()
    while True:
        ready = yield Wait.RW if unsent else Wait.R
        if not ready and meanwhile is not None:
            meanwhile()
        if ready & Ready.R:
            pgconn.consume_input()
        if unsent:
            unsent = pgconn.flush()
        ended = False
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None and ended:
                break
            ended = result is None
            if result is None:
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return found
            if result.status in _COPY:
                raise psycopg.NotSupportedError("COPY to or from the client cannot stand in a migration")
            found.append(result)


def _sorted(counted: Sequence[int], results: Sequence[pq.abc.PGresult]) -> Answers:
    """Return the last answer to each command that was carried out, and why the next one was not."""
    bad = next((n for n, result in enumerate(results) if result.status in _REFUSED), None)
    good = len(results) if bad is None else bad
    answered, last = [], 0
    for each in counted:
        last += each
        if last > good:
            break
        answered.append(results[last - 1])
    error = None if bad is None else psycopg.errors.error_from_result(results[bad])
    return Answers(results=tuple(answered), refused=error)


def _bytes(command: Command) -> bytes:
    """Return the query; ours are bytes wherever they go into a message."""
    if not isinstance(command.query, bytes):
        raise TypeError(command.query)
    return command.query


@cache
def _numbered(query: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return the query with $1, $2 … for %(name)s, and the names in the order of their numbers."""
    order: list[str] = []

    def number(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            return b"%"
        name = found[1].decode()
        if name not in order:
            order.append(name)
        return b"$%d" % (order.index(name) + 1)

    return _VALUE.sub(number, query), tuple(order)


def _text(value: object) -> bytes | None:
    """Return a value as the server reads it as text: arrays of text in their own notation."""
    match value:
        case None:
            return None
        case bool():
            return b"t" if value else b"f"
        case list():
            return "".join(("{", ",".join(map(_element, value)), "}")).encode()
        case _:
            return str(value).encode()


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
