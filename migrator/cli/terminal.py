"""A run on a terminal: finished steps as lines, the running one as a bar.

As every observer it must not disturb the run: a terminal that went away is ignored.
"""

import contextlib
import os
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from migrator.cli.narration import note
from migrator.cli.output import one_line, printable
from migrator.cli.progress import Throttle
from migrator.cli.redact import redact
from migrator.cli.units import count, duration, rate
from migrator.execution import events


@contextlib.contextmanager
def terminal_display() -> Iterator["TerminalDisplay"]:
    """Give a display on standard error for the length of a `with` block."""
    console = Console(stderr=True, highlight=False, no_color=True if os.environ.get("NO_COLOR") else None)
    progress = TerminalDisplay.progress(console)
    with contextlib.suppress(OSError):  # the terminal may be gone, at the beginning and at the end
        progress.start()
    try:
        yield TerminalDisplay(progress)
    finally:
        with contextlib.suppress(OSError):
            progress.stop()


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
        self._progress.console.print(Text(printable(redact(text))), style="yellow")

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
                waits = f"  waits for {event.waits_for[0].brief}" if event.waits_for else ""
                self._update(event.done, event.total or None, f"{event.stage}{waits}")
            case events.PartitionDone():
                self._update(None, None, f"{event.partition} is done")
            case events.LockAttemptFailed():
                who = event.blockers[0].brief if event.blockers else "its locks"
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
        self._task = self._progress.add_task(one_line(redact(title)), total=None, detail="")

    def _update(self, done: float | None, total: float | None, detail: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done, total=total, detail=one_line(redact(detail)))

    def _end(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _line(self, text: str, style: str) -> None:
        self._progress.console.print(Text(printable(redact(text))), style=style)
