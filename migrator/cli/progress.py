"""Shows a run while it goes: a bar on a terminal (`terminal`), log events elsewhere.

An observer must not disturb the run: a terminal that went away is ignored.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from migrator.cli import logs
from migrator.cli.invocation import Invocation, current
from migrator.cli.narration import note
from migrator.cli.note import Note
from migrator.execution import events


class Display(Protocol):
    """An observer of a run that can also tell the person something."""

    def event(self, event: events.Event) -> None:
        """Take note of an event of the run."""

    def say(self, text: str) -> None:
        """Tell the person something."""


@contextlib.contextmanager
def display(invocation: Invocation) -> Iterator[Display]:
    """Give the observer that suits standard error and the global options."""
    if sys.stderr.isatty() and not logs.as_json(invocation) and invocation.verbosity == 0:
        from migrator.cli.terminal import terminal_display  # loads rich, which logs do not need

        with terminal_display() as shown:
            yield shown
    else:
        yield LogDisplay(logs.Log(invocation))


class Throttle:
    """Lets a note of each name through at most every so often."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[tuple[str, str], tuple[float, str]] = {}

    def passes(self, told: Note) -> bool:
        """Whether it is time to say this again, or something else is the topic."""
        now = self._clock()
        key = (told.name, told.level)
        said, topic = self._last.get(key, (float("-inf"), told.topic))
        if told.every_s and now - said < told.every_s and topic == told.topic:
            return False
        self._last[key] = now, told.topic
        return True


class OnDemand:
    """Shows the few events of before a run; nothing is set up as long as there is none."""

    def __init__(self) -> None:
        self._throttle = Throttle()

    def event(self, event: events.Event) -> None:
        """Show it, unless one like it was shown just now."""
        if self._throttle.passes(note(event)):
            with display(current()) as shown:
                shown.event(event)


class LogDisplay:
    """Events as log lines; those that come in numbers every 10 seconds, or when something has changed."""

    def __init__(self, log: logs.Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._throttle = Throttle(clock)

    def event(self, event: events.Event) -> None:
        """Write it, unless one like it was written just now."""
        told = note(event)
        if self._throttle.passes(told):
            with contextlib.suppress(OSError):
                getattr(self._log, told.level)(told.name, **told.fields)

    def say(self, text: str) -> None:
        """Write a message of the program's."""
        with contextlib.suppress(OSError):
            self._log.warning("run.message", text=text)
