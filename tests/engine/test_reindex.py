"""REINDEX CONCURRENTLY: done, killed before and after the swap, done and not recorded, remains of others."""

# ruff: noqa: ANN401 - rows and keyword arguments of tests are of any type

from typing import Any

import psycopg
import pytest

from migrator.errors import StepFailed
from migrator.execution.events import LeftAlone, StepFinished
from migrator.execution.faults import FaultPoint
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.step import Phase, Step
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from tests.conftest import Database
from tests.engine.plans import LONG, USERS, Boom, Recorder, carry_out, plan, step, users
from tests.waiting import BUILD_WAITS, BUILDS, END_OF_BUILDS, until_row

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

KINDS = pytest.mark.parametrize("index", [None, "users_pkey"])


def rebuild(index: str | None = None) -> Step:
    kind, name = ("TABLE", "users") if index is None else ("INDEX", index)
    work = RebuildIndexes(
        sql=f'REINDEX {kind} CONCURRENTLY "public"."{name}"',
        table=USERS,
        index=None if index is None else QualifiedName("public", index),
        drop_sql="DROP INDEX CONCURRENTLY IF EXISTS $1",
    )
    return step(1, work, mode=LockMode.SHARE_UPDATE_EXCLUSIVE, timeouts=LONG, phase=Phase.VALIDATE)


def indexes(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, bool]]:
    """Name, OID and whether it is valid, of the indexes of the table and of its TOAST table."""
    rows = connection.execute("""
        SELECT CASE t.relkind WHEN 't' THEN 'toast' || regexp_replace(c.relname, '.*_index', '')
            ELSE c.relname END,
            c.oid::bigint, i.indisvalid
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
        WHERE t.oid IN ('users'::regclass, (SELECT reltoastrelid FROM pg_class WHERE oid = 'users'::regclass))
    """).fetchall()
    return {name: (oid, valid) for name, oid, valid in rows}


def replaced(before: dict[str, tuple[int, bool]], after: dict[str, tuple[int, bool]]) -> set[str]:
    assert before.keys() == after.keys()
    assert all(valid for _, valid in after.values())
    return {name for name, index in after.items() if before[name] != index}


@pytest.fixture
def table(database: Database) -> psycopg.Connection[Any]:
    connection = database.connect()
    users(connection, 100)
    connection.execute("CREATE INDEX users_email_idx ON users (email)")
    return connection


def test_all_indexes_of_a_table_are_replaced(database: Database, table: psycopg.Connection[Any]) -> None:
    before = indexes(table)
    carry_out(database, plan(rebuild(), database=database))

    assert replaced(before, indexes(table)) == {"users_pkey", "users_email_idx", "toast"}


def test_one_index_is_replaced(database: Database, table: psycopg.Connection[Any]) -> None:
    before = indexes(table)
    carry_out(database, plan(rebuild("users_pkey"), database=database))

    assert replaced(before, indexes(table)) == {"users_pkey"}


@KINDS
@pytest.mark.parametrize(
    ("statement", "suffix"),
    [("UPDATE users SET nickname = 'x' WHERE id = 1", "_ccnew"), ("SELECT 1 FROM users", "_ccold")],
    ids=["before the swap", "after the swap"],
)
def test_what_a_killed_server_process_left_is_removed(
    database: Database, table: psycopg.Connection[Any], index: str | None, statement: Any, suffix: str
) -> None:
    old = database.connect()
    old.execute("BEGIN")
    old.execute(statement)
    before = indexes(table)
    remains: list[str] = []

    def terminate(point: FaultPoint) -> None:
        if point is FaultPoint.BUILD_SENT and not remains:
            until_row(table, BUILD_WAITS)
            until_row(
                table,
                "SELECT 1 FROM pg_class WHERE relname ~ '_cc(new|old)' AND relname ~ %(suffix)s",
                {"suffix": suffix},
            )
            remains.extend(indexes(table).keys() - before.keys())
            until_row(table, END_OF_BUILDS)
            old.execute("COMMIT")

    carry_out(database, plan(rebuild(index), database=database), faults=terminate)

    assert remains
    assert all(suffix in name for name in remains)
    assert replaced(before, indexes(table)) >= {"users_pkey"}


def test_remains_on_toast_that_the_role_may_not_remove_are_named(
    database: Database, table: psycopg.Connection[Any]
) -> None:
    role = f"owner_{database.name}"
    table.execute(f"CREATE ROLE {role}")
    table.execute(f"GRANT pg_read_all_stats, pg_signal_backend TO {role}")
    table.execute(f"GRANT CREATE ON DATABASE {database.name} TO {role}")
    table.execute(f"ALTER TABLE users OWNER TO {role}")
    table.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    recorder, before = Recorder(), indexes(table)
    old = database.connect()
    old.execute("BEGIN")
    old.execute("UPDATE users SET nickname = 'x' WHERE id = 1")

    def terminate(point: FaultPoint) -> None:
        if point is FaultPoint.BUILD_SENT and not old.closed:
            until_row(table, BUILD_WAITS)
            until_row(table, "SELECT 1 FROM pg_class WHERE relname ~ 'pg_toast.*_ccnew'")
            until_row(table, END_OF_BUILDS)
            old.close()

    try:
        carry_out(
            database, plan(rebuild(), database=database), recorder=recorder, faults=terminate, role=role
        )
        after = indexes(table)
    finally:
        table.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
        table.execute(f"DROP OWNED BY {role}")
        table.execute(f"DROP ROLE {role}")

    (named,) = recorder.of(LeftAlone)
    assert [name.partition("_index")[2] for name in named.indexes] == ["_ccnew"]
    assert named.ours
    assert {name for name, index in before.items() if after[name] != index} == {
        "users_pkey",
        "users_email_idx",
        "toast",
    }
    assert after.keys() - before.keys() == {"toast_ccnew"}


@KINDS
def test_finished_but_not_recorded_is_found_done(
    database: Database, table: psycopg.Connection[Any], index: str | None
) -> None:
    def fault(point: FaultPoint) -> None:
        if point is FaultPoint.BUILD_ENDED:
            raise Boom

    before = indexes(table)
    with pytest.raises(Boom):
        carry_out(database, plan(rebuild(index), database=database), faults=fault)
    done, recorder = indexes(table), Recorder()
    carry_out(database, plan(), recorder=recorder)

    assert "users_pkey" in replaced(before, done)
    assert done == indexes(table)
    assert [e.found_done for e in recorder.of(StepFinished)] == [True]


def test_a_run_that_left_its_server_process_at_work_is_waited_for(
    database: Database, table: psycopg.Connection[Any]
) -> None:
    def fault(point: FaultPoint) -> None:
        if point is FaultPoint.BUILD_SENT:
            until_row(table, BUILDS)
            raise Boom

    old = database.connect()
    old.execute("BEGIN")
    old.execute("UPDATE users SET nickname = 'x' WHERE id = 1")
    before = indexes(table)
    with pytest.raises(Boom):
        carry_out(database, plan(rebuild(), database=database), faults=fault)
    recorder = Recorder(actions=[lambda _: old.execute("COMMIT")])
    carry_out(database, plan(), recorder=recorder)

    assert replaced(before, indexes(table)) == {"users_pkey", "users_email_idx", "toast"}
    assert [e.found_done for e in recorder.of(StepFinished)] == [True]


def test_remains_of_somebody_else_stay(database: Database, table: psycopg.Connection[Any]) -> None:
    table.execute("CREATE INDEX users_email_idx_ccnew ON users (email)")
    table.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_email_idx_ccnew'::regclass"
    )
    before = indexes(table)
    carry_out(database, plan(rebuild("users_email_idx"), database=database))

    assert before["users_email_idx_ccnew"] == indexes(table)["users_email_idx_ccnew"]
    assert before["users_email_idx"] != indexes(table)["users_email_idx"]


def test_duplicates_in_a_unique_index_leave_nothing_behind(
    database: Database, table: psycopg.Connection[Any]
) -> None:
    table.execute("CREATE FUNCTION folded(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'")
    table.execute("CREATE UNIQUE INDEX users_folded ON users (folded(email))")
    table.execute(
        "CREATE OR REPLACE FUNCTION folded(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'x'$$"
    )
    before = indexes(table)
    with pytest.raises(StepFailed, match="23505"):
        carry_out(database, plan(rebuild("users_folded"), database=database))

    assert before == indexes(table)


@pytest.mark.usefixtures("table")
def test_an_index_that_is_not_there_is_refused(database: Database) -> None:
    with pytest.raises(StepFailed, match=r"there is no index public\.nowhere"):
        carry_out(database, plan(rebuild("nowhere"), database=database))
