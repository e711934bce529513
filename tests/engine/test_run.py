# ruff: noqa: ANN401 - rows and keyword arguments of tests are of any type

from typing import Any

import pytest

from migrator.database.journal_store import FileEntry, JournalStore
from migrator.errors import DriftError, StepFailed
from migrator.execution.events import BatchDone, LockAttemptFailed, StepFinished
from migrator.execution.journal import MigrationState, StepState
from migrator.plan.step import Diagnosis, Phase
from tests.conftest import Database
from tests.engine.plans import Recorder, backfill, build, carry_out, ddl, drop, plan, users

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]


def store(database: Database) -> JournalStore:
    return JournalStore(database.connect(), "migrator")


def scalar(connection: Any, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def test_every_kind_of_step_in_one_migration(database: Database) -> None:
    connection = database.connect()
    users(connection)
    recorder = Recorder()
    whole = plan(
        ddl(1, "ALTER TABLE users ADD COLUMN age int", "COMMENT ON COLUMN users.age IS 'years'"),
        backfill(2),
        build(3),
        drop(4, phase=Phase.VALIDATE),
        ddl(5, "ALTER TABLE users DROP COLUMN age", phase=Phase.CONTRACT),
        database=database,
    )

    result = carry_out(database, whole, recorder=recorder)

    assert MigrationState.WAITING is result.outcomes[0].state
    assert tuple(s.id for s in result.outcomes[0].waiting) == ("5.1",)
    assert scalar(connection, "SELECT count(*) FROM users WHERE nickname IS DISTINCT FROM upper(email)") == 0
    assert [e.step.id for e in recorder.of(StepFinished)] == ["1.1", "2.1", "3.1", "4.1"]
    assert sum(e.rows for e in recorder.of(BatchDone)) == 1000

    record = store(database).load().get("1")

    assert record is not None
    assert {StepState.DONE} == {s.state for s in record.steps.values()}

    again = carry_out(database, whole)

    assert MigrationState.WAITING is again.outcomes[0].state
    assert again.outcomes[0].steps_run == 0

    contracted = carry_out(database, plan(), contract=frozenset({"1"}), only=frozenset({"1"}))

    assert MigrationState.APPLIED is contracted.outcomes[0].state
    assert carry_out(database, whole).outcomes == ()


def test_held_phases_are_named(database: Database) -> None:
    users(database.connect(), 10)
    whole = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), build(2), database=database)

    result = carry_out(database, whole, phases=frozenset({Phase.EXPAND}))

    assert Phase.VALIDATE is result.outcomes[0].held_before
    assert MigrationState.BEGUN is result.outcomes[0].state
    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state


def test_a_later_file_on_the_same_table_stands_back(database: Database) -> None:
    users(database.connect(), 10)
    whole = plan(
        ddl(1, "ALTER TABLE users DROP COLUMN email", phase=Phase.CONTRACT),
        ddl(1, "ALTER TABLE users ADD COLUMN age int", migration="2"),
        database=database,
    )

    result = carry_out(database, whole)

    assert [o.blocked_by for o in reversed(result.outcomes)] == ["1", None]
    assert result.blocked[0].blocked_on == ("public.users",)


def test_all_phases_and_two_files(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    whole = plan(
        ddl(1, "ALTER TABLE users DROP COLUMN email", phase=Phase.CONTRACT),
        ddl(1, "ALTER TABLE users ADD COLUMN age int", migration="2"),
        database=database,
    )

    result = carry_out(database, whole, all_phases=True)

    assert {MigrationState.APPLIED} == {o.state for o in result.outcomes}


def test_drift_before_the_first_step(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    whole = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database)
    connection.execute("ALTER TABLE users ADD COLUMN surprise int")

    with pytest.raises(DriftError, match=r"public\.users has another definition"):
        carry_out(database, whole)

    assert store(database).load().migrations == ()


def test_drift_between_steps_and_its_acceptance(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    whole = plan(
        ddl(1, "ALTER TABLE users ADD COLUMN age int"),
        ddl(2, "ALTER TABLE users DROP COLUMN age", phase=Phase.CONTRACT),
        database=database,
    )
    carry_out(database, whole)
    connection.execute("CREATE INDEX surprise ON users (email)")

    with pytest.raises(DriftError, match=r"public\.users has another definition"):
        carry_out(database, plan(), contract=frozenset({"1"}))

    store(database).accept_drift("1", "it was me")

    assert MigrationState.APPLIED is carry_out(database, plan(), contract=frozenset({"1"})).outcomes[0].state


def test_a_refused_statement_names_rows_and_goes_on_after_mending(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    connection.execute("UPDATE users SET nickname = 'x' WHERE id = 7")
    diagnosis = Diagnosis(
        sqlstate="23514",
        sql="SELECT id::text FROM users WHERE nickname IS NOT NULL",
        message="rows with a nickname",
    )
    check = "ALTER TABLE users ADD CONSTRAINT no_nickname CHECK (nickname IS NULL)"
    whole = plan(ddl(1, check, diagnoses=(diagnosis,)), database=database)

    with pytest.raises(StepFailed, match=r"1_test.sql:1:1: step 1\.1 .*\[23514\]\nrows with a nickname: 7"):
        carry_out(database, whole)

    record = store(database).load().get("1")

    assert record is not None
    assert MigrationState.FAILED is record.state

    connection.execute("UPDATE users SET nickname = NULL")

    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state


def test_a_blocker_is_seen_and_the_lock_is_had_when_it_goes(database: Database) -> None:
    users(database.connect(), 10)
    whole = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database)
    other = database.connect()
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM users")

    def let_go(event: object) -> None:
        if isinstance(event, LockAttemptFailed):
            other.execute("COMMIT")

    recorder = Recorder(actions=[let_go])
    result = carry_out(database, whole, recorder=recorder)

    assert MigrationState.APPLIED is result.outcomes[0].state
    assert other.info.backend_pid in {b.pid for e in recorder.of(LockAttemptFailed) for b in e.blockers}


def test_baseline_pause_and_resolve(database: Database) -> None:
    journal = store(database)
    file = FileEntry(version="1", name="one", file="1_one.sql", checksums=("a",))
    journal.baseline([file])

    assert frozenset({"1"}) == journal.load().settled

    journal.set_paused(paused=True, reason="lunch")

    assert journal.load().paused_reason == "lunch"

    journal.set_paused(paused=False)
    journal.resolve_applied(FileEntry(version="2", name="two", file="2_two.sql", checksums=()), "by hand")
    journal.resolve_rolled_back("2", "not after all")
    journal.accept_checksum(FileEntry(version="1", name="one", file="1_one.sql", checksums=("b",)), "typo")

    assert journal.load().get("2") is None
    assert [e.kind for e in reversed(journal.events())] == [
        "baseline",
        "pause",
        "resume",
        "resolve.applied",
        "resolve.rolled_back",
        "resolve.accept_checksum",
    ]
