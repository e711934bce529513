"""A run suspended at each transition of its lease: its successor is right, and waking changes nothing."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from migrator.errors import RunnerBusy
from migrator.execution.faults import FaultPoint
from migrator.plan.plan import Plan
from tests.conftest import Database
from tests.engine.plans import backfill, build, carry_out, ddl, plan, users
from tests.engine.test_killed import count_changes
from tests.engine.test_lease import carts, leftovers, other, states
from tests.waiting import PATIENCE, until_gone, until_row

pytestmark = [pytest.mark.server, pytest.mark.chaos]

ROWS = 350

BOTH = (
    FaultPoint.LEASE_TAKEN,
    FaultPoint.LEASE_RECORDED,
    FaultPoint.RUNNER_REGAINED,
    FaultPoint.LEASE_ENDED,
    FaultPoint.LEASE_LEFT,
)
"""Where the suspended run holds the runner lock."""

LEASE_ALONE = (FaultPoint.RUNNER_LEFT, FaultPoint.BATCH_UPDATED, FaultPoint.BATCH_DONE)


@contextmanager
def suspended(
    database: Database, given: Plan, path: Path, point: FaultPoint
) -> Iterator[subprocess.Popen[str]]:
    """Start a run that suspends itself at that point; gone at the end in any case."""
    path.write_bytes(msgspec.json.encode(given))
    command = [sys.executable, "-m", "tests.engine.walker", database.url, str(path), point.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == point.name, process.communicate()[1]

            yield process
        finally:
            process.kill()


def backend(connection: psycopg.Connection[Any]) -> int:
    return int(connection.execute("SELECT pid FROM migrator.session").fetchall()[0][0])


def journal(connection: psycopg.Connection[Any]) -> list[Any]:
    """Everything in the journal that tells what was done; not the runs, of which one more comes and goes."""
    tables = ("migration", "step", "attempt", "backfill", "skipped", "fingerprint", "event")
    queries = [f"SELECT * FROM migrator.{table} ORDER BY 1, 2" for table in tables]
    return [connection.execute(query.encode()).fetchall() for query in queries]


def prepare(database: Database) -> psycopg.Connection[Any]:
    connection = database.connect()
    users(connection, ROWS)
    count_changes(connection)
    carts(connection)
    return connection


@pytest.mark.postgres(newest=True)
@pytest.mark.parametrize("point", [*BOTH, *LEASE_ALONE])
def test_suspended_beyond_its_successor(database: Database, tmp_path: Path, point: FaultPoint) -> None:
    connection = prepare(database)
    given = plan(backfill(1, rows=ROWS), build(2), database=database)
    second = other(database, ddl(1, "ALTER TABLE users ADD COLUMN age int"))
    with suspended(database, given, tmp_path / "plan.json", point) as process:
        pid = backend(connection)
        if point in BOTH:
            with pytest.raises(RunnerBusy, match=f"server process {pid}"):
                carry_out(database, second)
        else:
            assert carry_out(database, second).elsewhere == frozenset({"1"})
            assert states(connection) == {"1": "begun", "2": "applied"}

        connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        until_gone(connection, pid)
        carry_out(database, given, patient=True)
        before = journal(connection)
        process.send_signal(signal.SIGCONT)

        assert process.wait(PATIENCE) == 0, process.communicate()[1]
        assert journal(connection) == before

    assert states(connection)["1"] == "applied"
    assert_changed_once(connection)


def assert_changed_once(connection: psycopg.Connection[Any]) -> None:
    wrong = "SELECT count(*) FROM users WHERE nickname IS DISTINCT FROM upper(email) OR changes <> 1"

    assert connection.execute(wrong.encode()).fetchone() == (0,)
    assert leftovers(connection) == []


@pytest.mark.postgres(ends=True)
def test_the_client_is_killed_while_its_batch_goes_on(database: Database, tmp_path: Path) -> None:
    connection = prepare(database)
    # The batch of this row is at work when its client is killed, and its server process does not notice.
    connection.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$"
    )
    connection.execute(
        "CREATE TRIGGER slow BEFORE UPDATE ON users FOR EACH ROW WHEN (NEW.id = 250) EXECUTE FUNCTION slow()"
    )
    given = plan(backfill(1, rows=ROWS), database=database)
    with suspended(database, given, tmp_path / "plan.json", FaultPoint.RUNNER_LEFT) as process:
        pid = backend(connection)
        process.send_signal(signal.SIGCONT)
        until_row(
            connection,
            "SELECT 1 FROM pg_stat_activity WHERE pid = %(pid)s AND wait_event = 'PgSleep'",
            {"pid": pid},
        )
        process.kill()
        busy = carry_out(database, plan())

        assert busy.elsewhere == frozenset({"1"})

        carry_out(database, plan(), wait_s=PATIENCE, patient=True)

    assert states(connection) == {"1": "applied"}
    assert_changed_once(connection)
