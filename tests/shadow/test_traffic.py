"""Traffic on any schema: it learns what it may do, does only that, and what it waits for is measured."""

import time
from collections.abc import Callable

import psycopg
import pytest

from migrator.plan.proof import Traffic
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.rows import fill
from migrator.shadow.traffic.beside import Beside, Diary, Load, beside
from migrator.shadow.traffic.tables import Learnt, learn
from tests.conftest import Database
from tests.waiting import WAITS, until_row

SCHEMA = """
    CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE,
        age int NOT NULL CHECK (age BETWEEN 18 AND 99), twice int GENERATED ALWAYS AS (age * 2) STORED);
    CREATE TABLE "Order ""Lines" ("user" bigint REFERENCES users, "Nr." int, note varchar(9),
        PRIMARY KEY ("user", "Nr."));
    CREATE TABLE events (day date, kind char(1)) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2001-01-01') TO ('2091-01-01');
    CREATE TABLE log (line text NOT NULL);
    CREATE TABLE waiting_list (id int PRIMARY KEY);
"""

TABLES = tuple(
    QualifiedName("public", name) for name in ("users", 'Order "Lines', "events_1", "log", "waiting_list")
)

QUICK = Load(readers=1, writers=2, rate=200)


def make(database: Database, schema: str, *, but: str = "waiting_list") -> None:
    with database.connect() as connection:
        connection.execute(schema.encode())
        names = [
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace AND relname <> %s",
                [but],
            )
        ]
        filled = fill(connection, rows=30, tables=[QualifiedName("public", name) for name in names])
    assert filled.unfilled == ()


def run(
    database: Database, work: Callable[[Diary], None], tables: tuple[QualifiedName, ...] = TABLES
) -> Beside:
    return beside(database.url, tables, QUICK, work)


def one(database: Database, query: str) -> object:
    with database.connect() as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def reading_and_writing(traffic: Traffic) -> None:
    assert sum(answer.requests for answer in traffic.answers) > 20
    assert traffic.errors == ()
    assert traffic.stopped is None


def test_any_schema_is_read_and_written_without_errors(database: Database) -> None:
    make(database, SCHEMA)

    def until_written(diary: Diary) -> None:
        with diary.at("1", "waiting for writes"), database.connect() as connection:
            for table in ("users", '"Order ""Lines"', "log"):
                written = f"relid = '{table}'::regclass AND n_tup_ins > 30 AND n_tup_upd > 0"
                until_row(connection, f"SELECT 1 FROM pg_stat_all_tables WHERE {written}")

    found = run(database, until_written)

    reading_and_writing(found.traffic)
    assert found.notes == ("public.waiting_list is only read: it has no rows before the change",)
    assert one(database, "SELECT count(*) FROM log") == 30
    assert one(database, "SELECT count(*) FROM users") in range(30, 33)
    assert [stretch.title for stretch in found.traffic.stretches] == ["waiting for writes"]


def test_waits_are_seen_by_the_server_and_by_the_client(database: Database) -> None:
    make(database, SCHEMA)
    blocker = database.connect()

    def lock_for_a_while(_: Diary) -> None:
        with blocker.transaction():
            blocker.execute("LOCK TABLE users")
            until_row(database.connect(), WAITS)
            time.sleep(0.3)

    traffic = run(database, lock_for_a_while, TABLES[:1]).traffic
    (span,) = [span for span in traffic.spans if span.mode is LockMode.ACCESS_EXCLUSIVE]

    reading_and_writing(traffic)
    assert span.relation == QualifiedName("public", "users")
    assert 0 <= span.began_s < span.ended_s <= traffic.seconds + traffic.resolution_ms / 1000 + 0.05
    assert traffic.longest_wait_ms >= 300
    assert traffic.longest_ms >= 300
    assert traffic.waits[0].relation == QualifiedName("public", "users")
    assert traffic.waits[0].mode in {LockMode.ACCESS_SHARE, LockMode.ROW_EXCLUSIVE}
    assert traffic.exclusive_s == span.seconds >= 0.3


@pytest.mark.postgres(newest=True)
def test_waits_for_rows_are_seen(database: Database) -> None:
    make(database, SCHEMA)
    blocker = database.connect()

    def change_all(_: Diary) -> None:
        with blocker.transaction():
            blocker.execute("UPDATE users SET email = email")
            until_row(database.connect(), WAITS)
            time.sleep(0.1)

    traffic = run(database, change_all, TABLES[:1]).traffic

    reading_and_writing(traffic)
    assert traffic.waits[0].mode is None
    assert traffic.waits[0].relation == QualifiedName("public", "users")


@pytest.mark.postgres(newest=True)
def test_run_that_is_refused_is_told_and_not_raised(database: Database) -> None:
    make(database, SCHEMA)

    def refused(diary: Diary) -> None:
        with diary.at("1", "SELECT"), database.connect() as connection:
            connection.execute("SELECT 1 / 0")

    found = run(database, refused)

    assert found.traffic.stopped is not None
    assert "division by zero" in found.traffic.stopped


@pytest.mark.postgres(newest=True)
def test_errors_that_the_change_causes_are_told(database: Database) -> None:
    make(database, SCHEMA)

    def drop(_: Diary) -> None:
        with database.connect() as connection:
            connection.execute("ALTER TABLE users DROP COLUMN age CASCADE")
            refused = (
                "SELECT 1 FROM pg_stat_database WHERE datname = current_database() AND xact_rollback > 60"
            )
            until_row(connection, refused)

    errors = run(database, drop, TABLES[:1]).traffic.errors

    assert any("42703: column" in error for error in errors), errors


def learnt(database: Database, after: Database | None) -> Learnt:
    with database.connect() as connection:
        other = None if after is None else after.connect()
        return learn(connection, TABLES[:1], writers=2, seed=0, after=other)


@pytest.mark.postgres(newest=True)
def test_rows_satisfy_what_the_change_asks_for(database: Database, second_database: Database) -> None:
    for each in (database, second_database):
        make(each, SCHEMA)
        each.connect().execute("ALTER TABLE users ADD code int; UPDATE users SET code = id % 100")
    with second_database.connect() as connection:
        connection.execute("UPDATE users SET code = id")
        connection.execute("ALTER TABLE users ADD UNIQUE (code), ADD CHECK (code IS NOT NULL)")
    (target,) = learnt(database, second_database).targets

    assert [len(rows) for rows in target.rows] == [8, 8]
    for row in (row for rows in target.rows for row in rows):
        with second_database.connect() as connection, connection.transaction(force_rollback=True):
            connection.execute(row.statement.sql, row.values)


@pytest.mark.postgres(newest=True)
def test_rows_refer_to_rows_where_the_change_asks_for_it(
    database: Database, second_database: Database
) -> None:
    for each in (database, second_database):
        make(each, SCHEMA)
        each.connect().execute('ALTER TABLE "Order ""Lines" DROP CONSTRAINT "Order ""Lines_user_fkey"')
    second_database.connect().execute('ALTER TABLE "Order ""Lines" ADD FOREIGN KEY ("user") REFERENCES users')
    with database.connect() as connection:
        found = learn(connection, TABLES[1:2], writers=2, seed=0, after=second_database.connect())

    assert found.notes == ()
    assert [len(rows) for rows in found.targets[0].rows] == [8, 8]


@pytest.mark.postgres(newest=True)
def test_writes_that_the_change_itself_breaks_are_made_all_the_same(
    database: Database, second_database: Database
) -> None:
    for each in (database, second_database):
        make(each, SCHEMA)
    second_database.connect().execute("ALTER TABLE users ADD code int NOT NULL DEFAULT 1")
    second_database.connect().execute("ALTER TABLE users ALTER code DROP DEFAULT")
    found = learnt(database, second_database)

    assert found.notes == ()
    assert [len(rows) for rows in found.targets[0].rows] == [8, 8]


@pytest.mark.postgres(newest=True)
def test_learning_leaves_nothing_behind(database: Database) -> None:
    make(database, SCHEMA)
    before = one(database, "SELECT array_agg(u ORDER BY id)::text FROM users AS u")
    learnt(database, None)

    assert before == one(database, "SELECT array_agg(u ORDER BY id)::text FROM users AS u")


@pytest.mark.postgres(newest=True)
def test_sampler_keeps_no_index_build_waiting(database: Database) -> None:
    make(database, SCHEMA)

    def build(_: Diary) -> None:
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("CREATE INDEX CONCURRENTLY ON users (age)")

    reading_and_writing(run(database, build).traffic)
