"""Trying on a scratch database whether the server accepts something, without leaving anything behind."""

from collections.abc import Callable

import psycopg

from migrator.database.session import Connection

CONSTRAINTS = "23"
"""Class of the SQLSTATEs with which rows are refused."""


def refusal(connection: Connection, act: Callable[[], object]) -> psycopg.Error | None:
    """Act in a transaction that is rolled back; return the error, or None.

    Raises psycopg's error of a lost connection.
    """
    try:
        with connection.transaction(force_rollback=True):
            act()
    except psycopg.Error as error:
        if connection.broken:
            raise
        return error
    return None


def violates(error: psycopg.Error | None) -> bool:
    """Whether a constraint refused a row."""
    return error is not None and (error.sqlstate or "").startswith(CONSTRAINTS)
