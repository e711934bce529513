"""The application seen from outside: a process of its own that is started, told of a release, and stopped.

Its errors are in the recording, not here.
"""

import time
from pathlib import Path

from migrator.demo import ledger
from migrator.demo.ledger import Ledger
from migrator.demo.traffic import LEDGER
from migrator.shadow.traffic import recording
from migrator.shadow.traffic.companion import Companion
from migrator.shadow.traffic.recording import Recording, Window


class Application(Companion):
    """Traffic against one database, from `with` to its end."""

    def __init__(
        self, database: str, output: Path, *, orders: int, seed: int = 1, think: float = 0.015
    ) -> None:
        self.output = output
        self.output.mkdir(parents=True)
        arguments = {"database": database, "output": output, "orders": orders, "seed": seed, "think": think}
        super().__init__("migrator.demo.traffic", arguments)

    def release(self) -> None:
        """Deploy the next release, which knows the new columns."""
        self.tell("release")
        self.await_answer("released")

    def recording(self) -> Recording:
        """Return what it recorded; only after its end."""
        return recording.read(self.output)

    def ledger(self) -> Ledger:
        """Return what was confirmed to it; only after its end."""
        return ledger.read(self.output / LEDGER)


class Stopwatch:
    """Measures a window of time by the clock that the application records with."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begin = time.monotonic_ns()

    def window(self) -> Window:
        """Return the window from the beginning to now."""
        return Window(name=self.name, begin=self.begin, end=time.monotonic_ns())
