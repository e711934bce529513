"""The program itself, run as anybody runs it: `python -m migrator …` in a process of its own.

`apply` here is the very command that a pipeline calls, so it can be killed like one. A command that fails
where it must not raises `StepFailed` with its last words.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from migrator.errors import StepFailed

LAST_WORDS = 15
"""Lines of a failed command's output that are shown."""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """The program with its global options."""

    database: str
    files: Path
    config: Path
    log: Path
    """Everything that the commands say is added to this file."""

    def command(self, *arguments: str) -> list[str]:
        """Return the command line."""
        options = [f"--database={self.database}", f"--dir={self.files}", f"--config={self.config}"]
        return [sys.executable, "-m", "migrator", *arguments, *options]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own."""
        with self.log.open("ab") as log:
            log.write(f"$ migrate {' '.join(arguments)}\n".encode())
            log.flush()
            return subprocess.Popen(  # noqa: S603  # this program
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"NO_COLOR": "1"},
                start_new_session=True,
            )

    def run(self, *arguments: str) -> None:
        """Run a command that has to succeed."""
        code = self.start(*arguments).wait()
        if code != 0:
            self.fail(arguments, code)

    def ask(self, *arguments: str) -> str:
        """Run a command that only answers, and return its standard output."""
        done = subprocess.run(  # noqa: S603  # this program
            self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StepFailed(f"migrate {' '.join(arguments)}: exit {done.returncode}\n{done.stderr.strip()}")
        return done.stdout

    def fail(self, arguments: tuple[str, ...], code: int) -> None:
        """Raise the failure of a command, with the end of the log."""
        words = "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_WORDS:])
        raise StepFailed(f"migrate {' '.join(arguments)}: exit {code}\n{words}")


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as `kill -9` does: it learns nothing of it."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
