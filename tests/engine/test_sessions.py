"""Two runners, what a dead one leaves behind, and lost connections."""

# ruff: noqa: ANN401 - rows and keyword arguments of tests are of any type

import threading
from typing import Any

import pytest

from migrator.database.journal_store import JournalStore
from migrator.database.runner_key import key
from migrator.database.session import Connector
from migrator.errors import CannotConnect, ConnectionLost, RunnerBusy
from migrator.execution.events import BatchDone, Reconnected, TookOver, WaitingForRunner
from migrator.execution.journal import MigrationState
from tests.conftest import Database
from tests.engine.plans import Recorder, backfill, carry_out, ddl, plan, users
from tests.waiting import until_gone

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]


def test_a_second_runner_is_refused_and_names_the_first(database: Database) -> None:
    users(database.connect(), 10)
    carry_out(database, plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database))
    first = database.connect()
    first.execute("SELECT pg_advisory_lock(%s)", (key("migrator"),))

    with pytest.raises(RunnerBusy, match=f"server process {first.info.backend_pid}"):
        carry_out(database, plan())
    with pytest.raises(RunnerBusy):
        JournalStore(database.connect(), "migrator").baseline([])


def test_a_second_runner_waits_for_the_first(database: Database) -> None:
    users(database.connect(), 10)
    first = database.connect()
    first.execute("SELECT pg_advisory_lock(%s)", (key("migrator"),))

    def release(event: object) -> None:
        if isinstance(event, WaitingForRunner):
            first.execute("SELECT pg_advisory_unlock_all()")

    whole = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database)
    result = carry_out(database, whole, recorder=Recorder(actions=[release]), wait_s=20.0)

    assert MigrationState.APPLIED is result.outcomes[0].state


def test_a_session_left_behind_is_ended_before_anything_else(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    JournalStore(connection, "migrator").install()
    left = database.connect()
    left.execute("INSERT INTO migrator.run (tool_version) VALUES ('test')")
    left.execute(
        "INSERT INTO migrator.session SELECT pid, backend_start, 1, 'run' "
        "FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    recorder = Recorder()

    carry_out(
        database,
        plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database),
        recorder=recorder,
    )

    assert [(left.info.backend_pid,)] == [e.pids for e in recorder.of(TookOver)]

    until_gone(connection, left.info.backend_pid)


def terminate_runner(connection: Any) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE '%run' AND datname = current_database()"
    )


def test_a_lost_connection_is_replaced_and_no_row_is_done_twice(database: Database) -> None:
    connection = database.connect()
    users(connection, 1000)
    lost = 0

    def terminate(event: object) -> None:
        nonlocal lost
        if isinstance(event, BatchDone) and lost < 3:
            lost += 1
            terminate_runner(connection)

    recorder = Recorder(actions=[terminate])
    carry_out(database, plan(backfill(1), database=database), recorder=recorder, wait_s=20.0)

    assert len(recorder.of(Reconnected)) == 3
    assert sum(e.rows for e in recorder.of(BatchDone)) == 1000
    assert connection.execute("SELECT rows_done FROM migrator.backfill").fetchone() == (1000,)


def test_a_step_that_kills_its_session_every_time_stops_the_run(database: Database) -> None:
    users(database.connect(), 10)
    whole = plan(ddl(1, "SELECT pg_terminate_backend(pg_backend_pid())"), database=database)

    with pytest.raises(ConnectionLost):
        carry_out(database, whole, wait_s=20.0)


def test_no_password_in_the_error_of_a_server_that_is_not_there() -> None:
    connector = Connector(conninfo="postgresql://ann:sesame@127.0.0.1:1/shop")

    with pytest.raises(CannotConnect) as caught:
        connector.connect("test")

    assert "sesame" not in str(caught.value)
    assert "shop" in str(caught.value)


def test_settings_of_a_role_do_not_surprise(database: Database) -> None:
    administrator = database.connect()
    name = database.name
    for setting in (
        "statement_timeout = '500ms'",
        "synchronous_commit = off",
        "standard_conforming_strings = off",
    ):
        administrator.execute(f"ALTER DATABASE {name} SET {setting}")
    with Connector(conninfo=database.url).session("test") as connection:
        found = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()[0]  # type: ignore[index]  # the query gives a row
            for name in (
                "statement_timeout",
                "synchronous_commit",
                "standard_conforming_strings",
                "row_security",
            )
        }

    administrator.execute(f"ALTER DATABASE {name} RESET ALL")

    assert list(found.values()) == ["1min", "local", "on", "off"]


def test_two_runners_at_once_do_the_work_once(database: Database) -> None:
    connection = database.connect()
    users(connection, 1000)
    whole = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), backfill(2), database=database)
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(carry_out(database, whole, wait_s=30.0)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(sum(o.steps_run for o in r.outcomes) for r in results) == [0, 2]
    assert connection.execute("SELECT rows_done FROM migrator.backfill").fetchone() == (1000,)
