"""Statements CONCURRENTLY: their limits and deadline, who is waited for, adoption, what is cleared away."""

import contextlib
from pathlib import Path
from typing import Any, LiteralString

import msgspec
import psycopg
import pytest

from migrator.errors import Interrupted, LockDeadline
from migrator.execution.events import BuildProgress, StepFinished, StepStarted
from migrator.execution.faults import FaultPoint
from migrator.execution.stop import StopRequest
from migrator.plan.plan import Plan
from migrator.plan.step import Phase, Step
from tests.conftest import Database
from tests.engine.conftest import Victims
from tests.engine.plans import LONG, Boom, Recorder, build, carry_out, drop, fail_at, plan, users
from tests.engine.test_detach import reading
from tests.engine.test_reindex import rebuild
from tests.waiting import BUILD_WAITS_FOR_LOCKERS, until_row

pytestmark = [pytest.mark.server, pytest.mark.postgres(newest=True)]


SHORT = msgspec.structs.replace(LONG, deadline_s=1.5)

LIMITS = (
    "lock_timeout = '50ms'",
    "statement_timeout = '900ms'",
    "idle_in_transaction_session_timeout = '1s'",
)
LIMITS_SINCE = {14: "idle_session_timeout = '900ms'", 17: "transaction_timeout = '900ms'"}

WATCHED = """
    CREATE FUNCTION watched(value text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('application_name') LIKE 'migrator%' AND (current_setting('lock_timeout') <> '0'
            OR current_setting('statement_timeout') NOT LIKE '5____ms'
            OR coalesce(current_setting('idle_session_timeout', true), '0') <> '0'
            OR coalesce(current_setting('transaction_timeout', true), '0') <> '0') THEN
            RAISE 'lock_timeout %, statement_timeout %',
                current_setting('lock_timeout'), current_setting('statement_timeout');
        END IF;
        RETURN value;
    END $$
"""
"""Refuses to be computed in a session with other limits than a builder's; its deadline is a minute."""

SNAPSHOT: LiteralString = "SELECT count(*) FROM elsewhere"
"""In REPEATABLE READ: a snapshot that stays, and no lock on the table of the step."""


def old_snapshot(database: Database) -> psycopg.Connection[Any]:
    """A transaction that sees the database as it was, and touches nothing that a test changes."""
    old = database.connect()
    old.execute("CREATE TABLE IF NOT EXISTS elsewhere ()")
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    old.execute(SNAPSHOT)
    return old


def indexes(connection: psycopg.Connection[Any]) -> dict[str, bool]:
    """Names of the indexes of the table, and whether they are valid."""
    return dict(
        connection.execute(
            "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'users'::regclass"
        ).fetchall()
    )


def builders(connection: psycopg.Connection[Any]) -> list[int]:
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity "
        "WHERE application_name LIKE '% step 1.1' AND datname = current_database()"
    )
    return [pid for (pid,) in rows.fetchall()]


def orphaned(database: Database, given: Plan) -> int:
    """Begin the only step of the plan, and leave its server process alone; return its pid."""
    with pytest.raises(Boom):
        carry_out(database, given, faults=fail_at(FaultPoint.BUILD_SENT))
    (pid,) = until_row(database.reader(), BUILD_WAITS_FOR_LOCKERS)
    return int(pid)


def test_limits_of_the_database_do_not_count_and_nobody_is_held_up(database: Database) -> None:
    """Each statement waits for more than a second, which is longer than any of the limits allows."""
    connection, old = database.connect(), database.connect()
    users(connection, 100)
    waits: list[float] = []
    application = contextlib.ExitStack()
    application.enter_context(reading(database, "SELECT count(*) FROM users", waits))
    application.enter_context(reading(database, "UPDATE users SET nickname = 'y' WHERE id = 2", waits))
    connection.execute(WATCHED)
    made = build(1)
    assert hasattr(made.work, "definition")
    work = msgspec.structs.replace(
        made.work,
        sql='CREATE INDEX CONCURRENTLY "users_email_idx" ON "public"."users" (watched(email))',
        definition="(watched(email))",
    )
    steps = (
        msgspec.structs.replace(made, work=work),
        numbered(rebuild("users_email_idx"), 2),
        drop(3, phase=Phase.VALIDATE),
    )

    given = plan(*steps, database=database)
    for limit in (*LIMITS, *(text for since, text in LIMITS_SINCE.items() if database.version >= since)):
        connection.execute(f"ALTER DATABASE {database.name} SET {limit}".encode())

    def hold(event: object) -> None:
        if isinstance(event, StepStarted):
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM users")
            old.execute("UPDATE users SET nickname = 'x' WHERE id = 1")
        if isinstance(event, BuildProgress) and old.info.transaction_status:
            old.execute("COMMIT")

    recorder = Recorder(actions=[hold])
    with application:
        carry_out(database, given, recorder=recorder)

    assert max(waits) < 1.0
    assert [e.attempts for e in recorder.of(StepFinished)] == [1, 1, 1]
    assert indexes(connection) == {"users_pkey": True}


def numbered(step: Step, number: int) -> Step:
    return msgspec.structs.replace(step, id=f"{number}.1", statement=number)


@pytest.mark.parametrize("work", ["build", "rebuild"])
def test_the_deadline_ends_it_and_clears_away(database: Database, work: str) -> None:
    connection = database.connect()
    users(connection, 100)
    old = old_snapshot(database)
    made = build(1) if work == "build" else rebuild()
    before = indexes(connection)
    short = msgspec.structs.replace(made, timeouts=SHORT)
    with pytest.raises(LockDeadline, match=r"did not end in 1\.5 s$") as caught:
        carry_out(database, plan(short, database=database))

    assert "run again" in str(caught.value.hint)
    assert builders(connection) == []
    assert before == indexes(connection)
    assert connection.execute("SELECT count(*) FROM migrator.session").fetchone() == (0,)

    old.execute("COMMIT")
    carry_out(database, plan())

    assert all(indexes(connection).values())


def test_a_second_request_to_stop_cancels_and_clears_away(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    old = old_snapshot(database)
    stop = StopRequest()

    def ask_twice(event: object) -> None:
        if isinstance(event, BuildProgress):
            stop.request()
            stop.request()

    with pytest.raises(Interrupted):
        carry_out(
            database, plan(build(1), database=database), recorder=Recorder(actions=[ask_twice]), stop=stop
        )

    assert indexes(connection) == {"users_pkey": True}

    old.execute("COMMIT")
    carry_out(database, plan())

    assert indexes(connection) == {"users_pkey": True, "users_email_idx": True}


def test_one_that_somebody_cancels_is_cleared_away(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    old_snapshot(database)

    def cancel(event: object) -> None:
        if isinstance(event, BuildProgress):
            connection.execute("SELECT pg_cancel_backend(%s)", [event.pid])

    with pytest.raises(LockDeadline, match=r"was cancelled after \d s, by somebody else"):
        carry_out(database, plan(build(1), database=database), recorder=Recorder(actions=[cancel]))

    assert indexes(connection) == {"users_pkey": True}


def test_remains_that_cannot_be_removed_now_are_removed_by_the_next_run(database: Database) -> None:
    """DROP INDEX CONCURRENTLY waits for those who use the table, and the person who asked does not."""
    connection, old = database.connect(), database.connect()
    users(connection, 100)
    old.execute("BEGIN")
    old.execute("UPDATE users SET nickname = 'x' WHERE id = 1")
    stop = StopRequest()

    def ask(event: object) -> None:
        if isinstance(event, BuildProgress):
            stop.request()
            stop.request()

    with pytest.raises(Interrupted):
        carry_out(database, plan(build(1), database=database), recorder=Recorder(actions=[ask]), stop=stop)

    assert indexes(connection) == {"users_pkey": True, "users_email_idx": False}

    old.execute("COMMIT")
    carry_out(database, plan())

    assert indexes(connection) == {"users_pkey": True, "users_email_idx": True}


def test_all_whose_snapshots_are_waited_for_are_named(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    olds = [old_snapshot(database), old_snapshot(database)]
    shown: list[tuple[Any, ...]] = []

    def let_go(event: object) -> None:
        if isinstance(event, BuildProgress) and len(event.waits_for) > 1:
            shown.extend(connection.execute("SELECT stage, waits_for FROM migrator.progress").fetchall())
            for old in olds:
                old.execute("COMMIT")

    recorder = Recorder(actions=[let_go])
    carry_out(database, plan(build(1), database=database), recorder=recorder)
    told = next(e for e in recorder.of(BuildProgress) if len(e.waits_for) > 1)

    assert {old.info.backend_pid for old in olds} == {b.pid for b in told.waits_for}
    assert told.stage == "waiting for old snapshots"
    assert [told.stage] == [stage for stage, _ in shown]
    assert all(f"process {old.info.backend_pid} " in shown[0][1] for old in olds)
    assert told.lockers_total >= 2
    assert all(b.query == SNAPSHOT and (b.age_s or 0) > 0 for b in told.waits_for)


def test_a_replication_slot_is_not_waited_for(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    slot = f"slot_of_{database.name}"
    connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
    try:
        recorder = Recorder()
        carry_out(database, plan(build(1), database=database), recorder=recorder)
    finally:
        connection.execute("SELECT pg_drop_replication_slot(%s)", [slot])

    assert indexes(connection) == {"users_pkey": True, "users_email_idx": True}
    assert not any(e.waits_for for e in recorder.of(BuildProgress))


def test_a_prepared_transaction_is_named(database: Database) -> None:
    connection, other = database.connect(), database.connect()
    users(connection, 100)
    other.execute("BEGIN")
    other.execute("UPDATE users SET nickname = 'x' WHERE id = 1")
    other.execute("PREPARE TRANSACTION 'forgotten'")

    def let_go(event: object) -> None:
        if isinstance(event, BuildProgress) and event.waits_for:
            other.execute("COMMIT PREPARED 'forgotten'")

    recorder = Recorder(actions=[let_go])
    carry_out(database, plan(build(1), database=database), recorder=recorder)

    assert [b.prepared for b in recorder.of(BuildProgress)[0].waits_for] == ["forgotten"]


def test_the_deadline_of_the_run_that_adopts_ends_the_orphan(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    old = old_snapshot(database)
    orphan = orphaned(database, plan(build(1), database=database))
    connection.execute(
        "UPDATE migrator.migration "
        "SET plan = regexp_replace(plan::text, '\"deadline_s\": ?60.0', '\"deadline_s\":1.5')::json"
    )
    with pytest.raises(LockDeadline, match=r"did not end in 1\.5 s$"):
        carry_out(database, plan())

    assert connection.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [orphan]).fetchall() == []
    assert indexes(connection) == {"users_pkey": True}

    old.execute("COMMIT")
    carry_out(database, plan())

    assert indexes(connection) == {"users_pkey": True, "users_email_idx": True}


def test_an_orphan_that_is_cancelled_is_cleared_away_and_the_build_begins_again(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    old = old_snapshot(database)
    orphan = orphaned(database, plan(build(1), database=database))
    shown = connection.execute("SELECT runner_pid, waits_for FROM migrator.progress").fetchone()

    assert shown == (None, f"the next run; server process {orphan} goes on meanwhile")

    def cancel(event: object) -> None:
        if isinstance(event, BuildProgress) and event.adopted:
            connection.execute("SELECT pg_cancel_backend(%s)", [orphan])
            old.execute("COMMIT")

    recorder = Recorder(actions=[cancel])
    carry_out(database, plan(), recorder=recorder)

    assert [e.found_done for e in recorder.of(StepFinished)] == [False]
    assert indexes(connection) == {"users_pkey": True, "users_email_idx": True}


@pytest.mark.parametrize("made", [build(1), rebuild(), drop(1)], ids=["build", "rebuild", "drop"])
def test_killed_while_its_server_process_works(
    database: Database, victims: Victims, tmp_path: Path, made: Step
) -> None:
    """SIGKILL to the runner: its server process goes on, and the next run takes over what it does."""
    connection, old = database.connect(), database.connect()
    users(connection, 100)
    if made.work.__class__.__name__ != "BuildIndex":
        connection.execute("CREATE INDEX users_email_idx ON users (email)")
    old.execute("BEGIN")
    old.execute("UPDATE users SET nickname = 'x' WHERE id = 1")
    path = tmp_path / "plan.json"
    path.write_bytes(msgspec.json.encode(plan(made, database=database)))
    points: list[str] = []
    while "BUILD_SENT" not in points:
        ended = victims.kill(database, path, len(points) + 1 if not points else points.index(points[-1]) + 2)
        points.append(ended.point)

        assert ended.returncode == -9, ended.stderr

    (orphan,) = builders(connection)

    def let_go(event: object) -> None:
        if isinstance(event, BuildProgress):
            old.execute("COMMIT")

    recorder = Recorder(actions=[let_go])
    carry_out(database, plan(), recorder=recorder, wait_s=30.0)

    assert {e.pid for e in recorder.of(BuildProgress)} == {orphan}
    assert all(e.adopted for e in recorder.of(BuildProgress))
    assert [e.found_done for e in recorder.of(StepFinished)] == [True]
    assert all(indexes(connection).values())


def test_one_that_somebody_else_is_building_is_waited_for_and_never_ended(database: Database) -> None:
    connection, person = database.connect(), database.connect()
    users(connection, 100)
    old = old_snapshot(database)
    person.pgconn.send_query(b"CREATE INDEX CONCURRENTLY users_email_idx ON users (email)")
    (pid,) = until_row(connection, BUILD_WAITS_FOR_LOCKERS)
    short = msgspec.structs.replace(build(1), timeouts=SHORT)
    with pytest.raises(LockDeadline, match=f"server process {pid}, which is not ours"):
        carry_out(database, plan(short, database=database))

    assert connection.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() == (
        "active",
    )

    old.execute("COMMIT")
    recorder = Recorder()
    carry_out(database, plan(), recorder=recorder)

    assert [e.found_done for e in recorder.of(StepFinished)] == [True]
