"""Rows that stand in the way are found before anything is changed, under no lock that blocks anybody."""

from typing import Any

import psycopg
import pytest

from migrator.database.journal_store import JournalStore
from migrator.errors import LockDeadline, StepFailed
from migrator.execution.journal import MigrationState, StepState
from migrator.plan.plan import Plan
from migrator.plan.step import Autocommit, Diagnosis, Phase, Transaction
from migrator.postgres.lock_modes import LockMode
from tests.conftest import Database
from tests.engine.plans import LONG, POLICY, Recorder, build, carry_out, ddl, plan, step, users

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

NO_NULLS = Diagnosis(
    sqlstate="23514",
    sql="SELECT id::text FROM users WHERE nickname IS NULL ORDER BY users.id LIMIT 5",
    message="rows where nickname is NULL",
)


def set_not_null(database: Database) -> Plan:
    constraint = "ALTER TABLE users ADD CONSTRAINT given CHECK (nickname IS NOT NULL) NOT VALID"
    validate = Transaction(statements=("ALTER TABLE users VALIDATE CONSTRAINT given",))
    return plan(
        ddl(1, constraint, preconditions=(NO_NULLS,), phase=Phase.VALIDATE),
        step(2, validate, mode=LockMode.SHARE_UPDATE_EXCLUSIVE, timeouts=LONG, phase=Phase.VALIDATE),
        ddl(3, "ALTER TABLE users ALTER COLUMN nickname SET NOT NULL", phase=Phase.VALIDATE),
        database=database,
    )


def constraints(connection: psycopg.Connection[Any]) -> list[str]:
    query = "SELECT conname FROM pg_constraint WHERE conrelid = 'users'::regclass AND contype = 'c'"
    return [row[0] for row in connection.execute(query).fetchall()]


def test_nulls_are_named_and_no_constraint_is_left_behind(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    connection.execute("UPDATE users SET nickname = 'x' WHERE id <> 7")
    whole = set_not_null(database)

    for _ in range(2):  # asked again by the next run
        with pytest.raises(StepFailed, match="nothing was changed\nrows where nickname is NULL: 7") as caught:
            carry_out(database, whole)

        assert caught.value.exit_code == 8
        assert constraints(connection) == []

    connection.execute("UPDATE users SET email = 'an old row' WHERE id = 7")
    journal = JournalStore(database.connect(), "migrator")
    record = journal.load().get("1")

    assert record is not None
    assert MigrationState.FAILED is record.state
    assert StepState.FAILED is record.steps["1.1"].state
    assert "rows where nickname is NULL: 7" in str(journal.progress()[0].waits_for)
    assert (
        connection.execute("SELECT outcome, lock_attempts FROM migrator.attempt").fetchall()
        == [("failed", 1)] * 2
    )

    connection.execute("UPDATE users SET nickname = 'y' WHERE id = 7")

    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state
    assert constraints(connection) == ["given"]


def test_an_expression_that_fails_on_a_row_fails_the_step(database: Database) -> None:
    users(database.connect(), 10)
    fails = Diagnosis(sqlstate="23514", sql="SELECT id::text FROM users WHERE 1 / (id - 3) > 5", message="x")
    whole = plan(ddl(1, "COMMENT ON TABLE users IS 'seen'", preconditions=(fails,)), database=database)

    with pytest.raises(StepFailed, match=r"nothing was changed\n.*\[22012\]"):
        carry_out(database, whole)


def test_it_cannot_write_and_has_the_session_of_the_step(database: Database) -> None:
    users(database.connect(), 10)
    asks = Diagnosis(
        sqlstate="23514",
        sql="SELECT concat_ws(' ', current_setting('transaction_read_only'), current_setting('TimeZone'), "
        "current_setting('statement_timeout'), current_setting('lock_timeout'))",
        message="settings",
    )
    whole = plan(ddl(1, "COMMENT ON TABLE users IS 'seen'", preconditions=(asks,)), database=database)

    with pytest.raises(StepFailed, match="settings: on UTC 1d 1s"):
        carry_out(database, whole)


def test_a_table_that_somebody_holds_stops_the_run_safely(database: Database) -> None:
    users(database.connect(), 10)
    whole = plan(ddl(1, "COMMENT ON TABLE users IS 'seen'", preconditions=(NO_NULLS,)), database=database)
    other = database.connect()

    def hold(event: object) -> None:
        if type(event).__name__ == "StepStarted":
            other.execute("BEGIN")
            other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")

    brief = type(POLICY)(lock_deadline_s=0.5)
    with pytest.raises(LockDeadline):
        carry_out(database, whole, recorder=Recorder(actions=[hold]), policy=brief)


@pytest.mark.parametrize("kind", ["build", "autocommit"])
def test_other_kinds_of_steps_leave_no_intent(database: Database, kind: str) -> None:
    connection = database.connect()
    users(connection, 10)
    vacuum = step(1, Autocommit(sql="VACUUM users"), timeouts=LONG, preconditions=(NO_NULLS,))
    given = build(1, preconditions=(NO_NULLS,)) if kind == "build" else vacuum

    with pytest.raises(StepFailed, match="rows where nickname is NULL: 1, 2, 3, 4, 5"):
        carry_out(database, plan(given, database=database))

    assert connection.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() == (0,)

    connection.execute("UPDATE users SET nickname = 'x'")

    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state
