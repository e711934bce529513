"""The program on a pseudo-terminal that controls it, as in a person's window: Ctrl-C is a key there."""

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.cli.conftest import CLEAN, MARKER, Shell
from tests.servers import PASSWORD
from tests.waiting import PATIENCE

CTRL_C = "\x03"

_ROWS_COLUMNS = (24, 80)

_ATTACH = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes standard input the terminal that controls the session, then becomes the program."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(slots=True, kw_only=True)
class Terminal:
    """A window in which the program runs."""

    process: "subprocess.Popen[bytes]"
    master: int
    shown: str = ""
    """Everything that was written so far, colours and movements taken out."""
    raw: list[str] = field(default_factory=list)
    """The same as it came."""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def until(self, pattern: str, *, timeout: float = PATIENCE) -> str:
        """Wait until the window has shown something that matches, and return that."""
        deadline = time.monotonic() + timeout
        while (found := re.search(pattern, self.shown)) is None:
            assert time.monotonic() < deadline, f"waited in vain for {pattern!r}:\n{self.shown}"
            assert self._read(), f"ended without {pattern!r}:\n{self.shown}"
        return found[0]

    def press_until_ended(self, key: str, *, times: int = 5) -> None:
        """Press a key again, as a person would, while the program goes on.

        Python only notes a signal that comes between its last look and the read that waits for the answer.
        """
        for _ in range(times):
            self.type(key)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=3)
                return

    def close(self) -> None:
        """Close the window: the program gets SIGHUP, and nothing that it writes goes anywhere."""
        os.close(self.master)
        self.master = -1

    def finish(self) -> int:
        """Wait for the end, and return the exit code; no traceback or secret was shown."""
        while self._read():
            pass
        code = self.process.wait(timeout=PATIENCE)
        for unwanted in ("Traceback", MARKER, f":{PASSWORD}@"):
            assert unwanted not in self.shown, self.shown
        return code

    def _read(self) -> bool:
        """Take in what there is; False when the program has closed the terminal."""
        if not select.select([self.master], [], [], PATIENCE)[0]:
            raise AssertionError(f"nothing was shown for {PATIENCE:g} s:\n{self.shown}")
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO is how Linux says that nobody has the other side open
            return False
        self.raw.append(data.decode("utf-8", "replace"))
        self.shown += _CONTROL.sub("", data.decode("utf-8", "replace"))
        return bool(data)


@contextlib.contextmanager
def terminal(shell: Shell, *arguments: str, **environment: str) -> Iterator[Terminal]:
    """Start a command in a window; it is killed if the test leaves it running."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *_ROWS_COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _ATTACH, sys.executable, "-m", "migrator", *arguments],
        cwd=shell.folder,
        env=CLEAN | {"TERM": "xterm-256color"} | shell.environment | environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    window = Terminal(process=process, master=master)
    try:
        yield window
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if window.master >= 0:
            os.close(master)
