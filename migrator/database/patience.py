"""Trying again what only a passing lock stands in the way of; bounded by the policy's lock deadline."""

from collections.abc import Callable

import psycopg
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from migrator.database.translate import RETRYABLE
from migrator.database.workbench import Workbench, reason_of
from migrator.errors import LockDeadline


def patiently(bench: Workbench, action: Callable[[], object], doing: str) -> None:
    """Call `action` until it meets no lock, deadlock or timeout. Raises LockDeadline, Interrupted."""

    def attempt() -> None:
        bench.check_stop()
        action()

    try:
        Retrying(
            retry=retry_if_exception(_passing),
            stop=stop_after_delay(bench.policy.lock_deadline_s),
            wait=wait_random_exponential(0.05, max=2.0),
            sleep=bench.sleep,
            reraise=True,
        )(attempt)
    except psycopg.Error as error:
        if not _passing(error):
            raise
        raise LockDeadline(f"gave up {doing}: {reason_of(error)}") from error


def _passing(error: BaseException) -> bool:
    return isinstance(error, psycopg.Error) and error.sqlstate in RETRYABLE
