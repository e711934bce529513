"""`make faults`: every fault at every boundary of every scenario; writes the matrix into docs/faults.md.

On the embedded server all points, on containers of other versions (`--sampled 13,17`) one of each scenario
and fault, chosen by `--seed`. `--scenario WORD` and `--fault NAME` narrow both, `--most N` takes so many
points of each; without `--write` nothing is written. `--results FILE` keeps what was found, and goes on from
there. Exits with 1 where something was lost.
"""

import argparse
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.injection import Fault
from tests.faults.page import Results, write
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import Swept

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"

Task = tuple[str, str, int | None, int]


@dataclass(slots=True)
class Sweeper:
    """Hands tasks to workers on one server version, and gathers what they find."""

    server: str
    results: Path | None
    tasks: "queue.SimpleQueue[Task]" = field(default_factory=queue.SimpleQueue)
    found: list[Swept] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def run(self, workers: int) -> None:
        threads = [threading.Thread(target=self._work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        command = [sys.executable, "-m", "tests.faults.worker", self.server]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            while (task := self._next()) is not None:
                began = time.monotonic()
                process.stdin.write(json.dumps(task) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
                if not answer:
                    self.broken.append(f"{self.server}: {task[0]}, {task[1]}: the sweep itself failed")
                    break
                self._note(Swept.from_json(answer), time.monotonic() - began)
            process.stdin.close()

    def _next(self) -> Task | None:
        try:
            return self.tasks.get_nowait()
        except queue.Empty:
            return None

    def begin(self, tasks: Iterable[Task]) -> None:
        """Leave out what was found before."""
        known = self.results.read_text().splitlines() if self.results and self.results.exists() else []
        before = [text for where, _, text in (line.partition(" ") for line in known) if where == self.server]
        self.found += [Swept.from_json(text) for text in before]
        done = {(swept.scenario, swept.fault.name) for swept in self.found}
        for task in tasks:
            if task[:2] not in done:
                self.tasks.put(task)

    def _note(self, swept: Swept, seconds: float) -> None:
        self.found.append(swept)
        if self.results:
            with self.results.open("a") as file:
                file.write(f"{self.server} {swept.as_json()}\n")
        say(
            f"{self.server}: {swept.scenario}: {swept.fault}: {swept.points} points, {swept.runs} runs, "
            f"{len(swept.losses)} losses, {seconds:.0f} s"
        )
        for loss in swept.losses:
            say(f"  LOST {loss}")


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def tasks(options: argparse.Namespace, most: int | None, version: int) -> Iterator[Task]:
    """The long ones first."""
    for fault in (Fault[options.fault],) if options.fault else Fault:
        for scenario in SCENARIOS:
            if options.scenario in scenario.name and scenario.since <= version:
                yield scenario.name, fault.name, most, options.seed


def sweep(options: argparse.Namespace, server: str, most: int | None, version: int, workers: int) -> Sweeper:
    sweeper = Sweeper(server, options.results)
    sweeper.begin(tasks(options, most, version))
    sweeper.run(workers)
    return sweeper


def _command(options: argparse.Namespace) -> str:
    """What gives these results again."""
    most = "" if options.most is None else f" --most {options.most} --seed {options.seed}"
    sampled = f" --sampled {options.sampled}" if options.sampled else ""
    return f"python -m tests.faults --write{most}{sampled}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write the matrix into {PAGE.name}")
    parser.add_argument("--workers", type=int, default=3, help="sweeps side by side (default: 3)")
    parser.add_argument("--scenario", default="", help="only scenarios with this in their name")
    parser.add_argument("--fault", choices=[fault.name for fault in Fault], help="only this fault")
    parser.add_argument("--most", type=int, help="so many points of each scenario and fault")
    parser.add_argument("--seed", type=int, default=1, help="chooses them (default: 1)")
    parser.add_argument("--sampled", default="", help="versions to be sampled in containers, e.g. 13,17")
    parser.add_argument("--results", type=Path, help="keep what was found in this file, and go on from it")
    options = parser.parse_args()
    whole = sweep(options, "embedded", options.most, 18, options.workers)
    sampled = {
        version: sweep(options, version, 1, int(version), 1)
        for version in filter(None, options.sampled.split(","))
    }
    every = [whole, *sampled.values()]
    results = Results(whole=whole.found, sampled={int(v): each.found for v, each in sampled.items()})
    for line in results.summary():
        say(line)
    for line in (line for each in every for line in each.broken):
        say(line)
    if options.write:
        write(PAGE, results, _command(options))
    return 1 if results.losses or any(each.broken for each in every) else 0


if __name__ == "__main__":
    sys.exit(main())
