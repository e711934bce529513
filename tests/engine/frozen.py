"""A run that stops itself (SIGSTOP) at each kind of fault point once: python -m tests.engine.frozen URL PLAN.

It says where on standard output, and goes on at SIGCONT. SENT is no fault point: everything from BEGIN to
COMMIT has just gone to the server, and no answer was read.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from migrator.database import message
from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.execution.faults import FaultPoint
from migrator.execution.options import RunOptions
from migrator.plan.plan import Plan
from migrator.runner import run
from tests.engine.plans import POLICY, PROVENANCE

SENT = "SENT"


def main(url: str, path: Path) -> None:
    seen: set[str] = set()

    def freeze(name: str) -> None:
        if name not in seen:
            seen.add(name)
            os.write(1, f"{name}\n".encode())
            os.kill(os.getpid(), signal.SIGSTOP)

    def fault(point: FaultPoint) -> None:
        freeze(point.name)

    answers = message._answers  # noqa: SLF001  # there is no seam between sending and reading

    def frozen_answers(*given: Any) -> Any:  # noqa: ANN401  # as the original
        freeze(SENT)
        return answers(*given)

    setattr(message, answers.__name__, frozen_answers)
    plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    options = RunOptions(provenance=PROVENANCE, faults=fault, all_phases=True, wait_s=60.0, reconnect_s=60.0)
    run(Connector(conninfo=url), plan, POLICY, options, Silent())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
