"""CREATE INDEX CONCURRENTLY: absent, half done, done, still running; duplicates; what is not ours."""

from typing import Any

import psycopg
import pytest

from migrator.errors import Interrupted, StepFailed
from migrator.execution.events import BuildProgress, StepFinished
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationState
from migrator.execution.stop import StopRequest
from migrator.plan.step import Diagnosis
from tests.conftest import Database
from tests.engine.plans import Boom, Recorder, build, carry_out, fail_at, plan, users
from tests.waiting import BUILDS, END_OF_BUILDS, until_row

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

DUPLICATES = Diagnosis(
    sqlstate="23505",
    sql="SELECT email FROM users GROUP BY email HAVING count(*) > 1 LIMIT 5",
    message="duplicate values stand in the way of the unique index",
)


def indexes(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('users_email_idx')"
    ).fetchall()


def test_duplicates_are_named_and_nothing_remains(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    connection.execute("UPDATE users SET email = 'same' WHERE id IN (3, 4)")
    whole = plan(build(1, unique=True, diagnoses=(DUPLICATES,)), database=database)

    with pytest.raises(StepFailed, match="duplicate values stand in the way of the unique index: same"):
        carry_out(database, whole)

    assert indexes(connection) == []

    connection.execute("UPDATE users SET email = id::text")

    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state
    assert indexes(connection) == [(True,)]


def test_finished_but_not_recorded_is_found_done(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    with pytest.raises(Boom):
        carry_out(database, plan(build(1), database=database), faults=fail_at(FaultPoint.BUILD_ENDED))

    assert indexes(connection) == [(True,)]

    recorder = Recorder()
    carry_out(database, plan(), recorder=recorder)

    assert [e.found_done for e in recorder.of(StepFinished)] == [True]


def test_an_equal_index_made_by_hand_counts_as_done(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    connection.execute("CREATE INDEX users_email_idx ON users (email)")
    recorder = Recorder()

    carry_out(database, plan(build(1), database=database), recorder=recorder)

    assert [e.found_done for e in recorder.of(StepFinished)] == [True]


def test_another_index_of_that_name_is_refused(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    connection.execute("CREATE INDEX users_email_idx ON users (nickname)")
    for _ in range(2):
        with pytest.raises(StepFailed, match=r"another definition: .*\(nickname\)"):
            carry_out(database, plan(build(1), database=database))

    assert indexes(connection) == [(True,)]


def test_an_invalid_index_of_somebody_else_is_refused(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    connection.execute("UPDATE users SET email = 'same'")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY users_email_idx ON users (email)")
    for _ in range(2):
        with pytest.raises(StepFailed, match="not ours"):
            carry_out(database, plan(build(1), database=database))

    assert indexes(connection) == [(False,)]


def test_a_build_that_its_runner_left_behind_is_waited_for(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    old = database.connect()
    old.execute("BEGIN")
    old.execute("UPDATE users SET nickname = 'x' WHERE id = 1")
    with pytest.raises(Boom):
        carry_out(database, plan(build(1), database=database), faults=fail_at(FaultPoint.BUILD_SENT))
    until_row(connection, BUILDS)

    def let_go(event: object) -> None:
        if isinstance(event, BuildProgress) and event.adopted:
            old.execute("COMMIT")

    recorder = Recorder(actions=[let_go])
    carry_out(database, plan(), recorder=recorder)

    progress = recorder.of(BuildProgress)[0]

    assert progress.adopted
    assert [old.info.backend_pid] == [b.pid for b in progress.waits_for]
    assert [e.found_done for e in recorder.of(StepFinished)] == [True]
    assert indexes(connection) == [(True,)]


def test_progress_names_whom_the_build_waits_for_and_a_second_request_cancels(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    old = database.connect()
    old.execute("BEGIN")
    old.execute("UPDATE users SET nickname = 'x' WHERE id = 1")
    stop = StopRequest()

    def ask_twice(event: object) -> None:
        if isinstance(event, BuildProgress):
            stop.request()
            stop.request()

    recorder = Recorder(actions=[ask_twice])
    with pytest.raises(Interrupted):
        carry_out(database, plan(build(1), database=database), recorder=recorder, stop=stop)

    assert [old.info.backend_pid] == [b.pid for b in recorder.of(BuildProgress)[0].waits_for]

    old.execute("COMMIT")
    carry_out(database, plan())

    assert indexes(connection) == [(True,)]


def test_a_builder_that_is_terminated_leaves_remains_that_are_rebuilt(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    old = database.connect()
    old.execute("BEGIN")
    old.execute("UPDATE users SET nickname = 'x' WHERE id = 1")

    terminated: list[FaultPoint] = []

    def terminate(point: FaultPoint) -> None:
        if point is FaultPoint.BUILD_SENT and not terminated:
            terminated.append(point)
            until_row(connection, END_OF_BUILDS)
            old.execute("COMMIT")

    carry_out(database, plan(build(1), database=database), faults=terminate)

    assert indexes(connection) == [(True,)]
