"""DETACH PARTITION CONCURRENTLY: attached, half detached, detached; a run that ends is continued."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import msgspec
import psycopg
import pytest

from migrator.errors import DriftError, Interrupted, LockDeadline, StepFailed
from migrator.execution.events import BuildProgress, LockAttemptFailed, StepFinished
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationState
from migrator.execution.stop import StopRequest
from migrator.plan.step import DetachPartition, Step, Timeouts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from tests.conftest import Database
from tests.engine.conftest import Victims
from tests.engine.plans import QUICK, USERS, Boom, Recorder, carry_out, fail_at, plan, step
from tests.waiting import until, until_row

pytestmark = [pytest.mark.server, pytest.mark.postgres(since=14, ends=True)]

BOTH: LiteralString = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM users_old)"
OLD = QualifiedName("public", "users_old")
STATE = """
    SELECT coalesce(bool_or(h.inhdetachpending)::text, 'no partition')
    FROM pg_inherits AS h WHERE h.inhrelid = 'users_old'::regclass
"""


def partitioned(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DROP TABLE IF EXISTS users, users_old CASCADE")
    connection.execute("CREATE TABLE users (id bigint PRIMARY KEY) PARTITION BY RANGE (id)")
    connection.execute("CREATE TABLE users_old PARTITION OF users FOR VALUES FROM (0) TO (100)")
    connection.execute("CREATE TABLE users_new PARTITION OF users FOR VALUES FROM (100) TO (200)")
    connection.execute("INSERT INTO users SELECT generate_series(1, 150)")


def detach(*, timeouts: Timeouts = QUICK) -> Step:
    words = 'ALTER TABLE "public"."users" DETACH PARTITION "public"."users_old"'
    work = DetachPartition(
        sql=f"{words} CONCURRENTLY", finalize_sql=f"{words} FINALIZE", root=USERS, partition=OLD
    )
    return step(1, work, mode=LockMode.SHARE_UPDATE_EXCLUSIVE, timeouts=timeouts)


@contextlib.contextmanager
def reading(database: Database, query: LiteralString, waits: list[float]) -> Iterator[None]:
    """Run the query again and again meanwhile; keep how long each took."""
    ended, connection = threading.Event(), database.connect()

    def read() -> None:
        while not ended.is_set():
            began = time.monotonic()
            connection.execute(query)
            waits.append(time.monotonic() - began)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()


def leave_pending(database: Database, partition: str = "users_old") -> None:
    """Begin to detach by hand, and be interrupted."""
    with database.server.connect(database.name) as old, database.server.connect(database.name) as person:
        old.autocommit = False
        old.execute("SELECT count(*) FROM users")
        person.autocommit = True
        person.execute("SET lock_timeout = '50ms'")
        words = f"ALTER TABLE users DETACH PARTITION {partition} CONCURRENTLY"
        with pytest.raises(psycopg.errors.LockNotAvailable):
            person.execute(words.encode())


def state(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute(STATE).fetchone()
    assert row is not None
    return str(row[0])


def counted(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    query = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM users_old)"
    return connection.execute(query).fetchall()


def test_partition_is_detached_in_one_attempt(database: Database) -> None:
    connection = database.connect()
    partitioned(connection)
    recorder = Recorder()
    carry_out(database, plan(detach(), database=database), recorder=recorder)

    assert state(connection) == "no partition"
    assert counted(connection) == [(51, 99)]
    assert [e.attempts for e in recorder.of(StepFinished)] == [1]


def test_a_reader_is_outwaited_and_holds_nobody_up(database: Database) -> None:
    connection, old, other = database.connect(), database.connect(), database.connect()
    partitioned(connection)
    given = plan(detach(), database=database)
    for limit in ("lock_timeout = '50ms'", "statement_timeout = '900ms'"):  # they do not count
        connection.execute(f"ALTER DATABASE {database.name} SET {limit}".encode())
    old.execute("BEGIN")
    old.execute("SELECT count(*) FROM users")
    seen: list[tuple[str, float]] = []

    def look(event: object) -> None:
        if not isinstance(event, BuildProgress):
            return
        began = time.monotonic()
        other.execute(BOTH)
        seen.append((state(connection), time.monotonic() - began))
        if len(seen) == 2:
            old.execute("COMMIT")

    recorder = Recorder(actions=[look])
    carry_out(database, given, recorder=recorder)

    assert [pending for pending, _ in seen[:2]] == ["true", "true"]
    assert max(seconds for _, seconds in seen) < 1.0
    assert [b.pid for b in recorder.of(BuildProgress)[0].waits_for] == [old.info.backend_pid]
    assert counted(connection) == [(51, 99)]
    assert [e.attempts for e in recorder.of(StepFinished)] == [1]


def test_queries_are_not_held_up_while_it_waits(database: Database) -> None:
    connection, old = database.connect(), database.connect()
    partitioned(connection)
    old.execute("BEGIN")
    old.execute("SELECT count(*) FROM users")
    waits: list[float] = []
    recorder = Recorder(actions=[lambda e: old.execute("COMMIT") if isinstance(e, BuildProgress) else None])
    with reading(database, BOTH, waits):
        carry_out(database, plan(detach(), database=database), recorder=recorder)

    assert len(waits) > 10
    assert max(waits) < 1.0


@pytest.mark.parametrize("pending", [False, True], ids=["detach", "finalize"])
def test_it_gives_way_to_readers_of_the_partition(database: Database, *, pending: bool) -> None:
    """Somebody reads the partition itself in a long transaction; those who come later must not wait."""
    connection, direct = database.connect(), database.connect()
    partitioned(connection)
    if pending:
        leave_pending(database)
    direct.execute("BEGIN")
    direct.execute("SELECT count(*) FROM users_old")
    waits: list[float] = []

    def look(event: object) -> None:
        if isinstance(event, LockAttemptFailed) and event.attempt == 2:
            assert direct.info.backend_pid in [b.pid for b in event.blockers]
            direct.execute("COMMIT")

    recorder = Recorder(actions=[look])
    with reading(database, "SELECT count(*) FROM users_old", waits):
        carry_out(database, plan(detach(), database=database), recorder=recorder)

    assert state(connection) == "no partition"
    assert len(recorder.of(LockAttemptFailed)) >= 2
    assert max(waits) < 1.0


def test_finalize_is_not_starved_by_other_transactions(database: Database) -> None:
    """It waits for every snapshot in the database, and some are always there."""
    connection = database.connect()
    partitioned(connection)
    leave_pending(database)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(reading(database, "SELECT pg_sleep(0.4)", []))
        carry_out(database, plan(detach(), database=database))

    assert state(connection) == "no partition"


def test_a_run_that_ended_half_way_is_finished_by_the_next(database: Database) -> None:
    connection, old = database.connect(), database.connect()
    partitioned(connection)
    old.execute("BEGIN")
    old.execute("SELECT count(*) FROM users")

    def die(point: FaultPoint) -> None:
        if point is FaultPoint.BUILD_SENT:
            until(lambda: state(connection) == "true", what="pending")
            raise Boom

    with pytest.raises(Boom):
        carry_out(database, plan(detach(), database=database), faults=die)

    # Unlike an index build it ends with its runner: nobody would see to it that it gives way.
    until_row(
        connection,
        "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity "
        "WHERE query LIKE 'ALTER%' AND datname = current_database())",
    )

    assert state(connection) == "true"

    old.execute("COMMIT")

    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state
    assert state(connection) == "no partition"


def test_the_deadline_leaves_it_pending(database: Database) -> None:
    connection, old = database.connect(), database.connect()
    partitioned(connection)
    old.execute("BEGIN")
    old.execute("SELECT count(*) FROM users")
    short = msgspec.structs.replace(QUICK, deadline_s=1.0)
    for _ in range(2):  # the statement, then FINALIZE
        with pytest.raises(LockDeadline, match=r"did not end in 1 s") as caught:
            carry_out(database, plan(detach(timeouts=short), database=database))

        assert "it stays pending" in str(caught.value.hint)
        assert state(connection) == "true"

    old.execute("COMMIT")
    carry_out(database, plan())

    assert state(connection) == "no partition"


def test_a_request_to_stop_ends_it(database: Database) -> None:
    """Left to itself it would not give way to anybody."""
    connection, old = database.connect(), database.connect()
    partitioned(connection)
    old.execute("BEGIN")
    old.execute("SELECT count(*) FROM users")
    stop = StopRequest()

    def ask_twice(event: object) -> None:
        if isinstance(event, BuildProgress):
            stop.request()
            stop.request()

    with pytest.raises(Interrupted):
        carry_out(
            database, plan(detach(), database=database), recorder=Recorder(actions=[ask_twice]), stop=stop
        )

    assert state(connection) == "true"


def test_another_partition_pending_by_somebody_else_is_named_and_left_alone(database: Database) -> None:
    connection = database.connect()
    partitioned(connection)
    leave_pending(database, "users_new")
    with pytest.raises(StepFailed, match=r"users_new.*already pending detach"):
        carry_out(database, plan(detach(), database=database))

    assert state(connection) == "false"
    assert connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhdetachpending"
    ).fetchall() == [("users_new",)]


def test_detached_but_not_recorded_is_found_done(database: Database) -> None:
    connection = database.connect()
    partitioned(connection)
    with pytest.raises(Boom):
        carry_out(database, plan(detach(), database=database), faults=fail_at(FaultPoint.DETACH_TRIED))

    assert state(connection) == "no partition"

    recorder = Recorder()
    carry_out(database, plan(), recorder=recorder)

    assert [e.found_done for e in recorder.of(StepFinished)] == [True]


def test_what_is_no_partition_of_that_table_is_refused(database: Database) -> None:
    connection = database.connect()
    partitioned(connection)
    connection.execute("CREATE TABLE others (id bigint PRIMARY KEY) PARTITION BY RANGE (id)")
    connection.execute("ALTER TABLE users DETACH PARTITION users_old")
    connection.execute("ALTER TABLE others ATTACH PARTITION users_old FOR VALUES FROM (0) TO (100)")
    with pytest.raises(StepFailed, match="a partition of another table"):
        carry_out(database, plan(detach(), database=database))


def test_a_table_that_is_gone_is_refused(database: Database) -> None:
    connection = database.connect()
    partitioned(connection)
    connection.execute("DROP TABLE users_old")
    with pytest.raises((StepFailed, DriftError)):
        carry_out(database, plan(detach(), database=database))


@pytest.mark.chaos
def test_killed_at_every_point(database: Database, victims: Victims, tmp_path: Path) -> None:
    connection = database.connect()
    path = tmp_path / "plan.json"
    points = []
    for number in victims.points(database):
        connection.execute("DROP SCHEMA IF EXISTS migrator CASCADE")
        partitioned(connection)
        given = plan(detach(), database=database)
        path.write_bytes(msgspec.json.encode(given))
        ended = victims.kill(database, path, number)
        if ended.returncode == 0:
            break
        points.append(ended.point)

        assert ended.returncode == -9, ended.stderr

        carry_out(database, given, all_phases=True, wait_s=30.0)

        assert state(connection) == "no partition"
        assert counted(connection) == [(51, 99)]

    assert victims.points(database).step > 1 or "DETACH_TRIED" in points
