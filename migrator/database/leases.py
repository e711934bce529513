"""Leases of other runs: read, waited for, and refused where somebody wants what they belong to.

A long backfill gives up the runner lock and keeps the lease of its migration (`lease`). Nobody waits for a
lease with the runner lock in hand: the one who holds the lease needs that lock in order to finish.
"""

import time
from collections.abc import Callable, Collection

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_random

from migrator.database import journal_install, runner_lock
from migrator.database.journal_read import read_latest_event, read_leases, read_runner
from migrator.database.session import Connection, Connector
from migrator.database.translate import translating
from migrator.errors import RunnerBusy
from migrator.execution.events import Observer, WaitingForRunner
from migrator.execution.journal import Journal
from migrator.execution.options import RunOptions
from migrator.execution.runners import LeaseRecord

Sleep = Callable[[float], None]

_BUSY = "another runner is at work"


def held(connection: Connection, schema: str) -> tuple[LeaseRecord, ...]:
    """Return the leases that others hold; none where there is no journal."""
    return read_leases(connection, schema) if journal_install.exists(connection, schema) else ()


def acquire_alone(
    connection: Connection, schema: str, options: RunOptions, observer: Observer, *, sleep: Sleep = time.sleep
) -> None:
    """Take the runner lock when nobody holds a lease either. Raises RunnerBusy, Interrupted."""

    def found() -> str | None:
        if not runner_lock.try_acquire(connection, schema):
            return runner_lock.holder(connection, schema)
        leases = held(connection, schema)
        if not leases:
            return None
        runner_lock.release(connection, schema)
        return str(leases[0])

    _poll(found, options, observer, options.wait_s, sleep)


def refuse(connection: Connection, schema: str, version: str, *, sleep: Sleep = time.sleep) -> None:
    """Raise RunnerBusy where another run works on the migration; one that has just ended is waited for."""

    def found() -> str | None:
        return next((str(lease) for lease in held(connection, schema) if lease.version == version), None)

    reason = _last(found, runner_lock.ENDING_S, sleep)
    if reason is not None:
        raise RunnerBusy(f"{_BUSY}: {reason}")


def wait_until_free(
    connector: Connector,
    schema: str,
    versions: Collection[str],
    options: RunOptions,
    observer: Observer,
    *,
    wait_s: float,
    sleep: Sleep = time.sleep,
) -> float:
    """Wait until nobody works on one of these migrations any more; return the seconds that took.

    Raises RunnerBusy, Interrupted.
    """
    began = time.monotonic()

    def found() -> str | None:
        leases = [lease for lease in held(connection, schema) if lease.version in versions]
        gone = {*versions} - {lease.version for lease in leases}
        return None if gone else str(leases[0])

    with connector.session("waiting", read_only=True) as connection, translating("waiting for another run"):
        _poll(found, options, observer, wait_s, sleep)
    return time.monotonic() - began


def others_were_at_it(
    connector: Connector,
    schema: str,
    seen: Journal,
    options: RunOptions,
    observer: Observer,
    *,
    sleep: Sleep = time.sleep,
) -> bool:
    """Whether another run changed the database while it was looked at; waits until that has ended.

    Raises RunnerBusy, Interrupted.
    """

    def found() -> str | None:
        runner = read_runner(connection, schema, journal=journal_install.exists(connection, schema))
        return None if runner is None else str(runner)

    with connector.session("waiting", read_only=True) as connection, translating("waiting for another run"):
        busy = seen.runner is not None or found() is not None
        _poll(found, options, observer, options.wait_s, sleep)
        known = journal_install.exists(connection, schema)
        latest = read_latest_event(connection, schema) if known else 0
        return busy or known != seen.exists or latest != seen.latest_event


def _poll(
    found: Callable[[], str | None], options: RunOptions, observer: Observer, wait_s: float, sleep: Sleep
) -> None:
    """Ask until nothing is found in the way. Raises RunnerBusy with what was found last, Interrupted."""
    began = time.monotonic()

    def attempt() -> str | None:
        options.stop.check()
        reason = found()
        if reason is not None:
            observer.event(WaitingForRunner(holder=reason, waited_s=time.monotonic() - began))
        return reason

    reason = _last(attempt, wait_s, sleep)
    if reason is not None:
        raise RunnerBusy(f"{_BUSY}: {reason}")


def _last(found: Callable[[], str | None], wait_s: float, sleep: Sleep) -> str | None:
    """Ask until the answer is None, for so long; return the last answer."""
    try:
        Retrying(
            retry=retry_if_result(lambda reason: reason is not None),
            stop=stop_after_delay(wait_s),
            wait=wait_random(0.1, 0.7),  # seconds
            sleep=sleep,
        )(found)
    except RetryError as error:
        return str(error.last_attempt.result())
    return None
