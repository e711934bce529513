"""Runs a command of this program and kills it, again and again, until it ends by itself.

A kill is SIGKILL or SIGTERM for the process, pg_terminate_backend for its sessions, or a reset of its
connections; it counts only where the runner had a session at the server. Most come after a random time; some
come as soon as the journal has changed, which is when a crash between two records would do harm.
"""

import enum
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from psycopg import sql

LIVES = 200
"""More starts of one command than it can ever need."""

POLL = 0.004

PATIENCE = 900.0
"""Seconds. A command that takes longer hangs: on a busy machine the whole history may take minutes."""

STOPPED_SAFELY, CANNOT_CONNECT, TERMINATED = 7, 9, 143

AGAIN = frozenset({-signal.SIGKILL, -signal.SIGTERM, STOPPED_SAFELY, CANNOT_CONNECT, TERMINATED})
"""How a command may end that is given again; a kill makes it so. SIGTERM ends one that is still looking and
planning at once, which a shell shows as 143 too.
"""

DELAYS = (0.02, 0.1, 0.25, 0.5)
"""Bounds of the random time in seconds; the long ones let the work go on."""

CHANGES = (None, None, 1, 1, 2, 3, 5, 8, 13, 21, 34)
"""Changes of the journal to wait for, in place of a time: so a slow machine gets as far as a quick one."""

LONGEST = 20.0
"""Seconds to wait for them: where nothing is left to do there are none."""

ANY, RUNNING = "^migrat", "^migrat.* run$"
"""Names of sessions: of every kind, and those that execute steps."""


class Kill(enum.StrEnum):
    """What is done to a run."""

    SIGKILL = "SIGKILL"
    SIGTERM = "SIGTERM"
    TERMINATE = "pg_terminate_backend"
    CUT = "connections reset"


ONLY_SIGKILL = (Kill.SIGKILL,)

ALL_KINDS = (Kill.SIGKILL, Kill.SIGKILL, Kill.SIGTERM, Kill.TERMINATE, Kill.CUT)
"""To choose from; the first is the hardest, and comes more often."""


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Kills until `budget` is used up, then lets commands end."""

    options: list[str]
    log: Path
    random: Random
    observer: psycopg.Connection[Any]
    journal: str
    budget: int
    kinds: tuple[Kill, ...] = ONLY_SIGKILL
    cut: Callable[[], None] = lambda: None
    """Resets the connections."""
    kills: list[tuple[Kill, str]] = field(default_factory=list)
    """How, and what the runner was doing."""
    codes: list[int] = field(default_factory=list)
    """How commands ended, 0 for those that were done."""

    def complete(self, *arguments: str) -> None:
        """Run a command until it ends by itself, successfully."""
        for _ in range(LIVES):
            process = self._start(arguments)
            self._watch(process)
            code = self._ended(process, arguments)
            self.codes.append(code)
            if code == 0:
                return
            assert code in AGAIN, self.failure(arguments, code)

        raise AssertionError(self.failure(arguments, -signal.SIGKILL))

    def _ended(self, process: subprocess.Popen[bytes], arguments: tuple[str, ...]) -> int:
        """Wait for its end, and say what it did where that does not come."""
        try:
            return process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            doing = self.observer.execute(
                "SELECT pid, application_name, state, wait_event, state_change::text, query"
                " FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchall()
            process.kill()
            words = "\n".join(map(str, doing))
            raise AssertionError(f"it hangs: {words}\n{self.failure(arguments, process.wait())}") from None

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
            changes = self.random.choice(CHANGES)
            delay = self.random.uniform(0, self.random.choice(DELAYS)) if changes is None else LONGEST
            self._wait(process, time.monotonic() + delay, changes)
            doing = self._doing(ANY)
            if doing and process.poll() is None:
                kind = self.random.choice(self.kinds)
                self._kill(process, kind, doing)
                if kind in {Kill.SIGKILL, Kill.SIGTERM}:
                    return

    def _kill(self, process: subprocess.Popen[bytes], kind: Kill, doing: str) -> None:
        self.kills.append((kind, doing))
        with self.log.open("a") as log:
            log.write(f"*** kill {len(self.kills)}, {kind}: {doing}\n")
        match kind:
            case Kill.SIGKILL:
                os.killpg(process.pid, signal.SIGKILL)
            case Kill.SIGTERM:
                os.killpg(process.pid, signal.SIGTERM)
            case Kill.TERMINATE:
                self.observer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name ~ %s",
                    [ANY],
                )
            case Kill.CUT:
                self.cut()

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
