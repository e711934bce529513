"""Runs that somebody may kill, one after the other: python -m tests.faults.victim.

A line on standard input asks for one: [URL, PLAN] as JSON. The first line of the answer is its process, the
second how it ended: the exit code of the command line, negative for a signal, and what it complained of. Each
is a process of its own, forked from this one so that nothing has to be imported again.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from migrator.database.session import Connector
from migrator.errors import MigrateError
from migrator.execution.events import Event, LeftAlone, Silent
from migrator.execution.options import Provenance, RunOptions, RunResult
from migrator.plan.plan import Plan
from migrator.policy import Policy
from migrator.runner import run
from migrator.workflow.applying import until_nobody_else

POLICY = Policy(
    small_table_rows=0,
    small_table_bytes=0,
    batch_rows=40,
    batch_rows_min=40,
    batch_rows_max=40,
    lock_deadline_s=30.0,
)
"""No table is small, and the batches are always the same."""

OPTIONS = RunOptions(
    provenance=Provenance(tool_version="test", os_user="tester", host="here"),
    all_phases=True,
    wait_s=20.0,
    reconnect_s=20.0,
    lease_after_s=0.0,
)
"""Every backfill gives up the runner lock at once, and takes it back at its end."""

SILENCE_S = 0.3
"""How soon a run doubts a connection that is silent."""

PATIENCE_S = 60.0
"""A run that takes longer hangs."""

HUNG = 124

NAMED = "left alone: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    trouble: str
    left: tuple[str, ...] = ()
    """What it left running."""
    named: frozenset[str] = frozenset()
    """Invalid indexes of its own that it said it may not remove."""


class Victims:
    """The process that forks a run whenever it is asked to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = 0
        """Of the run that is going on."""

    def start(self, url: str, plan: Path) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([url, str(plan)]) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._answer())

    def end(self) -> Ended:
        """Wait for its end; kill it where that does not come."""
        hung = threading.Event()

        def give_up() -> None:
            hung.set()
            os.kill(self.pid, signal.SIGKILL)

        timer = threading.Timer(PATIENCE_S, give_up)
        timer.start()
        code, said = json.loads(self._answer())
        timer.cancel()
        if hung.is_set():
            return Ended(code=HUNG, trouble="it hangs")
        lines = said.splitlines()
        named = frozenset(line.removeprefix(NAMED) for line in lines if line.startswith(NAMED))
        trouble = "\n".join(line for line in lines if not line.startswith(NAMED))
        return Ended(code=code, trouble=trouble, named=named)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def victims() -> Iterator[Victims]:
    """Start the process, and end it with the block."""
    command = [sys.executable, "-m", "tests.faults.victim"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Victims(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    gc.freeze()
    for line in sys.stdin:
        url, path = json.loads(line)
        sys.stdout.write(json.dumps(ended(url, Path(path))) + "\n")
        sys.stdout.flush()


def ended(url: str, path: Path) -> tuple[int, str]:
    """Fork a run, say which process it is, and return its exit code and its complaints."""
    said, heard = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        os._exit(status(url, path, heard))
    os.close(heard)
    sys.stdout.write(f"{child}\n")
    sys.stdout.flush()
    with os.fdopen(said) as words:
        trouble = words.read()
    _, code = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(code), trouble


class Saying(Silent):
    """Writes down what the run says that it leaves."""

    def __init__(self, heard: int) -> None:
        self.heard = heard

    def event(self, event: Event) -> None:
        if isinstance(event, LeftAlone) and event.ours:
            for index in event.indexes:
                os.write(self.heard, f"{NAMED}{index}\n".encode())


def status(url: str, path: Path, heard: int) -> int:
    """As the command line does: the exit code of the error; anything else is a bug."""
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
        connector, observer = Connector(conninfo=url, silence_s=SILENCE_S), Saying(heard)

        def once() -> RunResult:
            return run(connector, plan, POLICY, OPTIONS, observer)

        until_nobody_else(connector, POLICY, OPTIONS, observer, once)
    except MigrateError as error:
        os.write(heard, f"{type(error).__name__}: {error.message}".encode())
        return error.exit_code
    except BaseException:  # noqa: BLE001  # whatever it is, the other process is to see it
        os.write(heard, traceback.format_exc().encode())
        return 1
    return 0


if __name__ == "__main__":
    main()
