"""Server processes that an earlier run left behind: whether one is at work, and how it is ended.

A process is known by its number and the moment it began, which the intent of its step has. Ending one needs
the rights of the role that began it, else PreflightError; ConnectionLost where it does not end in a minute.
"""

import time

from migrator.database.commands import journal_query
from migrator.database.probe import FILE
from migrator.database.runner_lock import alive, terminate, wait_until_gone
from migrator.database.workbench import Workbench
from migrator.execution.journal import Backend

_POLL_S = 0.1
_ENDING_S = 10.0
"""So long a cancelled server process may take before it is terminated."""


def at_work(bench: Workbench, recorded: Backend | None) -> Backend | None:
    """Return the recorded server process if it still works on something."""
    if recorded is None:
        return None
    parameters = {"pid": recorded.pid, "start": recorded.start}
    found = bench.execute(journal_query(FILE, "at work", bench.schema, parameters)).fetchone()
    return None if found is None else recorded


def dismiss(bench: Workbench, recorded: Backend | None) -> None:
    """End the recorded server process if it is there and idle.

    Its runner may only be suspended, and must not find a session in which it can go on.
    """
    if recorded is not None and at_work(bench, recorded) is None and alive(bench.connection, recorded):
        terminate(bench.connection, recorded)
        wait_until_gone(bench.connection, recorded, sleep=bench.sleep)


def end(bench: Workbench, backend: Backend) -> None:
    """Cancel what the server process is doing, wait until it is gone, and forget it."""
    bench.execute(journal_query(FILE, "cancel", bench.schema, {"pid": backend.pid, "start": backend.start}))
    until = time.monotonic() + _ENDING_S
    while alive(bench.connection, backend) and time.monotonic() < until:
        bench.sleep(_POLL_S)
    if alive(bench.connection, backend):
        terminate(bench.connection, backend)
        wait_until_gone(bench.connection, backend, sleep=bench.sleep)
    bench.execute(bench.commands.query("forget session", pid=backend.pid, start=backend.start))
