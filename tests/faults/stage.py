"""One scenario on one server: a database that is as before each run, and its plan."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString

import msgspec
import psycopg

from migrator import workflow
from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.plan.plan import Plan
from migrator.plan.step import SessionState
from migrator.runner import run
from migrator.sql.migration import read_migration
from tests.faults.proxy import Boundary, Gate, Link, Position, Proxy
from tests.faults.scenarios import Scenario
from tests.faults.server import FaultServer
from tests.faults.state import State, state_of, until_alone
from tests.faults.victim import OPTIONS, POLICY, Ended, Victims

NAME = f"migrator_faults_{os.getpid()}"
"""Of the database and of its owner."""

_EMPTY = f"""
    DROP SCHEMA IF EXISTS public CASCADE;
    CREATE SCHEMA public AUTHORIZATION {NAME};
    GRANT USAGE ON SCHEMA public TO PUBLIC
"""

_FORGET: LiteralString = """
    TRUNCATE migrator.run, migrator.session, migrator.migration, migrator.step, migrator.attempt,
        migrator.backfill, migrator.skipped, migrator.fingerprint, migrator.event RESTART IDENTITY
"""

_RELATIONS: LiteralString = """
    SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE nspname = 'migrator'
"""

_SWEEPS = 'SELECT count(*) FROM "migrator".skipped'
"""What the run asks about when the walk has gone by."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """The database of a scenario, and who runs its plan."""

    server: FaultServer
    scenario: Scenario
    victims: Victims
    plan: Path
    journal: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return self.server.database_url(NAME, user=NAME)

    def prepare(self) -> None:
        """Make everything as it is before a run."""
        with self.server.connect(NAME) as administrator:
            administrator.execute(_EMPTY.encode())
            if self.scenario.toast:
                administrator.execute(f"GRANT USAGE ON SCHEMA pg_toast TO {NAME}".encode())
            self._prepare_journal(administrator)
        if self.scenario.before:
            with psycopg.connect(self.url, autocommit=True) as owner:
                owner.execute(self.scenario.before.encode())

    def _prepare_journal(self, administrator: psycopg.Connection[Any]) -> None:
        if self.scenario.fresh or not self.journal or self._relations(administrator) != self.journal:
            administrator.execute("DROP SCHEMA IF EXISTS migrator CASCADE")
        elif self.journal:
            administrator.execute(_FORGET)
        if not self.scenario.fresh and not self._relations(administrator):
            run(Connector(conninfo=self.url), Plan(), POLICY, OPTIONS, Silent())
            administrator.execute(_FORGET)
            self.journal = self._relations(administrator)

    @staticmethod
    def _relations(administrator: psycopg.Connection[Any]) -> set[str]:
        return {name for (name,) in administrator.execute(_RELATIONS)}

    def make_plan(self) -> None:
        """Plan the file for the database as it is now."""
        observation = workflow.observe(Connector(conninfo=self.url), POLICY)
        migration = read_migration(self.scenario.file, file="1_faults.sql", version="1", name="faults")
        plan = workflow.prepare([migration], observation, POLICY).plan
        assert plan.live is self.scenario.live, plan.live

        self.plan.write_bytes(msgspec.json.encode(plan if self.scenario.fresh else _with_few_settings(plan)))

    def run(self, gate: Gate, *, strict: bool = True) -> Ended:
        """Carry the plan out through a proxy; sessions that outlast a run which is done are trouble."""
        proxy = Proxy(self.server.upstream, gate)
        proxy.strict = strict
        try:
            self.victims.start(self.server.database_url(NAME, user=NAME, port=proxy.port), self.plan)
            ended = self.victims.end()
            if ended.code == self.scenario.ends:
                with self.server.connect(NAME) as observer:
                    left = until_alone(observer)
                return replace(ended, left=tuple(f"a session stays: {row}" for row in left))
            return ended
        finally:
            proxy.close()

    def state(self, *, whole: bool) -> State:
        with self.server.connect(NAME) as observer:
            return state_of(observer, whole=whole)

    @contextmanager
    def companion(self) -> Iterator[Gate]:
        """Another session, which keeps rows locked until the walk has gone by: what tells it so is a gate."""
        if not self.scenario.locked:
            yield _pass
            return
        other = psycopg.connect(self.url)
        try:
            other.execute(self.scenario.locked.encode())
            locker = Locker(other)

            def gate(_: Link, boundary: Boundary, position: Position) -> None:
                locker.look(boundary, position)

            yield gate
        finally:
            other.close()


def _with_few_settings(plan: Plan) -> Plan:
    """A step sets a dozen settings, each a boundary: the scenario of a first run has them all, others two."""
    session = SessionState(settings=(("search_path", "public"), ("TimeZone", "'UTC'")))
    steps = tuple(msgspec.structs.replace(step, session=session) for step in plan.steps)
    return msgspec.structs.replace(plan, steps=steps)


def _pass(link: Link, boundary: Boundary, position: Position) -> None:
    """Do nothing."""


@dataclass(slots=True)
class Locker:
    """Lets its locks go when the run begins to sweep."""

    connection: psycopg.Connection[Any]
    _once: threading.Lock = field(default_factory=threading.Lock)

    def look(self, boundary: Boundary, position: Position) -> None:
        """Called at each boundary."""
        if boundary.text.startswith(_SWEEPS) and position is Position.BEFORE:
            self.release()

    def release(self) -> None:
        with self._once, suppress(psycopg.Error):  # the server may have crashed
            self.connection.rollback()


@contextmanager
def stage(server: FaultServer, scenario: Scenario, victims: Victims) -> Iterator[Stage]:
    """Make the database, and drop it and its role at the end."""
    with TemporaryDirectory(prefix="migrator-faults-") as folder:
        made = Stage(server=server, scenario=scenario, victims=victims, plan=Path(folder) / "plan.json")
        with server.connect() as administrator:
            _drop(administrator)
            administrator.execute(f"CREATE ROLE {NAME} LOGIN PASSWORD '{NAME}'".encode())
            administrator.execute(f"CREATE DATABASE {NAME} OWNER {NAME}".encode())
            administrator.execute(f"ALTER DATABASE {NAME} SET synchronous_commit = local".encode())
        try:
            made.prepare()
            made.make_plan()
            yield made
        finally:
            with server.connect() as administrator:
                _drop(administrator)


def _drop(administrator: psycopg.Connection[Any]) -> None:
    administrator.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)".encode())
    administrator.execute(f"DROP ROLE IF EXISTS {NAME}".encode())
