"""While a step waits it says for whom; and whom `terminate_blockers` ends, and spares."""

# ruff: noqa: ANN401 - rows and keyword arguments of tests are of any type

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
import pytest

from migrator.database import journal_install
from migrator.database.blockers import QUERY_LENGTH, Lookout, shown
from migrator.database.session import Connector
from migrator.errors import LockDeadline
from migrator.execution.blocker import Blocker
from migrator.execution.events import (
    BatchCancelled,
    BlockerSpared,
    BlockerTerminated,
    BuildProgress,
    Event,
    LockAttemptFailed,
    Sweeping,
)
from migrator.execution.journal import MigrationState
from migrator.plan.effect import RelationLock
from migrator.plan.step import Timeouts
from migrator.postgres.lock_modes import LockMode
from migrator.sql.masking import masked
from tests.conftest import Database
from tests.engine.plans import (
    ACCESS_EXCLUSIVE,
    POLICY,
    USERS,
    Recorder,
    backfill,
    build,
    carry_out,
    ddl,
    plan,
    users,
)
from tests.own_server import OwnServer
from tests.waiting import until, until_idle

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

SHORT = Timeouts(lock_ms=100, statement_ms=200, deadline_s=2.5)
ENDING = msgspec.structs.replace(POLICY, terminate_blockers_s=0.2)
ADD = "ALTER TABLE users ADD COLUMN age int"


@contextmanager
def holding(database: Database, *statements: str, name: str = "web") -> Iterator[psycopg.Connection[Any]]:
    """Another session that stays in a transaction after these statements."""
    connection = psycopg.connect(database.url, autocommit=True, application_name=name)
    try:
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement.encode())
        yield connection
    finally:
        connection.close()


def when(kind: type[Event], action: Callable[[], object]) -> Recorder:
    """A recorder that acts on the first event of that kind."""
    done: list[object] = []

    def act(event: object) -> None:
        if isinstance(event, kind) and not done:
            done.append(action())

    return Recorder(actions=[act])


def adding(database: Database, **more: Any) -> Any:
    return plan(ddl(1, ADD, **more), database=database)


def blockers(recorder: Recorder) -> tuple[Blocker, ...]:
    return recorder.of(LockAttemptFailed)[0].blockers


def look(connection: psycopg.Connection[Any]) -> Lookout:
    journal_install.install(connection, "migrator")
    return Lookout(connection=connection, schema="migrator")


def waits_for(connection: psycopg.Connection[Any]) -> Any:
    return connection.execute("SELECT waits_for FROM migrator.step WHERE waits_for IS NOT NULL").fetchone()


def noted(seen: list[Any], connection: psycopg.Connection[Any], other: psycopg.Connection[Any]) -> None:
    """Keep what the journal says, and let go."""
    seen.append(waits_for(connection))
    other.execute("COMMIT")


def test_who_holds_the_lock_what_it_runs_and_for_how_long(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    seen: list[Any] = []
    with holding(database, "SELECT count(*) FROM users\nWHERE email = 'geheim'") as other:
        recorder = when(LockAttemptFailed, lambda: noted(seen, connection, other))
        carry_out(database, adding(database), recorder=recorder)
        pid = other.info.backend_pid

    (found,) = blockers(recorder)
    query = "SELECT count(*) FROM users WHERE email = 'geheim'"

    assert (found.pid, found.application, found.state) == (pid, "web", "idle in transaction")
    assert (found.mode, found.relation, found.query) == ("ACCESS SHARE", "users", query)
    assert not found.writes
    assert found.age_s is not None
    assert seen[0][0] == str(found)
    assert f"process {pid} ({found.user}, web, idle in transaction, " in str(found)
    assert str(found).endswith(f"s in its transaction) holds ACCESS SHARE on users: {query}")


def test_constants_are_masked_on_request_in_events_and_journal(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    seen: list[Any] = []
    query = "SELECT count(*) FROM users WHERE email IN ('geheim', $$geheim$$) -- geheim\n AND id = 4711"
    with holding(database, query) as other:
        recorder = when(LockAttemptFailed, lambda: noted(seen, connection, other))
        carry_out(database, adding(database), recorder=recorder, show=masked)

    assert blockers(recorder)[0].query == "SELECT count(*) FROM users WHERE email IN (?, ?) AND id = ?"
    assert "geheim" not in seen[0][0]
    assert "4711" not in seen[0][0].partition(":")[2]


def test_passwords_are_never_told_and_statements_are_cut(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    role = f"CREATE ROLE {database.name}_other PASSWORD 'geheim'"
    with holding(database, "SELECT FROM users", role):
        (found,) = look(connection).of_locks([ACCESS_EXCLUSIVE])

    assert found.query == f"CREATE ROLE {database.name}_other PASSWORD '***'"
    assert "geheim" not in shown("CREATE SUBSCRIPTION s CONNECTION 'host=h password=geheim'", str)
    assert "geheim" not in shown("ALTER USER MAPPING FOR u SERVER s OPTIONS (SET password 'geheim", str)
    assert "\x1b" not in shown("SELECT '\x1b[2J'", str)
    assert len(shown("SELECT " + "x, " * 1000, str)) == QUERY_LENGTH


def test_a_prepared_transaction_is_told_with_what_ends_it(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    name = f"it's {database.name}"
    with holding(database, "UPDATE users SET nickname = 'x' WHERE id = 1") as other:
        other.execute("PREPARE TRANSACTION '" + name.replace("'", "''") + "'")
    mend = f"ROLLBACK PREPARED 'it''s {database.name}'"
    recorder = when(LockAttemptFailed, lambda: connection.execute(mend.encode()))
    carry_out(database, adding(database), recorder=recorder)
    (found,) = blockers(recorder)

    assert (found.pid, found.prepared, found.mode) == (None, name, "ROW EXCLUSIVE")
    assert found.mend == mend
    assert str(found).startswith(f"prepared transaction '{name}' of ")
    assert str(found).endswith(f"holds ROW EXCLUSIVE on users; to end it: {mend}")


def test_a_build_names_a_prepared_transaction_an_old_snapshot_and_who_waits_behind_it(
    database: Database,
) -> None:
    connection, late = database.connect(), database.connect()
    users(connection, 100)
    connection.execute("CREATE TABLE elsewhere (id int)")
    with (
        holding(database, "UPDATE users SET nickname = 'x' WHERE id = 1") as writer,
        holding(database, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT FROM elsewhere") as old,
    ):
        writer.execute(f"PREPARE TRANSACTION 'p {database.name}'".encode())
        seen: dict[str, BuildProgress] = {}

        def act(event: object) -> None:
            if not isinstance(event, BuildProgress):
                return
            if event.behind and event.waits_for and event.waits_for[0].prepared:
                seen["prepared"] = event
                # Its snapshot is old too: the build would wait for it, and it for the build.
                connection.execute("SELECT pg_cancel_backend(%s)", [late.info.backend_pid])
                until_idle(connection, late.info.backend_pid)
                connection.execute(f"ROLLBACK PREPARED 'p {database.name}'".encode())
            elif "prepared" not in seen and not late.pgconn.is_busy():
                late.pgconn.send_query(b"ALTER TABLE users SET (autovacuum_enabled = off)")
                late.pgconn.flush()
            elif [b.pid for b in event.waits_for[:1]] == [old.info.backend_pid]:
                seen["snapshot"] = event
                old.execute("COMMIT")

        late.pgconn.send_query(b"SELECT 1")
        until(lambda: late.pgconn.get_result() is None, what="the answer")
        carry_out(database, plan(build(1), database=database), recorder=Recorder(actions=[act]))

    (prepared,) = seen["prepared"].waits_for
    (behind,) = seen["prepared"].behind
    snapshot = seen["snapshot"].waits_for[0]

    assert prepared.mend == f"ROLLBACK PREPARED 'p {database.name}'"
    assert (prepared.mode, prepared.relation) == ("ROW EXCLUSIVE", "users")
    assert behind.pid == late.info.backend_pid
    assert behind.wanting.endswith(
        "which wants SHARE UPDATE EXCLUSIVE on users: ALTER TABLE users SET (autovacuum_enabled = off)"
    )
    assert (snapshot.mode, snapshot.query) == (None, "SELECT FROM elsewhere")


def test_a_session_of_our_own_is_called_so(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    with Connector(conninfo=database.url).session("facts") as ours:
        ours.execute("BEGIN")
        ours.execute("SELECT FROM users")
        (found,) = look(connection).of_locks([ACCESS_EXCLUSIVE])

    assert found.own
    assert str(found).startswith(f"a session of migrator's own, process {found.pid} ")


def test_locks_below_a_partitioned_table_and_only_those_that_conflict(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE users (id int) PARTITION BY RANGE (id)")
    connection.execute(
        "CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (0) TO (9) PARTITION BY RANGE (id)"
    )
    connection.execute("CREATE TABLE users_2 PARTITION OF users_1 FOR VALUES FROM (0) TO (9)")
    watch = look(connection)
    weak = RelationLock(USERS, LockMode.SHARE_UPDATE_EXCLUSIVE)
    with holding(database, "SELECT FROM users_2"):
        (found,) = watch.of_locks([ACCESS_EXCLUSIVE])
        harmless = watch.of_locks([weak])
        free = not watch.in_the_way([weak])

    assert free
    assert (found.mode, found.relation) == ("ACCESS SHARE", "users_2")
    assert harmless == ()


def test_what_a_role_may_not_see_is_said_and_autovacuum_is_known_all_the_same(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    look(connection)
    role = f"{database.name}_plain"
    connection.execute(f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA migrator TO {role}".encode())
    connection.execute(f"GRANT SELECT ON migrator.session TO {role}".encode())
    try:
        connection.execute(f"SET ROLE {role}".encode())
        with holding(database, "UPDATE users SET nickname = 'x'"):
            (found,) = Lookout(connection=connection, schema="migrator").of_locks([ACCESS_EXCLUSIVE])
    finally:
        connection.execute("RESET ROLE")
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())

    assert (found.state, found.query, found.age_s) == (None, None, None)
    assert (found.application, found.writes, found.autovacuum) == ("web", True, False)
    assert "its state and query are for pg_read_all_stats" in str(found)


def test_rows_that_stay_locked_are_told_with_who_may_have_locked_them(database: Database) -> None:
    connection = database.connect()
    users(connection, 300)
    with (
        holding(database, "SELECT FROM users"),
        holding(database, "SELECT FROM users WHERE id = 150 FOR UPDATE") as other,
    ):
        pid = other.info.backend_pid
        seen: list[Any] = []

        def act(event: object) -> None:
            if isinstance(event, Sweeping) and event.blockers and not seen:
                seen.extend((event, waits_for(connection)))
                other.execute("COMMIT")

        carry_out(database, plan(backfill(1, rows=300), database=database), recorder=Recorder(actions=[act]))

    assert [b.pid for b in seen[0].blockers] == [pid]
    assert f"process {pid} " in seen[1][0]
    assert connection.execute("SELECT count(*) FROM users WHERE nickname IS NULL").fetchone() == (0,)


def test_a_batch_that_waits_for_the_table_names_who_has_it(database: Database) -> None:
    users(database.connect(), 100)
    with holding(database) as other:
        watch, pid = database.connect(), other.info.backend_pid
        other.execute("LOCK TABLE users IN EXCLUSIVE MODE")
        recorder = when(BatchCancelled, lambda: other.execute("COMMIT"))
        carry_out(database, plan(backfill(1, rows=100), database=database), recorder=recorder)

    (found,) = recorder.of(BatchCancelled)[0].blockers

    assert (found.pid, found.mode) == (pid, "EXCLUSIVE")
    assert watch.execute("SELECT count(*) FROM users WHERE nickname IS NULL").fetchone() == (0,)


SLOW_VACUUM = """
    CREATE TABLE users (id bigint, filler text) WITH (
        autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1
    )
"""

BURN = """
    DO $$ BEGIN FOR i IN 1 .. 101000 LOOP
        BEGIN INSERT INTO burnt VALUES (1); EXCEPTION WHEN division_by_zero THEN NULL; END;
    END LOOP; END $$
"""


def test_autovacuum_and_one_to_prevent_wraparound_are_called_so(own_server: OwnServer) -> None:
    with own_server.server.connect() as connection:
        connection.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(SLOW_VACUUM)
        connection.execute("INSERT INTO users SELECT n, repeat('x', 500) FROM generate_series(1, 5000) AS n")
        connection.execute("UPDATE users SET filler = filler || 'y'")
        watch = look(connection)

        (plain,) = until(lambda: watch.of_locks([ACCESS_EXCLUSIVE]), what="autovacuum")
        connection.execute("CREATE TEMP TABLE burnt (x int)")
        connection.execute(BURN)
        connection.execute("ALTER TABLE users SET (autovacuum_freeze_max_age = 100000)")  # it yields
        (forced,) = until(
            lambda: [b for b in watch.of_locks([ACCESS_EXCLUSIVE]) if b.wraparound], what="a forced one"
        )

    assert (plain.autovacuum, plain.wraparound) == (True, False)
    assert str(plain).startswith("autovacuum of users (process ")
    assert forced.autovacuum
    assert str(forced).startswith("autovacuum of users to prevent wraparound, which does not yield (process ")


# --- terminate_blockers


def test_a_reader_is_ended_in_the_end_and_recorded(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    recorder = Recorder()
    with holding(database, "SELECT 'geheim' FROM users") as other:
        pid = other.info.backend_pid
        result = carry_out(database, adding(database), recorder=recorder, policy=ENDING, show=masked)

        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")

    (told,) = recorder.of(BlockerTerminated)
    rows = connection.execute(
        "SELECT version, run IS NOT NULL, os_user, details "
        "FROM migrator.event WHERE kind = 'blocker.terminated'"
    ).fetchall()

    assert result.outcomes[0].state is MigrationState.APPLIED
    assert told.blocker.pid == pid
    assert [row[:3] for row in rows] == [("1", True, "tester")]
    assert rows[0][3]["pid"] == pid
    assert rows[0][3]["step"] == "1.1"
    assert rows[0][3]["query"] == "SELECT ? FROM users"
    assert rows[0][3]["mode"] == "ACCESS SHARE"


def test_nobody_is_ended_unless_that_was_asked_for(database: Database) -> None:
    users(database.connect(), 10)
    recorder = Recorder()
    with holding(database, "SELECT FROM users") as other:
        with pytest.raises(LockDeadline, match=f"process {other.info.backend_pid}"):
            carry_out(database, adding(database, timeouts=SHORT), recorder=recorder)

        other.execute("SELECT 1")

    assert recorder.of(BlockerTerminated) == []
    assert recorder.of(BlockerSpared) == []


def test_who_has_written_is_spared_until_that_is_allowed(database: Database) -> None:
    users(database.connect(), 10)
    recorder = Recorder()
    allowed = msgspec.structs.replace(ENDING, terminate_writers=True)
    with holding(database, "UPDATE users SET nickname = 'x' WHERE id = 1") as other:
        pid = other.info.backend_pid
        with pytest.raises(LockDeadline):
            carry_out(database, adding(database, timeouts=SHORT), recorder=recorder, policy=ENDING)
        other.execute("SELECT 1")
        later = Recorder()
        result = carry_out(database, plan(), recorder=later, policy=allowed)

    (spared,) = recorder.of(BlockerSpared)

    assert recorder.of(BlockerTerminated) == []
    assert "terminate_writers" in spared.reason
    assert [e.blocker.pid for e in later.of(BlockerTerminated)] == [pid]
    assert result.outcomes[0].state is MigrationState.APPLIED


def test_a_prepared_transaction_our_own_sessions_and_replication_are_spared(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    name = f"kept {database.name}"
    with holding(database, "UPDATE users SET nickname = 'x' WHERE id = 1") as other:
        other.execute(f"PREPARE TRANSACTION '{name}'".encode())
    recorder = Recorder()
    policy = msgspec.structs.replace(ENDING, terminate_writers=True)
    replicating = psycopg.connect(database.url, autocommit=True, replication="database")
    with Connector(conninfo=database.url).session("facts") as ours:
        try:
            ours.execute("BEGIN")
            ours.execute("SELECT FROM users")
            pids = (ours.info.backend_pid, replicating.info.backend_pid)
            for query in (b"BEGIN", b"SELECT count(*) FROM users"):
                replicating.pgconn.exec_(query)
            with pytest.raises(LockDeadline, match=f"ROLLBACK PREPARED '{name}'"):
                carry_out(database, adding(database, timeouts=SHORT), recorder=recorder, policy=policy)
            ours.execute("SELECT 1")
            still = replicating.pgconn.exec_(b"SELECT 1").status
        finally:
            connection.execute(f"ROLLBACK PREPARED '{name}'".encode())
            replicating.close()

    reasons = {event.blocker.pid: event.reason for event in recorder.of(BlockerSpared)}

    assert recorder.of(BlockerTerminated) == []
    assert still == psycopg.pq.ExecStatus.TUPLES_OK
    assert f"ROLLBACK PREPARED '{name}'" in reasons[None]
    assert "migrator's own" in reasons[pids[0]]
    assert "walsender" in reasons[pids[1]]


def test_a_role_ends_others_but_no_superusers(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    deploy, app = f"{database.name}_deploy", f"{database.name}_app"
    connection.execute(f"CREATE ROLE {deploy}; CREATE ROLE {app} LOGIN PASSWORD 'app'".encode())
    connection.execute(f"GRANT pg_signal_backend, pg_read_all_stats TO {deploy}".encode())
    connection.execute(f"GRANT CREATE ON DATABASE {database.name} TO {deploy}".encode())
    connection.execute(f"ALTER TABLE users OWNER TO {deploy}; GRANT SELECT ON users TO {app}".encode())
    connection.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {deploy}".encode())
    recorder = Recorder()
    options: dict[str, Any] = {"recorder": recorder, "policy": ENDING, "role": deploy}
    reader = psycopg.connect(database.url, autocommit=True, user=app, password="app")  # made above
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM users")
        pid = reader.info.backend_pid
        with holding(database, "SELECT FROM users") as administrator:
            spared = administrator.info.backend_pid
            with pytest.raises(LockDeadline):
                carry_out(database, adding(database, timeouts=SHORT), **options)
            administrator.execute("SELECT 1")
        carry_out(database, plan(), **options)
    finally:
        reader.close()
        connection.execute(f"REASSIGN OWNED BY {deploy} TO CURRENT_USER".encode())
        connection.execute(f"DROP OWNED BY {deploy}, {app}; DROP ROLE {deploy}, {app}".encode())

    assert [e.blocker.pid for e in recorder.of(BlockerTerminated)] == [pid]
    assert [(e.blocker.pid, e.reason) for e in recorder.of(BlockerSpared)] == [
        (spared, "it is a superuser's")
    ]


def test_who_only_passes_by_is_not_ended(database: Database) -> None:
    """Each reader's transaction is another one; together they are in the way for long."""
    users(database.connect(), 10)
    readers = [database.connect(), database.connect()]
    turns: list[int] = []

    def next_reader(event: object) -> None:
        if isinstance(event, LockAttemptFailed):
            turns.append(event.attempt)
            new, old = readers[len(turns) % 2], readers[(len(turns) + 1) % 2]
            new.execute("BEGIN")
            new.execute("SELECT FROM users")
            old.execute("COMMIT")

    readers[0].execute("BEGIN")
    readers[0].execute("SELECT FROM users")
    recorder = Recorder(actions=[next_reader])
    with pytest.raises(LockDeadline):
        carry_out(database, adding(database, timeouts=SHORT), recorder=recorder, policy=ENDING)

    assert len(turns) >= 2
    assert recorder.of(BlockerTerminated) == []


def test_a_build_ends_whose_old_snapshot_it_waits_for(database: Database) -> None:
    connection = database.connect()
    users(connection, 100)
    connection.execute("CREATE TABLE elsewhere (id int)")
    recorder = Recorder()
    isolation = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    with holding(database, isolation, "SELECT FROM elsewhere") as old:
        pid = old.info.backend_pid
        carry_out(database, plan(build(1), database=database), recorder=recorder, policy=ENDING)

    assert [e.blocker.pid for e in recorder.of(BlockerTerminated)] == [pid]
    assert connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_email_idx'::regclass"
    ).fetchall() == [(True,)]


def test_a_session_that_is_another_by_now_or_in_another_transaction_is_not_ended(database: Database) -> None:
    from migrator.database.commands import journal_query  # only here

    connection = database.connect()
    users(connection, 10)
    watch = look(connection)
    with holding(database, "SELECT FROM users") as other:
        (seen,) = watch.of_locks([ACCESS_EXCLUSIVE])
        given: dict[str, Any] = {
            "version": None,
            "run": None,
            "os_user": None,
            "host": None,
            "tool_version": None,
            "commit": None,
            "ci_url": None,
            "writers": False,
            "pids": [seen.pid],
            "starts": [seen.start],
            "transactions": [seen.transaction],
            "details": ['{"pid": 1}'],
        }

        def end(**changed: Any) -> list[Any]:
            command = journal_query("blockers.sql", "end", "migrator", given | changed)
            return connection.execute(command.query, command.parameters).fetchall()

        assert seen.start is not None

        later = seen.start.replace(year=seen.start.year - 1)

        assert end(starts=[later]) == []
        assert end(transactions=["99/99"]) == []

        other.execute("COMMIT")
        other.execute("BEGIN")
        other.execute("SELECT FROM users")

        assert end() == []
        assert connection.execute("SELECT count(*) FROM migrator.event").fetchone() == (0,)

        (again,) = watch.of_locks([ACCESS_EXCLUSIVE])
        other.execute("UPDATE users SET nickname = 'y' WHERE id = 2")  # since we looked

        assert end(transactions=[again.transaction]) == []
        other.execute("SELECT 1")
        other.execute("ROLLBACK")
        other.execute("BEGIN")
        other.execute("SELECT FROM users")
        (last,) = watch.of_locks([ACCESS_EXCLUSIVE])

        assert end(transactions=[last.transaction]) == [(1,)]
