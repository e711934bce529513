"""Runs a command of this program and kills it, again and again, until it ends by itself.

A kill counts only where the runner had a session at the server. Most come after a random time; some come as
soon as the journal has changed, which is when a crash between two records would do harm.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from psycopg import sql

LIVES = 200
"""More starts of one command than it can ever need."""

POLL = 0.004

STOPPED_SAFELY = 7

DELAYS = (0.02, 0.1, 0.25, 0.5)
"""Bounds of the random time in seconds; the long ones let the work go on."""

ANY, RUNNING = "^migrat", "^migrat.* run$"
"""Names of sessions: of every kind, and those that execute steps."""


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Kills until `budget` is used up, then lets commands end."""

    options: list[str]
    log: Path
    random: Random
    observer: psycopg.Connection[Any]
    journal: str
    budget: int
    kills: list[str] = field(default_factory=list)
    """What the runner was doing, at each kill."""

    def complete(self, *arguments: str) -> None:
        """Run a command until it ends by itself, successfully."""
        for _ in range(LIVES):
            process = self._start(arguments)
            self._watch(process)
            code = process.wait()
            if code == 0:
                return
            assert code in {-signal.SIGKILL, STOPPED_SAFELY}, self.failure(arguments, code)

        raise AssertionError(self.failure(arguments, -signal.SIGKILL))

    def failure(self, arguments: tuple[str, ...], code: int) -> str:
        """The end of the log."""
        words = "\n".join(self.log.read_text().splitlines()[-40:])
        return f"migrate {' '.join(arguments)} ended with {code} after {len(self.kills)} kills:\n{words}"

    def _start(self, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            log.write(f"$ migrate {' '.join(arguments)}\n".encode())
            log.flush()
            return subprocess.Popen(
                [sys.executable, "-m", "migrator", *arguments, *self.options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the process at a random instant after it connected, if the budget allows it."""
        while process.poll() is None and len(self.kills) < self.budget:
            begun = self.random.choice((ANY, RUNNING, RUNNING, RUNNING))
            while process.poll() is None and not self._doing(begun):
                time.sleep(POLL)
            deadline = time.monotonic() + self.random.uniform(0, self.random.choice(DELAYS))
            self._wait(process, deadline, self.random.choice((None, None, 1, 2, 3)))
            doing = self._doing(ANY)
            if doing and process.poll() is None:
                self._kill(process, doing)
                return

    def _kill(self, process: subprocess.Popen[bytes], doing: str) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        self.kills.append(doing)
        with self.log.open("a") as log:
            log.write(f"*** kill {len(self.kills)}: {doing}\n")

    def _wait(self, process: subprocess.Popen[bytes], deadline: float, changes: int | None) -> None:
        """Wait until the deadline, or until the journal has changed so often."""
        before = self._position()
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(POLL)
            position = self._position() if changes else before
            if position != before:
                changes, before = (changes or 0) - 1, position
                if changes == 0:
                    return

    def _doing(self, name: str) -> str:
        """What the busiest session of that name is doing; empty where there is none."""
        row = self.observer.execute(
            "SELECT application_name || ': ' || left(regexp_replace(query, '\\s+', ' ', 'g'), 60)"
            " FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ %s"
            " ORDER BY state = 'active' DESC, query_start DESC LIMIT 1",
            [name],
        ).fetchone()
        return str(row[0]) if row else ""

    def _position(self) -> tuple[Any, ...] | None:
        """Something that changes with every step and batch."""
        query = sql.SQL("SELECT count(*), sum(rows_done) FROM {}").format(
            sql.Identifier(self.journal, "progress")
        )
        try:
            return self.observer.execute(query).fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return None
