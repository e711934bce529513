"""How long an application waits while a step tries for its lock beside a long transaction."""

import threading
import time

import pytest

from migrator.errors import LockDeadline
from migrator.execution.events import LockAttemptFailed
from migrator.plan.step import Timeouts
from tests.conftest import Database
from tests.engine.plans import QUICK, Recorder, carry_out, ddl, plan, users

pytestmark = [pytest.mark.server, pytest.mark.serial]

DEADLINE_S = 6.0


def test_readers_wait_no_longer_than_the_budget_beside_a_blocker(database: Database) -> None:
    users(database.connect(), 100)
    given = plan(
        ddl(
            1,
            "ALTER TABLE users ADD COLUMN age int",
            timeouts=Timeouts(lock_ms=QUICK.lock_ms, statement_ms=QUICK.statement_ms, deadline_s=DEADLINE_S),
        ),
        database=database,
    )
    other = database.connect()
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM users")
    reader, ended, waits = database.connect(), threading.Event(), list[float]()

    def read() -> None:
        while not ended.is_set():
            began = time.monotonic()
            reader.execute("SELECT count(*) FROM users WHERE id = 1")
            waits.append(time.monotonic() - began)

    thread = threading.Thread(target=read)
    thread.start()
    recorder = Recorder()
    try:
        with pytest.raises(LockDeadline, match=f"process {other.info.backend_pid}"):
            carry_out(database, given, recorder=recorder)
    finally:
        ended.set()
        thread.join()

    assert max(waits) < 0.3, "the budget is 100 ms; the rest is for a busy machine"
    assert sum(1 for w in waits if w > 0.05) < len(waits) / 50
    assert len(recorder.of(LockAttemptFailed)) >= 3


def test_the_timeouts_of_a_step_are_those_of_the_server(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    connection.execute("CREATE TABLE seen (name text, value text)")
    names = "'lock_timeout', 'statement_timeout', 'search_path', 'TimeZone'"
    note = f"INSERT INTO seen SELECT n, current_setting(n) FROM unnest(ARRAY[{names}]) AS n"

    carry_out(database, plan(ddl(1, note), database=database))

    assert dict(connection.execute("SELECT name, value FROM seen").fetchall()) == {
        "lock_timeout": "10ms",
        "statement_timeout": "200ms",
        "search_path": "public",
        "TimeZone": "UTC",
    }
