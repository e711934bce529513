"""The steps of a plan, carried out by the plainest means: what is tested is the SQL, not the runner."""

from typing import Any, assert_never

import psycopg
from psycopg import sql

from migrator.plan.plan import Plan
from migrator.plan.step import (
    Autocommit,
    Backfill,
    BuildIndex,
    DropIndex,
    Step,
    Transaction,
)

Connection = psycopg.Connection[tuple[Any, ...]]


def carry_out(plan: Plan, connection: Connection) -> None:
    """Run every step, contract included; the connection is in autocommit mode."""
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(plan.journal_schema)))
    cursor = psycopg.RawCursor(connection)
    for step in plan.steps:
        _set_session(step, cursor)
        _perform(step, cursor)


def carry_out_naively(statements: list[str], connection: Connection) -> None:
    """Run the user's own statements."""
    cursor = psycopg.RawCursor(connection)
    for statement in statements:
        cursor.execute(statement)


def _set_session(step: Step, cursor: psycopg.RawCursor[Any]) -> None:
    cursor.execute("RESET ALL")
    for name, value in step.session.settings:
        cursor.execute(f"SET {name} TO {value}")


def _perform(step: Step, cursor: psycopg.RawCursor[Any]) -> None:
    work = step.work
    match work:
        case Transaction():
            _transaction(work, cursor)
        case Autocommit() | BuildIndex() | DropIndex():
            cursor.execute(work.sql)
        case Backfill():
            _walk(work, cursor)
        case _:
            assert_never(work)


def _transaction(work: Transaction, cursor: psycopg.RawCursor[Any]) -> None:
    with cursor.connection.transaction():
        for lock in work.acquire:
            cursor.execute(f"LOCK TABLE {lock.relation.quoted} IN {lock.mode} MODE")
        for statement in work.statements:
            cursor.execute(statement)


def _walk(work: Backfill, cursor: psycopg.RawCursor[Any]) -> None:
    """The whole table as one window."""
    for statement in work.prepare_sql:
        cursor.execute(statement)
    values = [row[0] for statement in work.value_sql for row in cursor.execute(statement).fetchall()]
    upper = cursor.execute(work.upper_sql).fetchone()
    if upper is not None:
        cursor.execute(work.first_update_sql, [*upper, *values])
        left = cursor.execute(work.remaining_sql, [*upper, *values]).fetchall()
        assert left == []
    for statement in work.finish_sql:
        cursor.execute(statement)
