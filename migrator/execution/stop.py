"""Asking a run to stop: first after the batch or step, then at once.

`request` is what a signal handler calls, in the main thread between two bytecodes, so nothing here takes a
lock.
"""

from collections.abc import Callable

from migrator.errors import Interrupted, Terminated

SIGTERM = 15


class StopRequest:
    """Set from outside, read by the run before each attempt, batch and step."""

    __slots__ = ("_cancel", "_requests", "_signal")

    def __init__(self) -> None:
        self._requests = 0
        self._signal: int | None = None
        self._cancel: Callable[[], None] | None = None

    def request(self, signal: int | None = None) -> None:
        """Ask to stop after the batch; asked a second time, cancel what the server is doing for us."""
        self._requests += 1
        self._signal = signal if self._signal is None else self._signal
        if self._requests > 1 and self._cancel is not None:
            self._cancel()

    def cancel_with(self, cancel: Callable[[], None] | None) -> None:
        """Say what the second request calls: the run passes the cancellation of its connection."""
        self._cancel = cancel

    @property
    def requested(self) -> bool:
        """Stop at the next safe place."""
        return self._requests > 0

    @property
    def now(self) -> bool:
        """Cancel."""
        return self._requests > 1

    def error(self) -> Interrupted:
        """What the run ends with: exit 130, or 143 for SIGTERM."""
        kind = Terminated if self._signal == SIGTERM else Interrupted
        return kind("stopped on request, at a safe place")

    def check(self) -> None:
        """Raise `Interrupted` or `Terminated` if asked to stop."""
        if self.requested:
            raise self.error()
