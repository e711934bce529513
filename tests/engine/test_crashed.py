"""The server crashes at each stage of a statement CONCURRENTLY; the run goes on by itself."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import msgspec
import psycopg
import pytest

from migrator.execution.events import Reconnected
from migrator.execution.faults import FaultPoint
from migrator.plan.step import BuildIndex, Step
from tests.conftest import Database
from tests.engine.plans import Recorder, build, carry_out, drop, plan, users
from tests.engine.test_concurrently import old_snapshot
from tests.engine.test_detach import counted, detach, leave_pending, partitioned, state
from tests.engine.test_reindex import rebuild
from tests.own_server import OwnServer
from tests.waiting import until_row

pytestmark = [pytest.mark.server, pytest.mark.chaos, pytest.mark.postgres(newest=True)]

_numbers = itertools.count(1)

INDEXES = """
    SELECT count(*), bool_and(i.indisvalid) FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
    WHERE t.oid IN ('users'::regclass, (SELECT reltoastrelid FROM pg_class WHERE oid = 'users'::regclass))
"""
STAGE: LiteralString = """
    SELECT 1 FROM pg_stat_activity AS a LEFT JOIN pg_stat_progress_create_index AS p USING (pid)
    WHERE a.application_name LIKE '%% step 1.1' AND coalesce(p.phase, a.wait_event) LIKE %(stage)s
"""
SLOWLY = """
    CREATE FUNCTION slowly(value text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.05); RETURN value; END $$
"""


@contextlib.contextmanager
def emptied(server: OwnServer) -> Iterator[Database]:
    """A database of its own; made by a session that did not see the server die."""
    database = Database(server=server.server, name=f"crash_{next(_numbers)}")
    with server.server.connect() as administrator:
        administrator.execute(f"CREATE DATABASE {database.name}".encode())
    try:
        yield database
    finally:
        for connection in [*database.connections, *database.readers]:
            connection.close()


def crashing(server: OwnServer, database: Database, stage: str) -> Callable[[FaultPoint], None]:
    """Kill the server once, when a statement has come to that stage (or waits for that)."""
    crashed: list[FaultPoint] = []

    def fault(point: FaultPoint) -> None:
        if point is FaultPoint.BUILD_SENT and not crashed:
            crashed.append(point)
            until_row(
                database.connect(),
                STAGE,
                {"stage": stage},
            )
            server.kill()
            server.start()

    return fault


def hold(database: Database, statement: LiteralString) -> psycopg.Connection[Any]:
    old = database.connect()
    old.execute("BEGIN")
    old.execute(statement)
    return old


def slow_build() -> Step:
    made = build(1)
    assert isinstance(made.work, BuildIndex)
    sql = 'CREATE INDEX CONCURRENTLY "users_email_idx" ON "public"."users" (slowly(email))'
    work = msgspec.structs.replace(made.work, sql=sql, definition="(slowly(email))")
    return msgspec.structs.replace(made, work=work)


READER: LiteralString = "SELECT count(*) FROM users"


def test_the_next_connection_finishes_it(own_server: OwnServer) -> None:
    index_statements(own_server)
    detaching(own_server)


def index_statements(own_server: OwnServer) -> None:
    cases: list[tuple[Step, LiteralString | None, str]] = [
        (slow_build(), None, "building index%"),
        (build(1), None, "waiting for old snapshots"),
        (rebuild("users_pkey"), READER, "waiting for readers before marking dead"),
        (drop(1), READER, "virtualxid"),
    ]
    for made, holding, stage in cases:
        with emptied(own_server) as database:
            connection = database.connect()
            users(connection, 20)
            connection.execute(SLOWLY)
            if made.work.__class__.__name__ != "BuildIndex":
                connection.execute("CREATE INDEX users_email_idx ON users (email)")
            if holding is not None:
                hold(database, holding)
            elif "snapshots" in stage:
                old_snapshot(database)
            recorder = Recorder()
            faults = crashing(own_server, database, stage)
            carry_out(database, plan(made, database=database), faults=faults, recorder=recorder)

            left = 2 if made.work.__class__.__name__ == "DropIndex" else 3

            assert len(recorder.of(Reconnected)) == 1, stage
            assert database.connect().execute(INDEXES).fetchone() == (left, True), stage


def detaching(own_server: OwnServer) -> None:
    for pending in (False, True):
        with emptied(own_server) as database:
            partitioned(database.connect())
            if pending:
                leave_pending(database)
                old_snapshot(database)
            else:
                hold(database, READER)
            recorder = Recorder()
            faults = crashing(own_server, database, "virtualxid")
            carry_out(database, plan(detach(), database=database), faults=faults, recorder=recorder)

            assert len(recorder.of(Reconnected)) == 1
            assert state(database.connect()) == "no partition"
            assert counted(database.connect()) == [(51, 99)]
