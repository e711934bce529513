"""A long backfill holds the lease of its migration alone; other runs do what does not touch its table."""

# ruff: noqa: ANN401 - rows and keyword arguments of tests are of any type

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
import pytest

from migrator.database import runner_lock
from migrator.database.journal_store import FileEntry, JournalStore
from migrator.database.runner_key import key
from migrator.errors import DriftError, Paused, RunnerBusy, StoppedSafely
from migrator.execution.events import BatchDone, LeaseTaken, MigrationElsewhere, TookOver, WaitingForRunner
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationState
from migrator.execution.options import RunResult
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.plan import Plan
from migrator.plan.step import Step
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from tests.conftest import Database
from tests.engine.plans import Recorder, backfill, build, carry_out, ddl, plan, users
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

CARTS = QualifiedName("public", "carts")


@dataclass
class Gate:
    """Holds a run at a fault point until it is opened."""

    point: FaultPoint
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, point: FaultPoint) -> None:
        if point is self.point and not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(PATIENCE)


@dataclass
class Walking:
    """A run in a thread of its own that has been brought to a point of its walk."""

    gate: Gate
    future: Future[RunResult]

    def end(self) -> RunResult:
        self.gate.opened.set()
        return self.future.result(PATIENCE)


@contextmanager
def walking(
    database: Database, given: Plan, *, until: FaultPoint = FaultPoint.RUNNER_LEFT, **more: Any
) -> Iterator[Walking]:
    """Carry out a plan with a backfill in another thread, which gives up the runner lock at once."""
    gate = Gate(until)
    with ThreadPoolExecutor(1) as pool:
        options = {"wait_s": PATIENCE, "lease_after_s": 0.0} | more
        future = pool.submit(carry_out, database, given, faults=gate, **options)
        try:
            while not gate.reached.wait(0.05):
                assert not future.done(), future.result()
            yield Walking(gate, future)
        finally:
            gate.opened.set()


def store(database: Database) -> JournalStore:
    return JournalStore(database.connect(), "migrator")


def carts(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE TABLE carts (id bigint PRIMARY KEY, email text, nickname text)")
    connection.execute("INSERT INTO carts SELECT n, 'c' || n FROM generate_series(1, 300) AS n")
    connection.execute("ANALYZE carts")


def of_carts(step: Step, migration: str) -> Step:
    """The same step for the other table."""
    text = msgspec.json.encode(step).replace(b"users", b"carts")
    return msgspec.structs.replace(msgspec.json.decode(text, type=Step), migration=migration)


def other(database: Database, *steps: Step) -> Plan:
    return plan(*(of_carts(step, "2") for step in steps), touches=(CARTS,), database=database)


def states(connection: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(connection.execute("SELECT version, state FROM migrator.migration").fetchall())


def leftovers(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT pid, purpose, version FROM migrator.session").fetchall()


def test_other_tables_go_on_during_a_backfill(database: Database) -> None:
    connection = database.connect()
    users(connection)
    carts(connection)
    recorder = Recorder()
    first = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), backfill(2), build(3), database=database)
    with walking(database, first, recorder=recorder) as walk:
        second = other(database, ddl(1, "ALTER TABLE users ADD COLUMN age int"), build(2))
        result = carry_out(database, second)

        assert [(o.version, o.state) for o in result.outcomes] == [
            ("1", MigrationState.BEGUN),
            ("2", MigrationState.APPLIED),
        ]
        assert result.elsewhere == frozenset({"1"})
        assert states(connection) == {"1": "begun", "2": "applied"}
        assert [o.state for o in walk.end().outcomes] == [MigrationState.APPLIED]

    assert len(recorder.of(LeaseTaken)) == 1
    assert recorder.of(TookOver) == []
    assert states(connection) == {"1": "applied", "2": "applied"}
    assert leftovers(connection) == []


def test_two_backfills_of_two_tables_at_the_same_time(database: Database) -> None:
    connection = database.connect()
    users(connection)
    carts(connection)
    first, second = plan(backfill(1), database=database), other(database, backfill(1, rows=300))
    with walking(database, first) as one, walking(database, second) as two:
        assert [lease.version for lease in store(database).load().leases] == ["1", "2"]

        two.end()

        assert states(connection) == {"1": "begun", "2": "applied"}

        one.end()

    assert states(connection) == {"1": "applied", "2": "applied"}
    for table in ("users", "carts"):
        left = f"SELECT count(*) FROM {table} WHERE nickname IS DISTINCT FROM upper(email)"

        assert connection.execute(left.encode()).fetchone() == (0,)
    assert leftovers(connection) == []


def test_what_touches_the_table_waits_and_names_who_is_at_it(database: Database) -> None:
    connection = database.connect()
    users(connection)
    recorder = Recorder()
    with walking(database, plan(backfill(1), database=database)) as walk:
        pid = store(database).load().leases[0].runner.pid
        more = ddl(1, "ALTER TABLE users ADD COLUMN age int", migration="2")
        result = carry_out(database, plan(more, database=database), recorder=recorder)
        blocked = result.outcomes[1]

        assert (blocked.version, blocked.blocked_by, blocked.blocked_on) == ("2", "1", ("public.users",))
        assert f"tester@here, server process {pid}, since " in str(blocked.elsewhere)
        assert str(blocked.elsewhere).endswith(", with the backfill of migration 1")
        assert [e.version for e in recorder.of(MigrationElsewhere)] == ["1"]
        assert states(connection) == {"1": "begun"}

        walk.end()

    assert carry_out(database, plan(more, database=database)).elsewhere == frozenset()
    assert states(connection) == {"1": "applied", "2": "applied"}


def test_a_statement_that_may_touch_anything_waits(database: Database) -> None:
    users(database.connect())
    anything = plan(ddl(1, "SELECT 1", migration="2"), touches=())
    header = msgspec.structs.replace(anything.migrations[0], touches_everything=True)
    with walking(database, plan(backfill(1), database=database)):
        result = carry_out(database, msgspec.structs.replace(anything, migrations=(header,)))

        assert [o.blocked_by for o in result.outcomes] == [None, "1"]


def test_a_function_that_the_walk_may_compute_with_waits(database: Database) -> None:
    users(database.connect())
    made = plan(
        ddl(1, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", migration="2"), touches=()
    )
    statement = msgspec.structs.replace(made.statements[0], kind="create-function", effect=Effect())
    with walking(database, plan(backfill(1), database=database)):
        result = carry_out(database, msgspec.structs.replace(made, statements=(statement,)))

        assert [o.blocked_by for o in result.outcomes] == [None, "1"]


def test_a_foreign_key_to_the_walked_table_waits(database: Database) -> None:
    from migrator import workflow
    from migrator.database.session import Connector
    from migrator.policy import Policy
    from migrator.sql.migration import read_migration

    connection = database.connect()
    users(connection)
    carts(connection)
    file = read_migration(
        "ALTER TABLE carts ADD FOREIGN KEY (id) REFERENCES users (id) NOT VALID;\n", file="2_fk.sql"
    )
    with walking(database, plan(backfill(1), database=database)):
        seen = workflow.observe(Connector(conninfo=database.url), Policy())
        pending = workflow.prepare([file], seen, Policy()).pending

        assert [o.blocked_by for o in carry_out(database, pending).outcomes] == [None, "1"]


def test_pause_stops_a_walk_without_the_runner_lock(database: Database) -> None:
    connection = database.connect()
    users(connection)
    with walking(database, plan(backfill(1), database=database)) as walk:
        store(database).set_paused(paused=True, reason="sale")
        with pytest.raises(Paused, match="sale"):
            walk.end()

    assert leftovers(connection) == []

    store(database).set_paused(paused=False)

    assert [o.state for o in carry_out(database, plan()).outcomes] == [MigrationState.APPLIED]


def test_nobody_decides_about_a_migration_that_is_walked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_lock, "ENDING_S", 0.0)
    connection = database.connect()
    users(connection)
    entry = FileEntry(version="1", name="test", file="1_test.sql", checksums=("0" * 64,))
    decisions: list[Callable[[], None]] = [
        lambda: store(database).resolve_applied(entry, "why"),
        lambda: store(database).resolve_rolled_back("1", "why"),
        lambda: store(database).accept_checksum(entry, "why"),
        lambda: store(database).accept_drift("1", "why"),
    ]
    with walking(database, plan(backfill(1), database=database)) as walk:
        pid = store(database).load().leases[0].runner.pid
        for decide in decisions:
            with pytest.raises(RunnerBusy, match=f"server process {pid}, .* backfill of migration 1"):
                decide()
        store(database).baseline([FileEntry(version="0", name="base", file="0_base.sql", checksums=())])

        assert [o.state for o in walk.end().outcomes] == [MigrationState.APPLIED]


def test_the_runner_lock_is_waited_for_at_the_end_of_the_walk(database: Database) -> None:
    users(database.connect())
    busy = database.connect()

    def release(event: object) -> None:
        if isinstance(event, WaitingForRunner):
            busy.execute("SELECT pg_advisory_unlock_all()")

    recorder = Recorder(actions=[release])
    with walking(database, plan(backfill(1), database=database), recorder=recorder) as walk:
        busy.execute("SELECT pg_advisory_lock(%s)", (key("migrator"),))

        assert [o.state for o in walk.end().outcomes] == [MigrationState.APPLIED]
    assert len(recorder.of(WaitingForRunner)) == 1


def test_a_walk_that_cannot_have_the_runner_lock_again_stops_safely(database: Database) -> None:
    users(database.connect())
    busy = database.connect()
    with walking(database, plan(backfill(1), database=database), wait_s=0.0) as walk:
        busy.execute("SELECT pg_advisory_lock(%s)", (key("migrator"),))
        with pytest.raises(
            StoppedSafely, match=f"are done, and another .* {busy.info.backend_pid}"
        ) as caught:
            walk.end()

    assert caught.value.exit_code == 7
    busy.execute("SELECT pg_advisory_unlock_all()")
    recorder = Recorder()

    assert [o.state for o in carry_out(database, plan(), recorder=recorder).outcomes] == [
        MigrationState.APPLIED
    ]
    assert recorder.of(BatchDone) == []


def test_a_definition_changed_by_hand_during_the_walk_is_found(database: Database) -> None:
    connection = database.connect()
    users(connection)
    with walking(database, plan(backfill(1), build(2), database=database)) as walk:
        connection.execute("ALTER TABLE users ADD COLUMN surprise int")
        with pytest.raises(DriftError, match=r"public\.users has another definition"):
            walk.end()

    store(database).accept_drift("1", "it was me")

    assert [o.state for o in carry_out(database, plan()).outcomes] == [MigrationState.APPLIED]


def test_a_walk_that_has_lost_its_lease_is_ended_before_it_is_resumed(database: Database) -> None:
    connection = database.connect()
    users(connection)
    connection.execute(
        "CREATE FUNCTION unlock() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_advisory_unlock_all(); RETURN NEW; END $$"
    )
    connection.execute(
        "CREATE TRIGGER unlock BEFORE UPDATE ON users "
        "FOR EACH ROW WHEN (NEW.id = 50) EXECUTE FUNCTION unlock()"
    )
    recorder = Recorder()
    with walking(database, plan(backfill(1), database=database), until=FaultPoint.BATCH_DONE) as walk:
        (pid,) = connection.execute("SELECT pid FROM migrator.session").fetchone() or (0,)
        result = carry_out(database, plan(), recorder=recorder)

        assert [e.pids for e in recorder.of(TookOver)] == [(pid,)]
        assert [o.state for o in result.outcomes] == [MigrationState.APPLIED]
        assert walk.end().outcomes == ()

    assert connection.execute("SELECT rows_done FROM migrator.backfill").fetchone() == (1000,)
    assert leftovers(connection) == []


def test_a_short_backfill_keeps_the_runner_lock(database: Database) -> None:
    users(database.connect())
    recorder = Recorder()
    carry_out(database, plan(backfill(1), database=database), recorder=recorder, lease_after_s=60.0)

    assert recorder.of(LeaseTaken) == []


def test_after_a_walk_what_others_have_begun_is_not_begun_again(database: Database) -> None:
    connection = database.connect()
    users(connection)
    carts(connection)
    adding = ddl(1, "ALTER TABLE users ADD COLUMN age int")
    second = other(database, adding)
    first = plan(backfill(1), database=database)
    both = msgspec.structs.replace(
        first,
        fingerprints=first.fingerprints + second.fingerprints,
        migrations=first.migrations + second.migrations,
        statements=first.statements + second.statements,
        steps=first.steps + second.steps,
    )
    with walking(database, both) as walk:
        carry_out(database, second)

        assert states(connection) == {"1": "begun", "2": "applied"}
        assert [(o.version, o.state) for o in walk.end().outcomes] == [("1", MigrationState.APPLIED)]


def test_a_lock_of_carts_is_no_lock_of_users() -> None:
    step = of_carts(ddl(1, "ALTER TABLE users ADD COLUMN age int"), "2")

    assert step.effect.locks == (RelationLock(CARTS, LockMode.ACCESS_EXCLUSIVE),)
