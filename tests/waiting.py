"""Waiting for what a test waits for: a condition of the server or the program, never a span of time.

A condition is asked again and again, quickly; when it does not come true within a generous bound the test
fails and says what was waited for.
"""

import time
from collections.abc import Callable
from typing import Any, LiteralString, TypeVar

import psycopg

PATIENCE = 30.0
"""Seconds. Far more than any condition needs on a busy machine: reaching it is a failure, not a delay."""

INTERVAL = 0.01

WAITS: LiteralString = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
"""Somebody waits for a lock in this database; others of the same server belong to other tests."""

BUILDS: LiteralString = "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"
BUILD_WAITS_FOR_LOCKERS: LiteralString = BUILDS + " AND lockers_total > 0"
BUILD_WAITS: LiteralString = BUILDS + " AND phase LIKE 'waiting for %'"
END_OF_BUILDS: LiteralString = BUILDS.replace("pid", "pg_terminate_backend(pid)")

Answer = TypeVar("Answer")


def until(predicate: Callable[[], Answer], *, what: str, timeout: float = PATIENCE) -> Answer:
    """Ask until the answer is true, and return that answer."""
    deadline = time.monotonic() + timeout
    while not (answer := predicate()):
        if time.monotonic() > deadline:
            message = f"waited {timeout:g} s in vain: {what}"
            raise AssertionError(message)
        time.sleep(INTERVAL)
    return answer


def until_row(
    observer: psycopg.Connection[Any],
    query: LiteralString,
    parameters: dict[str, object] | None = None,
    *,
    timeout: float = PATIENCE,
) -> tuple[Any, ...]:
    """Run the query on an autocommit connection until it returns a row, and return that row."""
    row = until(lambda: observer.execute(query, parameters).fetchone(), what=query, timeout=timeout)
    assert row is not None

    return tuple(row)


def until_blocked(observer: psycopg.Connection[Any], pid: int, *, timeout: float = PATIENCE) -> None:
    """Wait until that backend stands in the queue for a lock."""
    query: LiteralString = "SELECT 1 FROM pg_stat_activity WHERE pid = %(pid)s AND wait_event_type = 'Lock'"
    until_row(observer, query, {"pid": pid}, timeout=timeout)


def until_idle(observer: psycopg.Connection[Any], pid: int, *, timeout: float = PATIENCE) -> None:
    """Wait until that backend runs no statement; it may still be in a transaction."""
    query: LiteralString = "SELECT 1 FROM pg_stat_activity WHERE pid = %(pid)s AND state <> 'active'"
    until_row(observer, query, {"pid": pid}, timeout=timeout)


def until_gone(observer: psycopg.Connection[Any], pid: int, *, timeout: float = PATIENCE) -> None:
    """Wait until there is no such backend."""
    query: LiteralString = "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %(pid)s)"
    until_row(observer, query, {"pid": pid}, timeout=timeout)
