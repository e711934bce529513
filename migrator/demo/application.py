"""The application seen from outside: a process of its own that is started, told of a release, and stopped.

Its errors are in the recording, not here; `ApplicationLost` is for a process that ended by itself, which is
a bug.
"""

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from migrator.demo import ledger, recording
from migrator.demo.ledger import Ledger
from migrator.demo.recording import Recording, Window
from migrator.demo.traffic import LEDGER

PATIENCE = 600.0
"""Seconds that a statement under way at the end may take."""


class ApplicationLost(RuntimeError):
    """The application's process ended by itself."""


class Application:
    """Traffic against one database, from `with` to its end."""

    def __init__(
        self, database: str, output: Path, *, orders: int, seed: int = 1, think: float = 0.015
    ) -> None:
        self.output = output
        self.output.mkdir(parents=True)
        program = [sys.executable, "-m", "migrator.demo.traffic"]
        arguments = {"database": database, "output": output, "orders": orders, "seed": seed, "think": think}
        self.command = program + [f"--{name}={value}" for name, value in arguments.items()]

    def __enter__(self) -> Self:
        """Start it and wait until all its sessions are connected."""
        self.process = subprocess.Popen(  # noqa: S603  # this package's own program
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._await("ready")
        return self

    def release(self) -> None:
        """Deploy the next release, which knows the new columns."""
        self._tell("release")
        self._await("released")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; what is under way is completed and recorded."""
        if self.process.poll() is None:
            self._tell("stop")
        try:
            self.process.wait(PATIENCE if error is None else 10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        if error is None and self.process.returncode != 0:
            raise ApplicationLost(f"exit status {self.process.returncode}")

    def recording(self) -> Recording:
        """Return what it recorded; only after its end."""
        return recording.read(self.output)

    def ledger(self) -> Ledger:
        """Return what was confirmed to it; only after its end."""
        return ledger.read(self.output / LEDGER)

    def _tell(self, word: str) -> None:
        pipe = present(self.process.stdin)
        pipe.write(f"{word}\n")
        pipe.flush()

    def _await(self, word: str) -> None:
        if present(self.process.stdout).readline().strip() != word:
            raise ApplicationLost(f"it did not answer {word!r}")


def present(pipe: IO[str] | None) -> IO[str]:
    """Return a pipe that was asked for when the process began."""
    if pipe is None:
        raise ApplicationLost("its process has no pipes")
    return pipe


class Stopwatch:
    """Measures a window of time by the clock that the application records with."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begin = time.monotonic_ns()

    def window(self) -> Window:
        """Return the window from the beginning to now."""
        return Window(name=self.name, begin=self.begin, end=time.monotonic_ns())
