"""SIGINT, SIGTERM, SIGHUP during a run: the first stops it after the batch, the second cancels the query."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

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
        with contextlib.suppress(OSError, RuntimeError):  # the terminal may be gone or busy
            say(_SECOND if stop.requested else _FIRST)
        stop.request(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    before = {number: signal.signal(number, asked) for number in handled_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
