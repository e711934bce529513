"""The servers that the other tests rely on keep their own promises."""

import psycopg
import pytest

from tests import servers
from tests.conftest import Database
from tests.own_server import OwnServer
from tests.schema_dump import schema
from tests.waiting import until_blocked, until_gone, until_idle


def test_version_is_the_one_asked_for(database: Database) -> None:
    with database.connect() as connection:
        version = connection.info.server_version // 10000

    assert version == database.version


def test_each_test_has_an_empty_database(database: Database) -> None:
    rows = (
        database.connect()
        .execute("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        .fetchall()
    )

    assert rows == []


def test_database_with_a_prepared_transaction_can_be_dropped(database: Database) -> None:
    connection = database.connect()
    connection.execute("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'left behind'")


def test_waiting_for_a_lock_is_seen(database: Database) -> None:
    holder, waiter, observer = database.connect(), database.connect(), database.connect()
    holder.execute("CREATE TABLE t ()")
    holder.execute("BEGIN; LOCK TABLE t")
    until_idle(observer, holder.info.backend_pid)
    pid = waiter.info.backend_pid
    waiter.pgconn.send_query(b"SELECT * FROM t")

    until_blocked(observer, pid)
    observer.execute("SELECT pg_terminate_backend(%s)", [pid])
    until_gone(observer, pid)


def test_equal_schemas_have_equal_dumps(database: Database, second_database: Database) -> None:
    ddl = b"CREATE TABLE t (id bigint PRIMARY KEY, v text NOT NULL); COMMENT ON TABLE t IS 'a\n-- b'"
    for each in (database, second_database):
        each.connect().pgconn.exec_(ddl)
    second_database.connect().execute("CREATE SCHEMA migrator; CREATE TABLE migrator.journal ()")

    assert schema(database.url) == schema(second_database.url)
    assert 'CREATE TABLE "public"."t"' in schema(database.url)


def test_dump_tells_column_order(database: Database, second_database: Database) -> None:
    database.connect().execute("CREATE TABLE t (a int, b int)")
    second_database.connect().execute("CREATE TABLE t (b int, a int)")

    assert schema(database.url) != schema(second_database.url)


def test_dump_names_invalid_indexes(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)")

    assert "invalid index public.t_a on t" in schema(database.url)


def test_versions_are_read() -> None:
    assert servers.versions_asked("all") == servers.SUPPORTED
    assert servers.versions_asked("18,13") == (13, 18)


def test_unsupported_version_is_refused() -> None:
    with pytest.raises(ValueError, match="unsupported"):
        servers.versions_asked("9")


def test_own_server_answers_at_the_same_place_after_a_restart(own_server: OwnServer) -> None:
    with own_server.server.connect() as connection:
        connection.execute("CREATE TABLE t ()")
    own_server.restart()
    own_server.kill()
    own_server.start()
    with own_server.server.connect() as connection:
        rows = connection.execute("SELECT * FROM t").fetchall()

    assert rows == []


def test_own_server_becomes_a_standby(own_server: OwnServer) -> None:
    own_server.become_standby()

    with own_server.server.connect() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("CREATE TABLE t ()")
