"""The rules of one attempt: whom it keeps waiting, how long, and what it does where LOCK TABLE cannot."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import msgspec
import psycopg
import pytest
from psycopg import sql

from migrator.errors import LockDeadline
from migrator.execution.events import LockAttemptFailed
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationState
from migrator.execution.lock_attempts import SPRINT
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import SessionState, Step, Timeouts, Transaction
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from tests.conftest import Database
from tests.engine.plans import Recorder, carry_out, ddl, plan, step, users

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

PATIENT = Timeouts(lock_ms=100, statement_ms=200, deadline_s=60.0)


class Enough(BaseException):
    """Ends a run from within."""


@contextlib.contextmanager
def again_and_again(action: Callable[[], object]) -> Iterator[list[BaseException]]:
    """Repeat the action in another thread; gives what it failed with."""
    ended, failures = threading.Event(), list[BaseException]()

    def repeat() -> None:
        while not ended.is_set():
            try:
                action()
            except psycopg.Error as error:
                failures.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield failures
    finally:
        ended.set()
        thread.join()


def after(attempts: int, action: Callable[[], object]) -> Callable[[FaultPoint], None]:
    """Do it before the attempt of that number."""
    count = [0]

    def fault(point: FaultPoint) -> None:
        if point is FaultPoint.BEFORE_COMMIT:
            count[0] += 1
            if count[0] == attempts:
                action()

    return fault


def stop() -> None:
    raise Enough


def several(*locks: RelationLock, statements: tuple[str, ...], **more: Any) -> Step:  # noqa: ANN401  # a step's
    made = step(1, Transaction(statements=statements, acquire=locks), timeouts=PATIENT, **more)
    return msgspec.structs.replace(made, effect=Effect(locks=locks))


def exclusive(*names: str) -> tuple[RelationLock, ...]:
    return tuple(RelationLock(QualifiedName("public", name), LockMode.ACCESS_EXCLUSIVE) for name in names)


def test_no_reader_waits_behind_the_first_attempts(database: Database) -> None:
    """lock_timeout only counts where there is a wait, so one of a millisecond finds every wait."""
    users(database.connect(), 10)
    blocker, reader = database.connect(), database.connect()
    reader.execute("SET lock_timeout = 1")
    blocker.execute("BEGIN")
    blocker.execute("SELECT count(*) FROM users")
    given = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int", timeouts=PATIENT), database=database)
    with (
        again_and_again(lambda: reader.execute("SELECT count(*) FROM users")) as failures,
        pytest.raises(Enough),
    ):
        carry_out(database, given, faults=after(SPRINT + 1, stop))

    assert failures == []


def partitioned(connection: psycopg.Connection[Any], partitions: int) -> None:
    connection.execute("CREATE TABLE events (id int) PARTITION BY RANGE (id)")
    for number in range(partitions):
        text = "CREATE TABLE {} PARTITION OF events FOR VALUES FROM ({}) TO ({})"
        name = sql.Identifier(f"events_{number:02}")
        connection.execute(sql.SQL(text).format(name, sql.Literal(number), sql.Literal(number + 1)))


WAITED_FOR: LiteralString = (
    "SELECT 1 FROM pg_locks WHERE NOT granted AND %(pid)s = ANY (pg_blocking_pids(pid))"
)


@pytest.mark.serial
def test_partitions_that_are_free_one_after_the_other(database: Database) -> None:
    """lock_timeout counts for each of 20 partitions anew: more than a second, if nothing else were the bound.

    The step has the partitioned table by then, so whoever reads it waits as long.
    """
    connection, reader, observer = database.connect(), database.connect(), database.connect()
    partitioned(connection, 20)
    blockers = [database.connect() for _ in range(20)]
    for number, blocker in enumerate(blockers):
        blocker.execute("BEGIN")
        blocker.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(f"events_{number:02}")))
    given = plan(
        several(*exclusive("events"), statements=("ALTER TABLE events ADD COLUMN age int",)),
        touches=(QualifiedName("public", "events"),),
        database=database,
    )
    waits: list[float] = []
    ended = threading.Event()

    def read() -> None:
        began = time.monotonic()
        reader.execute("SELECT count(*) FROM events WHERE id = 100")
        waits.append(time.monotonic() - began)

    def let_go() -> None:
        """Of a partition when it has been waited for nearly as long as the step waits for one lock."""
        for blocker in blockers:
            while (
                not ended.is_set()
                and observer.execute(WAITED_FOR, {"pid": blocker.info.backend_pid}).fetchone() is None
            ):
                pass
            ended.wait(0.06)
            blocker.execute("COMMIT")

    letting = threading.Thread(target=let_go)
    letting.start()
    try:
        with again_and_again(read) as failures, pytest.raises(Enough):
            carry_out(database, given, faults=after(SPRINT + 3, stop))
    finally:
        ended.set()
        letting.join()

    assert failures == []
    assert max(waits) < 0.7, "the budget is 100 ms; the rest is for a busy machine"


def test_a_writer_of_the_child_meets_no_deadlock(database: Database) -> None:
    """It locks the child, then the parent; a step that has the parent and wants the child must not wait."""
    connection, writer, blocker = database.connect(), database.connect(), database.connect()
    connection.execute("CREATE TABLE parent (id int PRIMARY KEY)")
    connection.execute("CREATE TABLE child (parent int REFERENCES parent)")
    connection.execute("INSERT INTO parent VALUES (1)")
    blocker.execute("BEGIN")
    blocker.execute("SELECT count(*) FROM parent")
    change = ("ALTER TABLE child DROP CONSTRAINT child_parent_fkey", "ALTER TABLE parent ADD COLUMN age int")
    given = plan(
        several(*exclusive("parent", "child"), statements=change),
        touches=(QualifiedName("public", "parent"), QualifiedName("public", "child")),
        database=database,
    )
    with again_and_again(lambda: writer.execute("INSERT INTO child VALUES (1)")) as failures:
        attempts = after(SPRINT + 6, lambda: blocker.execute("COMMIT"))
        result = carry_out(database, given, faults=attempts)

    assert failures == []
    assert MigrationState.APPLIED is result.outcomes[0].state


OTHER_KINDS: dict[str, tuple[LiteralString, LiteralString]] = {
    "a view": ("SELECT * FROM seen", "ALTER VIEW seen RENAME TO was_seen"),
    "a materialized view": ("SELECT * FROM kept", "ALTER MATERIALIZED VIEW kept RENAME TO was_kept"),
    "a sequence": ("SELECT nextval('numbers')", "ALTER SEQUENCE numbers RENAME TO old_numbers"),
    "an index": (
        "SELECT id FROM users WHERE email = 'x'",
        "ALTER INDEX users_email SET TABLESPACE pg_default",
    ),
}


@pytest.mark.parametrize("kind", list(OTHER_KINDS))
def test_what_lock_table_cannot_take(database: Database, kind: str) -> None:
    """The statement itself waits, ten milliseconds in most attempts; readers of the tables below do not."""
    connection, blocker, reader = database.connect(), database.connect(), database.connect()
    users(connection, 10)
    connection.execute("CREATE INDEX users_email ON users (email)")
    connection.execute("CREATE VIEW seen AS SELECT id FROM users")
    connection.execute("CREATE MATERIALIZED VIEW kept AS SELECT id FROM users")
    connection.execute("CREATE SEQUENCE numbers")
    use, change = OTHER_KINDS[kind]
    given = plan(ddl(1, change, acquire=False, timeouts=PATIENT), database=database)
    blocker.execute("BEGIN")
    blocker.execute(use)
    reader.execute("SET lock_timeout = 1")
    with again_and_again(lambda: reader.execute("SELECT email FROM ONLY users")) as failures:
        result = carry_out(database, given, faults=after(4, lambda: blocker.execute("COMMIT")))

    assert MigrationState.APPLIED is result.outcomes[0].state
    assert connection.execute("SELECT attempts > 3 FROM migrator.step").fetchone() == (True,)
    if kind != "an index":
        assert failures == []


def test_a_table_of_others_that_may_be_referenced_but_not_locked(database: Database) -> None:
    connection = database.connect()
    role = f"limited_{database.name}"
    connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    users(connection, 10)
    connection.execute("CREATE TABLE mine (user_id bigint)")
    connection.execute(sql.SQL("ALTER TABLE mine OWNER TO {}").format(sql.Identifier(role)))
    connection.execute(sql.SQL("GRANT REFERENCES ON users TO {}").format(sql.Identifier(role)))
    locks = tuple(
        RelationLock(QualifiedName("public", name), LockMode.SHARE_ROW_EXCLUSIVE)
        for name in ("mine", "users")
    )
    change = ("ALTER TABLE mine ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID",)
    state = SessionState(role=role, settings=(("search_path", "public"),))
    given = plan(several(*locks, statements=change, session=state), database=database)
    try:
        result = carry_out(database, given)
    finally:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))

    assert MigrationState.APPLIED is result.outcomes[0].state


def test_holders_that_do_nothing_are_named(database: Database) -> None:
    """An idle transaction, and one that is prepared and has no process at all."""
    users(database.connect(), 10)
    idle, prepared = database.connect(), database.connect()
    idle.execute("BEGIN")
    idle.execute("SELECT count(*) FROM users")
    prepared.execute("BEGIN")
    prepared.execute("UPDATE users SET nickname = 'x' WHERE id = 1")
    prepared.execute(sql.SQL("PREPARE TRANSACTION {}").format(sql.Literal(database.name)))
    brief = Timeouts(lock_ms=100, statement_ms=200, deadline_s=2.0)
    recorder = Recorder()
    given = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int", timeouts=brief), database=database)

    with pytest.raises(LockDeadline, match=database.name):
        carry_out(database, given, recorder=recorder)

    found = {(b.pid, b.state, b.prepared) for b in recorder.of(LockAttemptFailed)[-1].blockers}

    assert (idle.info.backend_pid, "idle in transaction", None) in found
    assert database.name in {name for _, _, name in found}


STRONG: LiteralString = """
    SELECT pid, virtualtransaction FROM pg_locks
    WHERE relation = 'users'::regclass AND granted AND mode = 'AccessExclusiveLock'
        AND pid <> pg_backend_pid()
"""


def test_lock_and_commit_are_one_message(database: Database) -> None:
    """Whenever somebody looks, the session that holds the lock is at work: it never waits for its client."""
    connection, observer = database.connect(), database.connect()
    users(connection, 10)
    steps = [
        ddl(n, f"ALTER TABLE users ADD COLUMN c{n} int", "SELECT pg_sleep(0.02)", timeouts=PATIENT)
        for n in range(1, 11)
    ]
    states: list[str] = []

    def look() -> None:
        """Only a transaction that has the lock before and after the look had it meanwhile."""
        before = observer.execute(STRONG).fetchall()
        now = dict(observer.execute("SELECT pid, state FROM pg_stat_activity").fetchall())
        after = observer.execute(STRONG).fetchall()
        states.extend(now[pid] for pid, _ in set(before) & set(after))

    with again_and_again(look):
        result = carry_out(database, plan(*steps, database=database))

    assert MigrationState.APPLIED is result.outcomes[0].state
    assert set(states) == {"active"}


def test_a_message_goes_out_in_one_piece(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two pieces the server would wait for a frozen client, and no timeout of before 17 ends that."""
    from migrator.database import message  # what is watched

    users(database.connect(), 10)
    flushed: list[int] = []
    real = message._answers  # noqa: SLF001  # there is no seam between sending and reading

    def answers(pgconn: Any, meanwhile: Any) -> Any:  # noqa: ANN401  # as the original
        if meanwhile is None:
            flushed.append(pgconn.flush())
        return real(pgconn, meanwhile)

    monkeypatch.setattr(message, "_answers", answers)
    carry_out(database, plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database))

    assert flushed == [0]
