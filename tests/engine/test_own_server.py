"""Rules that need a server's own settings: autovacuum at work, a standby that does not confirm."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from migrator.errors import LockDeadline
from migrator.execution.events import LockAttemptFailed, WaitingForStandby
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationState
from migrator.execution.options import RunResult
from migrator.plan.step import Timeouts
from tests.conftest import Database
from tests.engine.plans import Recorder, carry_out, ddl, plan
from tests.engine.test_blockers import BURN, SLOW_VACUUM
from tests.engine.test_locks import again_and_again
from tests.own_server import OwnServer
from tests.waiting import until, until_row

pytestmark = [pytest.mark.server, pytest.mark.chaos, pytest.mark.postgres(ends=True)]

WORKER = (
    "SELECT pid, query LIKE '%%wraparound%%' FROM pg_stat_activity "
    "WHERE backend_type = 'autovacuum worker' AND query LIKE '%%users%%'"
)

SYNC_REP = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE %(name)s"


@pytest.fixture
def alone(own_server: OwnServer) -> Iterator[Database]:
    """The only database of a server of its own."""
    database = Database(server=own_server.server, name="postgres")
    try:
        yield database
    finally:
        for connection in database.connections:
            connection.close()


def test_autovacuum_gives_way_and_one_to_prevent_wraparound_does_not(alone: Database) -> None:
    database = alone
    connection, reader = database.connect(), database.connect()
    connection.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
    connection.execute("SELECT pg_reload_conf()")
    connection.execute(SLOW_VACUUM)
    connection.execute("INSERT INTO users SELECT n, repeat('x', 500) FROM generate_series(1, 5000) AS n")
    connection.execute("UPDATE users SET filler = filler || 'y'")
    pid, _ = until_row(connection, WORKER)
    reader.execute("SET lock_timeout = 600")  # autovacuum gives way after a second
    recorder = Recorder()
    with again_and_again(lambda: reader.execute("SELECT FROM users WHERE id = 1")) as failures:
        given = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database)
        result = carry_out(database, given, recorder=recorder)

    assert failures == []
    assert MigrationState.APPLIED is result.outcomes[0].state
    assert pid in {b.pid for e in recorder.of(LockAttemptFailed) for b in e.blockers if b.autovacuum}

    connection.execute("CREATE TEMP TABLE burnt (x int)")
    connection.execute(BURN)
    connection.execute("ALTER TABLE users SET (autovacuum_freeze_max_age = 100000)")
    forced = until(lambda: [row[0] for row in connection.execute(WORKER) if row[1]], what="a forced one")
    brief = Timeouts(lock_ms=100, statement_ms=200, deadline_s=4.0)
    second = ddl(1, "ALTER TABLE users ADD COLUMN size int", migration="2", timeouts=brief)

    with pytest.raises(LockDeadline, match="to prevent wraparound, which does not yield"):
        carry_out(database, plan(second, database=database))
    assert [row[0] for row in connection.execute(WORKER)] == forced


def test_a_standby_that_does_not_confirm_keeps_no_lock(alone: Database) -> None:
    database = alone
    connection, other = database.connect(), database.connect()
    connection.execute("CREATE TABLE users (id bigint PRIMARY KEY, email text, nickname text)")
    connection.execute("ALTER DATABASE postgres SET synchronous_commit = 'on'")
    connection.execute("SELECT pg_reload_conf()")
    given = plan(
        ddl(1, "ALTER TABLE users ADD COLUMN age int"),
        ddl(2, "ALTER TABLE users ADD COLUMN size int"),
        database=database,
    )
    other.execute("SET synchronous_commit = local")

    def lose_the_standby() -> None:
        connection.execute("SET synchronous_commit = local")
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        connection.execute("SELECT pg_reload_conf()")
        probe = threading.Thread(target=write_synchronously, args=(database,))
        probe.start()
        (pid,) = until_row(connection, SYNC_REP, {"name": "probe"})
        connection.execute("SELECT pg_cancel_backend(%s)", (pid,))
        probe.join()

    lost: list[bool] = []

    def fault(point: FaultPoint) -> None:
        if point is FaultPoint.BEFORE_COMMIT and not lost:
            lost.append(True)
            lose_the_standby()

    recorder, results = Recorder(), list[RunResult]()
    running = threading.Thread(
        target=lambda: results.append(
            carry_out(database, given, recorder=recorder, faults=fault, wait_s=60.0)
        )
    )
    running.start()
    (said,) = until(lambda: recorder.of(WaitingForStandby), what="the run says what it waits for")
    with other.transaction():
        other.execute("LOCK TABLE users NOWAIT")
    state = other.execute("SELECT id, state FROM migrator.step").fetchall()
    (pid,) = until_row(connection, SYNC_REP, {"name": "migrator%"})
    connection.execute("SELECT pg_terminate_backend(%s)", (pid,))  # the wait ends, and nothing is undone
    until(
        lambda: connection.execute(SYNC_REP, {"name": "migrator%"}).fetchall() not in ([], [(pid,)]),
        what="the run has connected again, and waits again",
    )
    connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
    connection.execute("SELECT pg_reload_conf()")
    running.join()

    assert said.standbys == "nobody"
    assert state == [("1.1", "done")]
    assert [o.state for o in results[0].outcomes] == [MigrationState.APPLIED]
    assert other.execute("SELECT id, attempts FROM migrator.step ORDER BY id").fetchall() == [
        ("1.1", 1),
        ("2.1", 1),
    ]


def write_synchronously(database: Database) -> None:
    """Until it has to wait, and that is cancelled: a warning says that the row is committed all the same."""
    warnings: list[object] = []
    with psycopg.connect(database.url, application_name="probe", autocommit=True) as connection:
        connection.add_notice_handler(warnings.append)
        connection.execute("SET synchronous_commit = on")
        connection.execute("CREATE TABLE probe (n int)")
        while not warnings:
            connection.execute("INSERT INTO probe VALUES (1)")
