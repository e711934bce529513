"""The faults, and how each strikes at a boundary."""

import enum
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from tests.faults.proxy import Boundary, Link, Position, Proxy
from tests.faults.server import FaultServer, Machine
from tests.faults.wire import SYNC
from tests.waiting import until

_SUCCESSOR = 25
"""Boundaries that a successor passes before a stopped commit goes on: it has begun its takeover by then."""

_LONGEST_S = 1.0
"""A commit is held up no longer."""

_LOOK_S = 0.005

RUNNERS: LiteralString = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = %s AND application_name ~ '^migrat' AND pid <> pg_backend_pid()
"""

COMMITTING: LiteralString = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event = 'SyncRep'"


class Fault(enum.StrEnum):
    """What happens at a boundary."""

    KILL = "kill -9 of the runner"
    CUT = "connection reset"
    SILENT = "half-open connection"
    COMMIT = "lost COMMIT reply, the old backend still committing"
    CRASH = "server crash and restart"
    TERMINATE = "pg_terminate_backend"
    ROLE = "reset, and a statement_timeout and lock_timeout of 1 ms on the role"

    @property
    def positions(self) -> tuple[Position, ...]:
        """Where it makes a difference. For one who is dead, after a boundary is before the next."""
        match self:
            case Fault.CUT:
                return Position.BEFORE, Position.DURING, Position.AFTER
            case Fault.SILENT:
                return Position.BEFORE, Position.AFTER
            case Fault.COMMIT | Fault.ROLE:
                return (Position.BEFORE,)
            case _:
                return Position.BEFORE, Position.DURING

    def strikes(self, boundary: Boundary, position: Position) -> bool:
        """Whether it is tried there: a client that is not waiting for an answer does not miss it."""
        match position:
            case Position.AFTER:
                return boundary.ready and boundary.acts
            case Position.DURING:
                return boundary.acts
            case Position.BEFORE if self is Fault.COMMIT:
                return boundary.commits and boundary.acts
            case Position.BEFORE if self is Fault.ROLE:
                return boundary.first
            case Position.BEFORE:
                return boundary.kind != SYNC or boundary.acts

    @property
    def portable(self) -> bool:
        """Needs nothing but the protocol and SQL."""
        return self not in {Fault.COMMIT, Fault.CRASH}


@dataclass(slots=True, kw_only=True)
class Injection:
    """One fault at one boundary of one run."""

    server: FaultServer
    database: str
    fault: Fault
    boundary: Boundary
    position: Position
    victim: Callable[[], int]
    """The process of the run."""
    quickly: bool = False
    """No gate is needed any more when it has struck."""
    struck: bool = False
    _proxy: Proxy | None = None
    _links: int = 0
    _answered: bool = False
    _held: threading.Thread | None = None

    def gate(self, link: Link, boundary: Boundary, position: Position) -> None:
        """Called by the proxy at each boundary."""
        if not boundary.same(self.boundary):
            return
        if self._proxy is link.proxy and self.fault is Fault.COMMIT and position is Position.AFTER:
            self._answered = True
            link.proxy.cut(
                self._links
            )  # it did not have to wait, or no longer: the reply is lost all the same
        if self.struck or position is not self.position:
            return
        self.struck, self._proxy, self._links = True, link.proxy, len(link.proxy.links)
        link.proxy.strict = not self.quickly
        self._strike(link)

    def end(self) -> None:
        """Let go what was held up."""
        if self._held is not None:
            self._held.join(timeout=30)
        if self.fault is Fault.ROLE:
            with self.server.connect() as administrator:
                administrator.execute(f"ALTER ROLE {self.database} RESET ALL".encode())

    @property
    def _machine(self) -> Machine:
        assert self.server.machine is not None, "this server has other users"
        return self.server.machine

    def _strike(self, link: Link) -> None:
        match self.fault:
            case Fault.KILL:
                os.kill(self.victim(), signal.SIGKILL)
                link.proxy.cut()
            case Fault.CUT:
                link.proxy.cut()
            case Fault.SILENT:
                link.proxy.fall_silent()
            case Fault.COMMIT:
                self._hold_up(link)
            case Fault.CRASH:
                self._machine.crash()
            case Fault.TERMINATE:
                self._terminate()
            case Fault.ROLE:
                with self.server.connect() as administrator:
                    for name in ("statement_timeout", "lock_timeout"):
                        administrator.execute(f"ALTER ROLE {self.database} SET {name} = '1ms'".encode())
                link.proxy.cut()

    def _terminate(self) -> None:
        with self.server.connect() as administrator:
            ended = f"SELECT pg_terminate_backend(pid) FROM ({RUNNERS}) AS r".encode()
            administrator.execute(ended, [self.database])
            until(
                lambda: not administrator.execute(RUNNERS, [self.database]).fetchall(),
                what="terminated sessions to end",
            )

    # --- a commit that goes on while its client is gone

    def _hold_up(self, link: Link) -> None:
        """Send it on as one that waits for a standby, stop its process there, and cut the client off."""
        link.inject("SET synchronous_commit TO on")
        self._held = threading.Thread(target=self._release, args=(link.proxy,), daemon=True)
        self._held.start()

    def _release(self, proxy: Proxy) -> None:
        with self.server.connect() as administrator:
            deadline = time.monotonic() + _LONGEST_S
            pid = 0
            while not pid and not self._answered and time.monotonic() < deadline:
                pid = self._committing(administrator)
                time.sleep(_LOOK_S)
            if pid:
                self._machine.signal(pid, signal.SIGSTOP)
            proxy.cut(self._links)
            began, deadline = proxy.passed, time.monotonic() + _LONGEST_S
            until(
                lambda: proxy.passed - began >= _SUCCESSOR or time.monotonic() > deadline,
                what="a successor",
            )
            if pid:
                self._machine.signal(pid, signal.SIGCONT)
                self._let_go(administrator, pid)

    def _committing(self, administrator: psycopg.Connection[Any]) -> int:
        row = administrator.execute(COMMITTING, [self.database]).fetchone()
        return int(row[0]) if row else 0

    def _let_go(self, administrator: psycopg.Connection[Any], pid: int) -> None:
        """Whoever is still waiting for the standby does not any more; a statement may commit many times."""
        query: LiteralString = "SELECT state, wait_event FROM pg_stat_activity WHERE pid = %s"
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            row = administrator.execute(query, [pid]).fetchone()
            if row is None or row[0] != "active":
                return
            if row[1] == "SyncRep":
                administrator.execute("SELECT pg_cancel_backend(%s)", [pid])
            time.sleep(_LOOK_S)
