"""Our side of the story: `migrate apply`, killed half-way through a backfill and run again; then contract.

Where contract steps wait the application is released first, as a team would, and then they are asked for by
name.
"""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from migrator.demo.tool import Tool, kill
from migrator.errors import StepFailed

HALF = 50.0
"""Percent."""

ROUNDS = 10
"""How often apply and contract may alternate; more would be a bug."""


class KilledRun(msgspec.Struct, frozen=True, kw_only=True):
    """Where the runner was when it was killed."""

    title: str
    rows_done: int
    percent: float


class PlannedRun:
    """The run of this tool, from outside."""

    def __init__(self, tool: Tool, journal: str, tell: Callable[[str], None]) -> None:
        self.tool = tool
        self.tell = tell
        self.killed: KilledRun | None = None
        self.query = sql.SQL(
            "SELECT title, rows_done, coalesce(percent, 0) FROM {}"
            " WHERE phase = 'backfill' AND state = 'begun' AND rows_done > 0 ORDER BY percent DESC LIMIT 1"
        ).format(sql.Identifier(journal, "progress"))

    def apply(self, release: Callable[[], None]) -> None:
        """Run everything; `release` is called once, before the first contract step."""
        self.tell("migrate apply")
        self.killed = self.apply_and_kill()
        if self.killed is not None:
            place = f"{self.killed.title}: {self.killed.rows_done:,} rows, {self.killed.percent:.0f} %"
            self.tell(f"kill -9 in the middle of {place}")
            self.tell("migrate apply, once more: it resumes")
        self.finish(release)

    def finish(self, release: Callable[[], None]) -> None:
        """Apply, and ask for what waits for contract until nothing does."""
        self.tool.run("apply")
        released = False
        for _ in range(ROUNDS):
            waiting = self.waiting()
            if not waiting:
                return
            if not released:
                self.tell("the next release of the application is deployed: it writes the new column")
                release()
                released = True
            self.tell(f"migrate contract {' '.join(waiting)}; migrate apply")
            self.tool.run("contract", *waiting, "--yes")
            self.tool.run("apply")
        raise StepFailed("contract steps wait however often they are asked for")

    def apply_and_kill(self) -> KilledRun | None:
        """Begin, and kill the runner half-way through a backfill; None where it was faster."""
        process = self.tool.start("apply")
        try:
            place = self.half_way(process)
        except BaseException:
            kill(process)
            raise
        if place is not None:
            kill(process)
        elif process.returncode != 0:
            self.tool.fail(("apply",), process.returncode)
        return place

    def half_way(self, process: subprocess.Popen[bytes]) -> KilledRun | None:
        """Wait until a backfill is half done."""
        with psycopg.connect(self.tool.database, autocommit=True, application_name="demo") as connection:
            while process.poll() is None:
                row = connection.execute(self.query).fetchone()
                if row is not None and float(row[2]) >= HALF:
                    return KilledRun(title=row[0], rows_done=row[1], percent=float(row[2]))
                time.sleep(0.01)
        return None

    def waiting(self) -> list[str]:
        """Return the versions whose contract steps wait."""
        status: dict[str, Any] = json.loads(self.tool.ask("status", "--format", "json"))
        return [entry["version"] for entry in status["migrations"] if entry["state"] == "waiting"]
