"""Runs that kill themselves at their n-th fault point, one after the other: python -m tests.engine.victim.

A line on standard input asks for one, [URL, PLAN, N] as JSON; a line on standard output says how it ended.
Each is a process of its own, forked from this one so that nothing has to be imported again.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

import msgspec

from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.execution.faults import FaultPoint
from migrator.execution.options import RunOptions
from migrator.plan.plan import Plan
from migrator.runner import run
from tests.engine.plans import POLICY, PROVENANCE


def main() -> None:
    for line in sys.stdin:
        url, path, number = json.loads(line)
        sys.stdout.write(json.dumps(ended(url, Path(path), number)) + "\n")
        sys.stdout.flush()


def ended(url: str, path: Path, number: int) -> tuple[int, str, str]:
    """Fork a run, and return its exit status (-9 where it was killed), the point, and complaints."""
    output, errors = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(output[1], 1)
        os.dup2(errors[1], 2)
        os._exit(status(url, path, number))
    os.close(output[1])
    os.close(errors[1])
    with os.fdopen(output[0]) as said, os.fdopen(errors[0]) as complained:
        point, trouble = said.read(), complained.read()
    _, code = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(code), point, trouble


def status(url: str, path: Path, number: int) -> int:
    try:
        carry_out(url, path, number)
    except BaseException:  # noqa: BLE001  # whatever it is, the other process is to see it
        os.write(2, traceback.format_exc().encode())
        return 1
    return 0


def carry_out(url: str, path: Path, number: int) -> None:
    passed = 0

    def fault(point: FaultPoint) -> None:
        nonlocal passed
        passed += 1
        if passed == number:
            os.write(1, point.name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    options = RunOptions(provenance=PROVENANCE, faults=fault, all_phases=True, wait_s=30.0, lease_after_s=0.0)
    run(Connector(conninfo=url), plan, POLICY, options, Silent())


if __name__ == "__main__":
    main()
