"""A program of this package that runs beside this one, as a process of its own, and obeys words on a pipe.

It answers a word with a word on standard output, and ends when standard input says `stop` or ends.
`CompanionLost` is for one that ended by itself, which is a bug.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Self

PATIENCE = 600.0
"""Seconds that a statement under way at the end may take."""


class CompanionLost(RuntimeError):
    """The process ended by itself."""


class Companion:
    """A module run as a program, from `with` to its end."""

    def __init__(
        self, module: str, arguments: Mapping[str, object], *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.environment = dict(os.environ) | dict(environment or {})
        """Has what other users of the machine must not read in a list of processes."""
        program = [sys.executable, "-P", "-m", module]  # nothing of the folder one is in
        self.command = program + [f"--{name}={value}" for name, value in arguments.items()]

    def __enter__(self) -> Self:
        """Start it and wait until it says that it is ready."""
        self.process = subprocess.Popen(  # noqa: S603  # this package's own program
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=self.environment,
        )
        try:
            self.await_answer("ready")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; what is under way is completed."""
        if self.process.poll() is None:
            self.tell("stop")
        try:
            self.process.wait(PATIENCE if error is None else 10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        if error is None and self.process.returncode != 0:
            raise CompanionLost(f"exit status {self.process.returncode}")

    def tell(self, word: str) -> None:
        """Say a word to it."""
        pipe = present(self.process.stdin)
        pipe.write(f"{word}\n")
        pipe.flush()

    def await_answer(self, word: str) -> None:
        """Wait for its answer."""
        if present(self.process.stdout).readline().strip() != word:
            raise CompanionLost(f"it did not answer {word!r}")


def say(word: str) -> None:
    """Answer, in the companion."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def present(pipe: IO[str] | None) -> IO[str]:
    """Return a pipe that was asked for when the process began."""
    if pipe is None:
        raise CompanionLost("its process has no pipes")
    return pipe
