"""Backfills beside an application: locked rows, refused rows, pauses, requests to stop."""

# ruff: noqa: ANN401 - rows and keyword arguments of tests are of any type

from typing import Any

import psycopg
import pytest

from migrator.database.journal_store import JournalStore
from migrator.errors import Interrupted, Paused, StepFailed, StoppedSafely
from migrator.execution.events import BatchCancelled, BatchDone, Sweeping
from migrator.execution.journal import MigrationState
from migrator.execution.stop import StopRequest
from migrator.policy import Policy
from tests.conftest import Database
from tests.engine.plans import Recorder, backfill, carry_out, plan, users

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]


def unfilled(connection: psycopg.Connection[Any]) -> Any:
    query = "SELECT count(*) FROM users WHERE nickname IS DISTINCT FROM upper(email)"
    return connection.execute(query).fetchone()[0]  # type: ignore[index]  # the query gives a row


def test_locked_rows_are_passed_over_and_swept(database: Database) -> None:
    connection = database.connect()
    users(connection, 1000)
    other = database.connect()
    other.execute("BEGIN")
    other.execute("SELECT FROM users WHERE id IN (5, 555) FOR UPDATE")

    def let_go(event: object) -> None:
        if isinstance(event, Sweeping) and event.round == 2:
            other.execute("UPDATE users SET email = 'changed' WHERE id = 5")
            other.execute("COMMIT")

    recorder = Recorder(actions=[let_go])
    carry_out(database, plan(backfill(1), database=database), recorder=recorder)

    assert unfilled(connection) == 0
    assert recorder.of(Sweeping)[0].left == 2
    assert max(e.rows_skipped for e in recorder.of(BatchDone)) == 2
    assert connection.execute("SELECT rows_done FROM migrator.backfill").fetchone() == (1000,)


def test_a_refused_row_is_named_by_its_key(database: Database) -> None:
    connection = database.connect()
    users(connection, 1000)
    connection.execute("UPDATE users SET email = 'not a number'  WHERE id = 777")
    connection.execute("UPDATE users SET email = id::text WHERE id <> 777")
    whole = plan(backfill(1, value="(email::int + 1)::text"), database=database)

    with pytest.raises(StepFailed, match=r"\[22P02\]\nthe row with the key \(777\)"):
        carry_out(database, whole)

    connection.execute("UPDATE users SET email = '1' WHERE id = 777")

    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state
    assert connection.execute("SELECT count(*) FROM users WHERE nickname IS NULL").fetchone() == (0,)


def test_a_trigger_that_refuses_silently_is_found_out(database: Database) -> None:
    connection = database.connect()
    users(connection, 50)
    connection.execute("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    connection.execute("CREATE TRIGGER no BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION no()")

    with pytest.raises(StepFailed, match="BEFORE trigger"):
        carry_out(database, plan(backfill(1), database=database))


def test_paused_between_batches_and_resumed(database: Database) -> None:
    connection = database.connect()
    users(connection, 1000)
    journal = JournalStore(database.connect(), "migrator")

    def pause(event: object) -> None:
        if isinstance(event, BatchDone):
            journal.set_paused(paused=True, reason="lunch")

    with pytest.raises(Paused, match="lunch"):
        carry_out(database, plan(backfill(1), database=database), recorder=Recorder(actions=[pause]))

    assert unfilled(connection) == 900
    row = journal.progress()[0]

    assert (row.rows_done, row.state, row.percent) == (100, "begun", 10.0)

    with pytest.raises(Paused):
        carry_out(database, plan())
    journal.set_paused(paused=False)
    carry_out(database, plan())

    assert unfilled(connection) == 0


def test_a_request_to_stop_ends_after_the_batch(database: Database) -> None:
    connection = database.connect()
    users(connection, 1000)
    stop = StopRequest()

    def request(event: object) -> None:
        if isinstance(event, BatchDone):
            stop.request(15)

    recorder = Recorder(actions=[request])
    with pytest.raises(Interrupted) as caught:
        carry_out(database, plan(backfill(1), database=database), recorder=recorder, stop=stop)

    assert caught.value.exit_code == 143
    assert len(recorder.of(BatchDone)) == 1


def slow_rows(connection: psycopg.Connection[Any], seconds: float) -> None:
    connection.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$".encode()
    )
    connection.execute("CREATE TRIGGER slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slow()")


@pytest.mark.parametrize(("seconds", "fewest"), [(0.03, 2), (0.15, 1)], ids=["fewer_rows", "more_time"])
def test_regression_rows_slower_than_the_time_limit_are_filled(
    database: Database, seconds: float, fewest: int
) -> None:
    connection = database.connect()
    users(connection, 12)
    slow_rows(connection, seconds)
    policy = Policy(batch_target_ms=1, batch_rows=10, batch_rows_min=10)
    recorder = Recorder()

    carry_out(database, plan(backfill(1), database=database), recorder=recorder, policy=policy)

    assert unfilled(connection) == 0
    assert recorder.of(BatchCancelled)[0].batch_rows == 10
    assert min(e.next_rows for e in recorder.of(BatchCancelled)) == fewest
    assert (recorder.of(BatchCancelled)[-1].next_limit_s > 0.1) == (fewest == 1)
    assert connection.execute("SELECT waits_for FROM migrator.step").fetchone() == (None,)


def test_one_row_that_is_too_slow_stops_the_run_safely(database: Database) -> None:
    connection = database.connect()
    users(connection, 12)
    slow_rows(connection, 0.5)
    policy = Policy(batch_target_ms=1, batch_rows=10, batch_rows_min=10, statement_timeout_ms=200)
    recorder = Recorder()

    with pytest.raises(StoppedSafely, match=r"the row at the beginning takes longer than 0\.2 s") as caught:
        carry_out(database, plan(backfill(1), database=database), recorder=recorder, policy=policy)

    assert caught.value.exit_code == 7
    assert [(e.batch_rows, e.limit_s) for e in recorder.of(BatchCancelled)] == [
        (10, 0.1),
        (5, 0.1),
        (2, 0.1),
        (1, 0.1),
        (1, 0.2),
        (1, 0.2),
        (1, 0.2),
    ]

    connection.execute(
        "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    )
    carry_out(database, plan())

    assert unfilled(connection) == 0


def test_an_empty_table_needs_no_walk(database: Database) -> None:
    users(database.connect(), 0)

    assert (
        MigrationState.APPLIED is carry_out(database, plan(backfill(1), database=database)).outcomes[0].state
    )
