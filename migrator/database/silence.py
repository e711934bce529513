"""Waiting for a server that may never answer: another session is asked whether it is still at work.

Keepalive finds a host that is gone. It does not find that a proxy or a load balancer keeps the connection
open and passes nothing on; and a statement may rightly take hours. So a session that has waited for a while
is looked for: where its server process is not at work, twice, the answer is lost, and where nobody can be
asked for a minute the server is. Then the wait ends with psycopg's OperationalError, and the connection is
broken as by a reset.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.waiting import Ready, Wait
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from migrator.database.queries import load

Result = TypeVar("Result")

Waiting = Generator[Wait, Ready | int, Result]
"""What psycopg waits with."""

SILENCE_S = 15.0
"""A session that has had no answer for so long is looked for, and again as often."""

_AGAIN = 3
"""The second look comes after this part of the time: an answer may have been on its way during the first."""

_NOBODY_S = 60.0
"""For so long nobody may answer the question."""

_CONNECT_S = 10
_ANSWER_S = 10.0

_STARTING = "57P03"

_AT_WORK = load("runner_lock.sql")["at work"].encode()
_TERMINATE = load("runner_lock.sql")["terminate"].encode()

# Timeouts of the role count in the session that asks.
_asking = Retrying(
    retry=retry_if_exception_type(psycopg.errors.QueryCanceled), stop=stop_after_attempt(50), reraise=True
)


class _Brief(psycopg.Connection[tuple[Any, ...]]):
    """A connection that does not wait for long."""

    def wait(self, gen: Waiting[Result], *args: Any, **kwargs: Any) -> Result:  # noqa: ANN401  # psycopg's
        """As psycopg does, for some seconds."""
        return super().wait(_watched(gen, _ANSWER_S, _gives_up), *args, **kwargs)


class WatchfulConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that does not wait for an answer that will not come."""

    vigil: "Vigil | None" = None

    def wait(self, gen: Waiting[Result], *args: Any, **kwargs: Any) -> Result:  # noqa: ANN401  # psycopg's
        """As psycopg does. Raises OperationalError where nothing is to be waited for."""
        vigil = self.vigil
        if vigil is None:
            return super().wait(gen, *args, **kwargs)
        doubt = _Doubt(vigil=vigil, began=time.monotonic())
        try:
            return super().wait(_watched(gen, vigil.silence_s, doubt.look), *args, **kwargs)
        except _Silent as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(str(error)) from None


class Vigil(msgspec.Struct, frozen=True, kw_only=True):
    """Who is looked for, and how."""

    conninfo: str
    options: dict[str, Any]
    """Of libpq, besides."""
    pid: int
    """The server process of the session."""
    start: datetime | None
    """When it began, to tell it from a later one of its number; None where that is not known yet."""
    silence_s: float = SILENCE_S

    def at_work(self, *, ending: bool = False) -> bool | None:
        """Whether the server process works on something; None where nobody answers.

        With `ending` one that does not is ended: it waits for a client that waits for it no more, and may
        hold locks.
        """
        try:
            with _Brief.connect(
                self.conninfo, autocommit=True, **{**self.options, "connect_timeout": _CONNECT_S}
            ) as asked:
                process = {"pid": self.pid, "start": self.start}
                row = _asking(asked.execute, _AT_WORK, process).fetchone()
                if ending and row is not None and not row[0]:
                    asked.execute(_TERMINATE, process)
        except psycopg.Error as error:
            refused = error.sqlstate is not None and error.sqlstate != _STARTING
            return True if refused else None  # one who refuses us is there
        return row is not None and bool(row[0])


class _Silent(Exception):
    """Nothing is to be waited for."""


@dataclass(slots=True, kw_only=True)
class _Doubt:
    """What the looks of one waiting have found."""

    vigil: Vigil
    began: float
    idle: int = 0
    unanswered_since: float | None = None

    def look(self) -> float:
        """Return the seconds until the next look. Raises _Silent."""
        match self.vigil.at_work(ending=self.idle > 0):
            case True:
                self.idle, self.unanswered_since = 0, None
                return self.vigil.silence_s
            case False:
                self.idle, self.unanswered_since = self.idle + 1, None
                if self.idle > 1:
                    raise _Silent(self._said("its server process has ended, or waits for us"))
            case None:
                now = time.monotonic()
                self.unanswered_since = self.unanswered_since or now
                if now - self.unanswered_since > min(_NOBODY_S, 4 * self.vigil.silence_s):
                    raise _Silent(self._said("nobody answers there any more"))
        return self.vigil.silence_s / _AGAIN

    def _said(self, reason: str) -> str:
        waited = time.monotonic() - self.began
        return f"no answer has come for {waited:.0f} s, and none will: {reason}"


def _gives_up() -> float:
    raise psycopg.OperationalError(f"no answer within {_ANSWER_S:g} s")


def _watched(gen: Waiting[Result], after_s: float, look: Callable[[], float]) -> Waiting[Result]:
    """Wait with `gen`; after so many seconds without anything to read call `look`, which returns the next."""
    deadline = time.monotonic() + after_s
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                deadline = now + after_s
            elif now > deadline:
                after_s = look()
                deadline = time.monotonic() + after_s
            wanted = gen.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result
