"""A run that suspends itself (SIGSTOP) at a fault point: python -m tests.engine.walker URL PLAN POINT.

The point's name goes to standard output before. The long backfill gives up the runner lock at once.
"""

import os
import signal
import sys
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
    url, path, name = sys.argv[1:]
    stopped = False

    def fault(point: FaultPoint) -> None:
        nonlocal stopped
        if point.name == name and not stopped:
            stopped = True
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGSTOP)

    plan = msgspec.json.decode(Path(path).read_bytes(), type=Plan)
    options = RunOptions(provenance=PROVENANCE, faults=fault, wait_s=30.0, lease_after_s=0.0)
    run(Connector(conninfo=url), plan, POLICY, options, Silent())


if __name__ == "__main__":
    main()
