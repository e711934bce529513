"""Killed at point 1, 2, 3 … until a run completes untouched; every time the next run finishes the work."""

from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from migrator.execution.journal import MigrationState
from migrator.plan.ddl import Sql
from migrator.plan.ddl_backfill import Target
from migrator.plan.ddl_captured import captured_delete
from migrator.plan.plan import Plan
from migrator.plan.step import Phase
from migrator.postgres.facts import Column, Constraint, ConstraintKind, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.versions import ServerVersion
from tests.conftest import Database
from tests.engine.conftest import Victims
from tests.engine.plans import USERS, backfill, build, carry_out, ddl, drop, plan, users

pytestmark = [pytest.mark.server, pytest.mark.chaos]

ROWS = 350

AGAIN = ("", "+", "++")
"""At the end of an address: deleted never (or any number of times), at least once, at least twice."""


def whole(database: Database) -> Plan:
    # The value counts the changes of a row, so that a row changed twice is seen.
    return plan(
        ddl(1, "ALTER TABLE users ADD COLUMN age int"),
        backfill(2, rows=ROWS),
        build(3),
        drop(4, phase=Phase.VALIDATE),
        ddl(5, "ALTER TABLE users DROP COLUMN age", phase=Phase.CONTRACT),
        database=database,
    )


def count_changes(connection: psycopg.Connection[Any]) -> None:
    connection.execute("ALTER TABLE users ADD COLUMN changes int NOT NULL DEFAULT 0")
    connection.execute(
        "CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.changes := OLD.changes + 1; RETURN NEW; END $$"
    )
    connection.execute(
        "CREATE TRIGGER count_change BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION count_change()"
    )


def reset(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DROP TABLE IF EXISTS users")
    connection.execute("DROP FUNCTION IF EXISTS count_change()")
    connection.execute("DROP SCHEMA IF EXISTS migrator CASCADE")
    users(connection, ROWS)
    count_changes(connection)


def deletion(database: Database) -> Plan:
    relation = Relation(
        name=USERS,
        columns=(Column(name="id", type="bigint", not_null=True), Column(name="email", type="text")),
        constraints=(Constraint(name="users_pkey", kind=ConstraintKind.PRIMARY_KEY, columns=("id",)),),
        rows=ROWS,
    )
    server = ServerVersion(database.version * 10000)
    target = Target(relation=relation, server=server, where=Sql("id % 2 = 0"))
    work = captured_delete(target, captured=QualifiedName("migrator", "captured"))
    return plan(msgspec.structs.replace(backfill(1), work=work, phase=Phase.CONTRACT), database=database)


def put_back_what_is_deleted(connection: psycopg.Connection[Any]) -> None:
    """Every deleted row comes again under its key, as a row of somebody else; a second deletion is seen."""
    connection.execute(
        "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO users (id, email) VALUES (OLD.id, OLD.email || '+'); RETURN NULL; END $$"
    )
    connection.execute("CREATE TRIGGER again AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION again()")


@pytest.mark.postgres(newest=True)
def test_delete_killed_at_every_point(database: Database, victims: Victims, tmp_path: Path) -> None:
    connection = database.connect()
    path = tmp_path / "plan.json"
    points = []
    for number in range(1, 200):
        reset(connection)
        connection.execute("DROP FUNCTION IF EXISTS again()")
        put_back_what_is_deleted(connection)
        given = deletion(database)
        path.write_bytes(msgspec.json.encode(given))
        ended = victims.kill(database, path, number)
        if ended.returncode == 0:
            break
        points.append(ended.point)

        assert ended.returncode == -9, ended.stderr

        carry_out(database, given, all_phases=True, wait_s=30.0, patient=True)
        often = [
            connection.execute(f"SELECT count(*) FROM users WHERE email LIKE '%{sign}'") for sign in AGAIN
        ]

        assert [each.fetchone() for each in often] == [(ROWS,), (ROWS // 2,), (0,)], ended.point
        assert connection.execute("SELECT to_regclass('migrator.captured')").fetchone() == (None,)
        assert connection.execute("SELECT rows_done FROM migrator.backfill").fetchone() == (ROWS // 2,)
    else:
        pytest.fail("the run never completes")

    assert {"BACKFILL_BEGUN", "BATCH_UPDATED", "BATCH_DONE"} <= set(points)


@pytest.mark.postgres(ends=True)
def test_killed_at_every_point(database: Database, victims: Victims, tmp_path: Path) -> None:
    connection = database.connect()
    path = tmp_path / "plan.json"
    points = []
    for number in victims.points(database):
        reset(connection)
        given = whole(database)
        path.write_bytes(msgspec.json.encode(given))
        ended = victims.kill(database, path, number)
        if ended.returncode == 0:
            break
        points.append(ended.point)

        assert ended.returncode == -9, ended.stderr

        carry_out(database, given, all_phases=True, wait_s=30.0, patient=True)

        assert_right(connection, ended.point)
    else:
        pytest.fail("the run never completes")

    if victims.points(database).step == 1:
        assert {"TAKEN_OVER", "STEP_DONE", "BATCH_UPDATED", "BUILD_SENT", "BUILD_ENDED"} <= set(points)
        assert {"LEASE_TAKEN", "LEASE_RECORDED", "RUNNER_LEFT", "RUNNER_REGAINED"} <= set(points)
        assert {"LEASE_ENDED", "LEASE_LEFT"} <= set(points)


def assert_right(connection: psycopg.Connection[Any], where: str) -> None:
    query = "SELECT count(*) FROM users WHERE nickname IS DISTINCT FROM upper(email) OR changes <> 1"

    assert connection.execute(query).fetchone() == (0,), where
    assert connection.execute(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'users'::regclass"
    ).fetchall() == [("users_pkey",)], where
    assert (MigrationState.APPLIED.value,) == connection.execute(
        "SELECT state FROM migrator.migration"
    ).fetchone()
    assert connection.execute("SELECT rows_done FROM migrator.backfill").fetchone() == (ROWS,), where
    assert (
        connection.execute(
            "SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'age'"
        ).fetchall()
        == []
    ), where
    assert connection.execute("SELECT count(*) FROM migrator.session").fetchone() == (0,), where
