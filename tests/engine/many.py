"""Many runs at once: python -m tests.engine.many URL DIRECTORY NUMBER WAIT, each forked from this process.

All begin at the same instant, half of them on a host whose clock is a day ahead, the others a day behind. A
JSON document on standard output says how each ended: exit code, message, steps run.
"""

import datetime as dt
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Self

from migrator import history, workflow
from migrator.database.session import Connector
from migrator.errors import MigrateError
from migrator.execution.events import Silent
from migrator.execution.options import RunOptions
from migrator.policy import Policy
from tests.engine.plans import PROVENANCE

DAY_S = 86_400

POLICY = Policy(small_table_rows=0, batch_rows=50, batch_rows_min=10, batch_rows_max=50)


def main() -> None:
    url, directory, number, wait = sys.argv[1:]
    barrier, start = os.pipe()
    answers = [begin(url, Path(directory), float(wait), barrier, shift) for shift in shifts(int(number))]
    os.close(barrier)
    os.close(start)  # nobody is left who could write, so every reader goes on
    said = []
    for pid, answer in answers:
        with os.fdopen(answer) as file:
            said.append(json.load(file))
        os.waitpid(pid, 0)
    print(json.dumps(said))  # noqa: T201  # the result


def shifts(number: int) -> list[int]:
    return [DAY_S if n % 2 else -DAY_S for n in range(number)]


def begin(url: str, directory: Path, wait_s: float, barrier: int, shift_s: int) -> tuple[int, int]:
    """Fork a run that waits at the barrier; return its process and where its answer will come."""
    answer, say = os.pipe()
    pid = os.fork()
    if pid:
        os.close(say)
        return pid, answer
    for descriptor in range(barrier + 1, say):
        os.close(descriptor)  # the other end of the barrier among them
    shift_clock(shift_s)
    os.read(barrier, 1)
    os.write(say, json.dumps(carried_out(url, directory, wait_s)).encode())
    os._exit(0)


def shift_clock(seconds: int) -> None:
    """Let this process believe in another time of day."""
    true_time, true_ns = time.time, time.time_ns

    class Shifted(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(true_time() + seconds, tz)

    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_ns() + seconds * 10**9
    dt.datetime = Shifted  # type: ignore[misc]  # for this process


def carried_out(url: str, directory: Path, wait_s: float) -> dict[str, Any]:
    options = RunOptions(provenance=PROVENANCE, wait_s=wait_s, lease_after_s=0.0)
    files = history.read_history(directory)
    try:
        result = workflow.apply(Connector(conninfo=url), files, POLICY, options, Silent())
    except MigrateError as error:
        return {"code": error.exit_code, "said": str(error), "steps": 0}
    return {"code": 0, "said": "", "steps": sum(o.steps_run for o in result.outcomes)}


if __name__ == "__main__":
    main()
