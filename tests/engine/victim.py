"""A run that kills itself at its n-th fault point: python -m tests.engine.victim URL PLAN N."""

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
    url, path, number = sys.argv[1:]
    passed = 0

    def fault(point: FaultPoint) -> None:
        nonlocal passed
        passed += 1
        if passed == int(number):
            sys.stdout.write(point.name)
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    plan = msgspec.json.decode(Path(path).read_bytes(), type=Plan)
    options = RunOptions(provenance=PROVENANCE, faults=fault, all_phases=True, wait_s=30.0)
    run(Connector(conninfo=url), plan, POLICY, options, Silent())


if __name__ == "__main__":
    main()
