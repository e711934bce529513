"""Changes by hand: between plan and step, look and lock, COMMIT and digests, and during a backfill."""

import threading
from collections.abc import Callable
from typing import LiteralString

import msgspec
import pytest

from migrator.database.journal_store import JournalStore
from migrator.errors import DriftError
from migrator.execution.events import BatchDone, LockAttemptFailed
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationState
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.plan import Plan
from migrator.plan.step import Step, Transaction
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from tests.conftest import Database
from tests.engine.plans import QUICK, USERS, Recorder, backfill, carry_out, ddl, plan, step, users
from tests.waiting import until_blocked, until_row

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

CHANGES: tuple[LiteralString, ...] = (
    "ALTER TABLE users RENAME nickname TO name",
    "ALTER TABLE users ALTER name TYPE varchar(10)",
    "ALTER TABLE users ALTER name SET DEFAULT 'x'",
    "ALTER TABLE users ADD CONSTRAINT named CHECK (name <> '') NOT VALID",
    "CREATE INDEX users_name ON users (name)",
    "DROP INDEX users_name",
    "CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE POLICY own ON users USING (id > 2)",
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE people ATTACH PARTITION users FOR VALUES FROM (0) TO (1000000)",
    "ALTER TABLE people DETACH PARTITION users",
)

INDEX: LiteralString = "CREATE INDEX surprise ON users (email)"

PREPARED: LiteralString = """
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TABLE people (id bigint NOT NULL, email text, name varchar(10)) PARTITION BY RANGE (id);
"""

INDIFFERENT: LiteralString = """
    COMMENT ON TABLE users IS 'about it'; GRANT SELECT, UPDATE (email) ON users TO public; ANALYZE users;
    ALTER TABLE users SET (fillfactor = 90); CREATE VIEW seen AS SELECT id FROM users
"""


class Killed(BaseException):
    """Stands for the end of the process."""


def at(point: FaultPoint, action: Callable[[], object], *, once: bool = True) -> Callable[[FaultPoint], None]:
    """Do it at that point, the first time or every time."""
    left = [1 if once else 1_000_000]

    def fault(reached: FaultPoint) -> None:
        if reached is point and left[0]:
            left[0] -= 1
            action()

    return fault


def comment(version: str) -> Step:
    return ddl(1, f"COMMENT ON COLUMN users.email IS '{version}'", migration=version)


def two_steps() -> tuple[Step, ...]:
    return (ddl(1, "ALTER TABLE users ADD COLUMN age int"), ddl(2, "ALTER TABLE users ADD COLUMN size int"))


def test_every_kind_of_change_between_look_and_lock(database: Database) -> None:
    connection, other = database.connect(), database.connect()
    users(connection, 10)
    connection.execute(PREPARED)
    for number, change in enumerate(CHANGES, start=1):
        given = plan(comment(str(number)), database=database)
        with pytest.raises(DriftError, match=r"before step 1\.1 .*public\.users has another definition"):
            carry_out(
                database,
                given,
                faults=at(FaultPoint.BEFORE_COMMIT, lambda change=change: other.execute(change)),  # type: ignore[misc]  # its own
            )
        JournalStore(other, "migrator").resolve_rolled_back(str(number), "it was me")

    assert connection.execute("SELECT col_description('users'::regclass, 2)").fetchone() == (None,)


def test_every_kind_of_change_between_plan_and_step(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    connection.execute(PREPARED)
    for number, change in enumerate(CHANGES, start=1):
        given = plan(comment(str(number)), database=database)
        connection.execute(change)
        with pytest.raises(DriftError, match=r"since it was planned: public\.users has another definition"):
            carry_out(database, given)


def test_what_is_no_change_of_the_definition_stops_nothing(database: Database) -> None:
    connection, other = database.connect(), database.connect()
    users(connection, 10)
    given = plan(*two_steps(), database=database)
    connection.execute("COMMENT ON TABLE users IS 'since the plan'")
    points = (FaultPoint.BEFORE_COMMIT, FaultPoint.STEP_DONE)
    texts = iter((INDIFFERENT, "GRANT DELETE ON users TO public", "ANALYZE users", "VACUUM FULL pg_class"))

    def fault(point: FaultPoint) -> None:
        if point in points:
            other.execute(next(texts))

    result = carry_out(database, given, faults=fault)

    assert MigrationState.APPLIED is result.outcomes[0].state
    assert list(texts) == []


def test_the_same_definition_made_again_is_looked_at_again(database: Database) -> None:
    """The stamp is another one, the digest is not."""
    connection, other = database.connect(), database.connect()
    users(connection, 10)
    given = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database)

    def again() -> None:
        other.execute("ALTER TABLE users DROP CONSTRAINT users_pkey; ALTER TABLE users ADD PRIMARY KEY (id)")

    result = carry_out(database, given, faults=at(FaultPoint.BEFORE_COMMIT, again))

    assert MigrationState.APPLIED is result.outcomes[0].state
    assert connection.execute("SELECT attempts FROM migrator.step").fetchone() == (2,)


def crash(database: Database, given: Plan, change: LiteralString) -> None:
    """Carry out one step; somebody makes the change right after its COMMIT, and the run is no more."""
    other = database.connect()

    def fault() -> None:
        other.execute(change)
        raise Killed

    with pytest.raises(Killed):
        carry_out(database, given, faults=at(FaultPoint.STEP_DONE, fault))


@pytest.mark.parametrize("change", ["ALTER TABLE users RENAME nickname TO name", INDEX, "DROP TABLE users"])
def test_a_change_between_commit_and_digest_is_found_after_a_crash(
    database: Database, change: LiteralString
) -> None:
    users(database.connect(), 10)
    crash(database, plan(*two_steps(), database=database), change)

    with pytest.raises(DriftError, match=r"public\.users was changed right after step 1\.1"):
        carry_out(database, plan())
    JournalStore(database.connect(), "migrator").accept_drift("1", "it was me")
    if "DROP" not in change:
        assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state


def test_a_crash_between_commit_and_digest_is_no_drift(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    crash(database, plan(*two_steps(), database=database), INDIFFERENT)
    connection.execute("VACUUM FULL pg_attribute")
    connection.execute("VACUUM FULL pg_constraint")

    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state
    assert connection.execute(
        "SELECT count(*) FROM migrator.fingerprint WHERE stamp IS NOT NULL"
    ).fetchone() == (0,)


def test_a_later_file_of_the_plan_takes_over_what_a_crash_left(database: Database) -> None:
    """The digest was not computed when the first file ended, so the second one inherits its stamp."""
    users(database.connect(), 10)
    first = ddl(1, "ALTER TABLE users ADD COLUMN age int")
    second = ddl(1, "ALTER TABLE users ADD COLUMN size int", migration="2")
    given = plan(first, second, database=database)
    crash(database, given, INDIFFERENT)

    assert [o.state for o in carry_out(database, given).outcomes] == [MigrationState.APPLIED] * 2


VIEW = QualifiedName("public", "seen")


def test_a_view_that_changes_while_it_is_looked_at(database: Database) -> None:
    """After a crash a digest counts only if the stamp was the step's before and after it was computed."""
    connection, other = database.connect(), database.connect()
    users(connection, 10)
    connection.execute("CREATE VIEW seen AS SELECT id FROM users")
    lock = RelationLock(VIEW, LockMode.ACCESS_EXCLUSIVE)
    steps = []
    for number in (1, 2):
        text = f"CREATE OR REPLACE VIEW seen AS SELECT id FROM users WHERE id > {number}"
        made = step(number, Transaction(statements=(text,)), timeouts=QUICK)
        steps.append(msgspec.structs.replace(made, effect=Effect(locks=(lock,))))
    crash(database, plan(*steps, touches=(VIEW,), database=database), "SELECT 1")
    other.execute("BEGIN")
    other.execute("CREATE OR REPLACE VIEW seen AS SELECT id FROM users WHERE id > 7")
    caught: list[BaseException] = []

    def go_on() -> None:
        try:
            carry_out(database, plan())
        except DriftError as error:
            caught.append(error)

    running = threading.Thread(target=go_on)
    running.start()
    (pid,) = until_row(connection, RUNNER)
    until_blocked(connection, pid)
    other.execute("COMMIT")
    running.join()

    assert [str(error).count("seen was changed right after step 1.1") for error in caught] == [1]


RUNNER: LiteralString = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE application_name LIKE 'migrator%%' AND datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize("change", [INDEX, "ALTER TABLE users ADD COLUMN surprise int"])
def test_a_change_during_a_backfill_stops_it(database: Database, change: LiteralString) -> None:
    connection, other = database.connect(), database.connect()
    users(connection, 1000)
    given = plan(backfill(1), database=database)
    recorder = Recorder()

    with pytest.raises(DriftError, match=r"public\.users has another definition"):
        carry_out(
            database,
            given,
            recorder=recorder,
            faults=at(FaultPoint.BATCH_DONE, lambda: other.execute(change)),
        )

    assert len(recorder.of(BatchDone)) == 1
    assert connection.execute("SELECT count(*) FROM users WHERE nickname IS NOT NULL").fetchone() == (100,)

    JournalStore(other, "migrator").accept_drift("1", "it was me")

    assert MigrationState.APPLIED is carry_out(database, plan()).outcomes[0].state


def test_what_is_no_change_does_not_stop_a_backfill(database: Database) -> None:
    other = database.connect()
    users(other, 1000)
    given = plan(backfill(1), ddl(2, "ALTER TABLE users ADD COLUMN age int"), database=database)

    def again() -> None:
        other.execute(INDIFFERENT)
        other.execute("ALTER TABLE users DROP CONSTRAINT users_pkey; ALTER TABLE users ADD PRIMARY KEY (id)")

    result = carry_out(database, given, faults=at(FaultPoint.BATCH_DONE, again))

    assert MigrationState.APPLIED is result.outcomes[0].state


def test_a_change_after_the_last_batch_is_not_taken_for_the_backfill_s(database: Database) -> None:
    other = database.connect()
    users(other, 100)
    given = plan(backfill(1), ddl(2, "ALTER TABLE users ADD COLUMN age int"), database=database)

    with pytest.raises(DriftError, match=r"public\.users has another definition"):
        carry_out(
            database,
            given,
            faults=at(FaultPoint.WALK_CHECKED, lambda: other.execute("ALTER TABLE users ADD surprise int")),
        )


def test_a_look_that_has_to_wait_says_for_whom(database: Database) -> None:
    """A look is old after a second; to look at the view anew is to wait for the table's ACCESS EXCLUSIVE."""
    connection, other = database.connect(), database.connect()
    users(connection, 10)
    connection.execute("CREATE VIEW seen AS SELECT id FROM users")
    locks = (RelationLock(USERS, LockMode.ACCESS_EXCLUSIVE), RelationLock(VIEW, LockMode.ACCESS_EXCLUSIVE))
    both = msgspec.structs.replace(comment("1"), effect=Effect(locks=locks))

    def lock() -> None:
        other.execute("BEGIN")
        other.execute("LOCK TABLE users")

    def let_go(event: object) -> None:
        if isinstance(event, LockAttemptFailed) and "canceling" in event.error:
            other.execute("COMMIT")

    recorder = Recorder(actions=[let_go])
    result = carry_out(
        database,
        plan(both, touches=(USERS, VIEW), database=database),
        faults=at(FaultPoint.BEFORE_COMMIT, lock),
        recorder=recorder,
    )

    assert MigrationState.APPLIED is result.outcomes[0].state
    assert other.info.backend_pid in {b.pid for e in recorder.of(LockAttemptFailed) for b in e.blockers}
    assert other.info.transaction_status == 0
