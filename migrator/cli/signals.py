"""SIGINT, SIGTERM, SIGHUP during a run: the first stops it after the batch, the second cancels the query."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

from migrator.errors import Terminated
from migrator.execution.stop import StopRequest

_FIRST = "stopping after this batch or statement; once more to cancel it"
_SECOND = "cancelling what the server is doing for us"


def handled_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end a run; a closed terminal (SIGHUP) counts as being told to terminate."""
    return tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def stopping(stop: StopRequest, say: Callable[[str], None]) -> Iterator[StopRequest]:
    """Let signals ask `stop` while the block runs; `say` tells the person what will happen."""

    def asked(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as the signal module calls it
        kind, again = signal.SIGINT if number == signal.SIGINT else signal.SIGTERM, stop.requested
        if not again:  # noted before it is said: another signal may come while that is written
            stop.request(kind)
        with contextlib.suppress(OSError, RuntimeError):  # the terminal may be gone or busy
            say(_SECOND if again else _FIRST)
        if again:  # said before it is done: the server may take its time
            stop.request(kind)

    before = {number: signal.signal(number, asked) for number in handled_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def ending(what: str) -> Iterator[None]:
    """Let SIGTERM and SIGHUP end what has nothing to resume as Ctrl-C does, with all that it started."""

    def end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001  # as the signal module calls it
        raise Terminated(f"{what} was terminated", hint="")

    signals = [each for each in handled_signals() if each is not signal.SIGINT]
    before = {number: signal.signal(number, end) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
