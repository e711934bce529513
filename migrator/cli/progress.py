"""Shows a run while it goes: a bar on a terminal, log events elsewhere.

An observer must not disturb the run: a terminal that went away is ignored.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from migrator.cli import logs
from migrator.cli.invocation import Invocation
from migrator.cli.narration import Note, note
from migrator.cli.redact import redact
from migrator.cli.units import count, duration, rate
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
    log = logs.logger(invocation)
    if sys.stderr.isatty() and not logs.as_json(invocation) and invocation.verbosity == 0:
        console = Console(stderr=True, highlight=False, no_color=True if os.environ.get("NO_COLOR") else None)
        with TerminalDisplay.progress(console) as progress:
            yield TerminalDisplay(progress)
    else:
        yield LogDisplay(log)


class Throttle:
    """Lets a note of each name through at most every so often."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[tuple[str, str], float] = {}

    def passes(self, told: Note) -> bool:
        """Whether it is time to say this again."""
        now = self._clock()
        key = (told.name, told.level)
        if told.every_s and now - self._last.get(key, float("-inf")) < told.every_s:
            return False
        self._last[key] = now
        return True


class LogDisplay:
    """Events as log lines; those that come in numbers every 10 seconds."""

    def __init__(
        self, log: structlog.typing.FilteringBoundLogger, clock: Callable[[], float] = time.monotonic
    ) -> None:
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


class TerminalDisplay:
    """Finished steps as lines, the running one as a bar with rate and remaining time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._throttle = Throttle()

    @staticmethod
    def progress(console: Console) -> Progress:
        """Return the live part of the display."""
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[detail]}", markup=False, table_column=Column(no_wrap=True)),
            console=console,
            expand=True,  # the title gives way in a narrow window, not the rate and the remaining time
            transient=True,
        )

    def event(self, event: events.Event) -> None:
        """Show it."""
        with contextlib.suppress(OSError):
            self._show(event)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(Text(redact(text)), style="yellow")

    def _show(self, event: events.Event) -> None:
        told = note(event)
        match event:
            case events.StepStarted():
                self._begin(told.text)
            case events.BatchDone():
                left = "" if event.eta_s is None else f"  {duration(event.eta_s)} left"
                total = max(event.estimated_rows or 0, event.rows_done) or None
                self._update(
                    event.rows_done, total, f"{count(event.rows_done)} rows  {rate(event.rate)}{left}"
                )
            case events.BuildProgress():
                waits = f"  waits for {event.waits_for[0]}" if event.waits_for else ""
                self._update(event.done, event.total or None, f"{event.stage}{waits}")
            case events.PartitionDone():
                self._update(None, None, f"{event.partition} is done")
            case events.LockAttemptFailed():
                who = str(event.blockers[0]) if event.blockers else "its locks"
                self._update(None, None, f"waiting {duration(event.waited_s)} for {who}")
            case events.StepFinished():
                self._end()
                self._line("✓ " + told.text, "green")
            case events.MigrationStarted():
                self._line(told.text, "bold")
            case events.MigrationFinished():
                self._end()
            case _:
                pass  # said below, where it is a warning
        if told.level == "warning" and self._throttle.passes(told):
            self._line(told.text, "yellow")

    def _begin(self, title: str) -> None:
        self._end()
        self._task = self._progress.add_task(redact(title), total=None, detail="")

    def _update(self, done: float | None, total: float | None, detail: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done, total=total, detail=redact(detail))

    def _end(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _line(self, text: str, style: str) -> None:
        self._progress.console.print(Text(redact(text)), style=style)
