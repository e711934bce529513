"""Dropping everything that users made in a database, in one transaction; the database itself stays.

Its settings, grants and privileges by default stay too, and so do the schema public and what extensions own;
an extension goes where the caller says that the files make it. Every statement is put together by the server
from its own identities. Fails with RunnerBusy, LockDeadline naming who stands in the way, PreflightError for
a subscription or a missing right.
"""

import time
from collections.abc import Callable, Sequence

import psycopg
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from migrator.database import leases, runner_lock
from migrator.database.commands import journal_query, plain, set_local
from migrator.database.session import Connection
from migrator.database.translate import RETRYABLE, translating
from migrator.errors import LockDeadline, PreflightError
from migrator.execution.blocker import Blocker
from migrator.execution.events import Observer
from migrator.execution.options import RunOptions

_FILE = "drop_everything.sql"

_ORDER = ("first", "extensions", "schemas", "objects", "last")

_LOCK_TIMEOUT_MS = 1_000

_PATIENCE_S = 20.0
"""How long sessions of others are given to end their transactions."""


def drop_everything(
    connection: Connection,
    schema: str,
    options: RunOptions,
    observer: Observer,
    *,
    extensions: Sequence[str],
    check: Callable[[Connection], None],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Drop it all, and return how many statements that took; `schema` is the journal's.

    `check` is called under the runner lock, when no backfill goes on without it either; it raises where the
    database must not be dropped after all.
    """
    with translating("dropping everything"):
        leases.acquire_alone(connection, schema, options, observer, sleep=sleep)
        try:
            check(connection)
            _refuse_subscriptions(connection)
            return _patiently(connection, options, extensions, sleep)
        finally:
            if not connection.broken:
                runner_lock.release(connection, schema)


def _patiently(
    connection: Connection, options: RunOptions, extensions: Sequence[str], sleep: Callable[[float], None]
) -> int:
    def attempt() -> int:
        options.stop.check()
        with connection.transaction():
            return _drop(connection, extensions)

    try:
        return Retrying(
            retry=retry_if_exception(_passing),
            stop=stop_after_delay(_PATIENCE_S),
            wait=wait_random_exponential(0.05, max=1.0),
            sleep=sleep,
            reraise=True,
        )(attempt)
    except psycopg.Error as error:
        if not _passing(error):
            raise
        raise LockDeadline(
            f"not everything could be locked in {_PATIENCE_S:g} s, so nothing was dropped; "
            f"in a transaction here: {_others(connection)}",
            hint="end these sessions, then run the same command again",
        ) from error


def _drop(connection: Connection, extensions: Sequence[str]) -> int:
    settings = set_local({"lock_timeout": _LOCK_TIMEOUT_MS, "statement_timeout": 0})
    connection.execute(settings.query, settings.parameters)
    number = 0
    for name in _ORDER:
        query = journal_query(_FILE, name, "pg_catalog", {"names": list(extensions)})
        for (statement,) in connection.execute(query.query, query.parameters).fetchall():
            connection.execute(plain(statement).query)
            number += 1
    return number


def _refuse_subscriptions(connection: Connection) -> None:
    found = connection.execute(journal_query(_FILE, "subscriptions", "pg_catalog").query).fetchall()
    if found:
        names = ", ".join(str(name) for (name,) in found)
        raise PreflightError(
            f"the database subscribes to another ({names}): nothing was dropped",
            hint="is it the right database? If it is: DROP SUBSCRIPTION first",
        )


def _others(connection: Connection) -> str:
    rows = connection.execute(journal_query(_FILE, "others", "pg_catalog").query).fetchall()
    found = [
        Blocker(pid=pid, user=user, application=application, state=state, age_s=age, query=None)
        for pid, user, application, state, age in rows
    ]
    return "; ".join(map(str, found)) or "nobody any more"


def _passing(error: BaseException) -> bool:
    return isinstance(error, psycopg.Error) and error.sqlstate in RETRYABLE
