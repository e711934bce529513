"""Sweeps one scenario with one fault after the other: python -m tests.faults.worker SERVER.

SERVER is `embedded` or the version of a container. A line on standard input asks for one, as JSON: the name
of the scenario, that of the fault, how many points at most, and the seed that chooses them. A line on
standard output answers.
"""

import json
import sys

import msgspec

from tests.faults.injection import Fault
from tests.faults.scenarios import SCENARIOS
from tests.faults.server import FaultServer, container_server, embedded_server
from tests.faults.stage import stage
from tests.faults.sweep import Swept, record, some, sweep
from tests.faults.victim import Victims, victims

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def main(where: str) -> None:
    """Answer until nobody asks."""
    opened = embedded_server() if where == "embedded" else container_server(int(where))
    with victims() as runs, opened as server:
        say("ready")
        for line in sys.stdin:
            say(swept(server, runs, *json.loads(line)).as_json())


def say(line: str) -> None:
    """Answer whoever started this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def swept(server: FaultServer, runs: Victims, *task: str | int | None) -> Swept:
    """Sweep one scenario, all of its points or some."""
    name, fault, most, seed = msgspec.convert(task, tuple[str, str, int | None, int])
    with stage(server, BY_NAME[name], runs) as staged:
        recording = record(staged)
        points = recording.points(Fault[fault])
        chosen = points if most is None else some(points, most, seed)
        return sweep(staged, Fault[fault], recording, chosen)


if __name__ == "__main__":
    main(sys.argv[1])
