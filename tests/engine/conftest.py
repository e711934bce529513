"""Runs that are killed, for the tests that kill one at every point."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrator.postgres.versions import NEWEST_KNOWN
from tests.conftest import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    returncode: int
    """-9 where it was killed, 0 where it was done before its n-th point."""
    point: str
    """The name of the fault point where it was killed."""
    stderr: str


@dataclass(frozen=True, slots=True)
class Victims:
    """The process that forks a run whenever it is asked to."""

    process: subprocess.Popen[str]

    def kill(self, database: Database, path: Path, point: int) -> Ended:
        """Carry out the plan of that file, killed at its n-th point."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([database.url, str(path), point]) + "\n")
        self.process.stdin.flush()
        returncode, name, stderr = json.loads(self.process.stdout.readline())
        return Ended(returncode=returncode, point=name, stderr=stderr)

    @staticmethod
    def points(database: Database) -> range:
        """All points on the newest version, every fourth on others: the engine is the same one there."""
        return range(1, 200, 1 if database.version == NEWEST_KNOWN else 4)


@pytest.fixture(scope="session")
def victims() -> Iterator[Victims]:
    """Runs to be killed; one process for all tests of a worker."""
    command = [sys.executable, "-m", "tests.engine.victim"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Victims(process)
        assert process.stdin is not None
        process.stdin.close()
