"""The end of a backfill: rows that were locked when their batch went by, then proof that nothing is left.

A transaction that waits for one row holds nothing that others need, so patience may grow; it is bounded all
the same.
"""

import time
from typing import Any

import psycopg

from migrator.database import commands as sql
from migrator.database.journal_commands import CHANGED
from migrator.database.refusal import record_failure
from migrator.database.translate import RETRYABLE
from migrator.database.walk import Key, Walk
from migrator.database.workbench import reason_of
from migrator.errors import LockDeadline
from migrator.execution.events import Sweeping
from migrator.execution.faults import FaultPoint

_PATIENCE_MS = (100, 500, 2_000, 5_000, 10_000, 30_000, 60_000)
"""lock_timeout of each round over the rows that are left."""

_PAGE = 100
_CHECKS = 3


def sweep_until_nothing_is_left(walk: Walk, *, last_pass: bool) -> bool:
    """Sweep the rows passed over; return whether nothing is left. Raises LockDeadline or StepFailed.

    False where so much is left that the walk had better begin anew; never with `last_pass`.
    """
    _sweep_skipped(walk)
    for _ in range(_CHECKS):
        keys = walk.remaining()
        if not keys:
            return True
        changed = sum(_patiently(walk, key) for key in keys)
        if changed == 0 and set(keys) & set(walk.remaining()):
            raise _refusal(walk, keys)
    if last_pass:
        raise _refusal(walk, walk.remaining())
    return False


def _sweep_skipped(walk: Walk) -> None:
    bench = walk.bench
    for number, patience in enumerate(_PATIENCE_MS, start=1):
        (left,) = bench.execute(bench.commands.backfill("skipped count", walk.step)).fetchone() or (0,)
        if not left:
            return
        bench.observer.event(Sweeping(step=walk.step, round=number, left=int(str(left))))
        _round(walk, patience)
    keys = _page(walk, None)
    if keys:
        named = "; ".join(f"({', '.join(key)})" for key in keys[:5])
        raise LockDeadline(
            f"step {walk.step.id} of {walk.step.migration}: rows stay locked by others: {named}"
        )


def _round(walk: Walk, patience_ms: int) -> None:
    after: Key | None = None
    while keys := _page(walk, after):
        for key in keys:
            walk.bench.check_stop()
            _try_row(walk, key, patience_ms)
        after = keys[-1]


def _page(walk: Walk, after: Key | None) -> list[Key]:
    command = walk.bench.commands.backfill(
        "skipped keys", walk.step, after=None if after is None else list(after), limit=_PAGE
    )
    rows: list[tuple[Any, ...]] = walk.bench.execute(command).fetchall()
    return [tuple(row[0]) for row in rows]


def _patiently(walk: Walk, key: Key) -> int:
    """Change one row that the last check found, with growing patience."""
    for patience in _PATIENCE_MS:
        walk.bench.check_stop()
        changed = _try_row(walk, key, patience)
        if changed is not None:
            return changed
    raise LockDeadline(f"step {walk.step.id}: the row ({', '.join(key)}) stays locked by others")


def _try_row(walk: Walk, key: Key, patience_ms: int) -> int | None:
    """Change one row in a transaction of its own; return None where it stays locked."""
    bench, began = walk.bench, time.monotonic()
    try:
        with bench.connection.transaction():
            walk.enter(lock_ms=patience_ms, statement_ms=patience_ms + 5_000)
            changed = walk.change_row(key)
            for command in sql.own_role(walk.step.session, bench.connector.role):
                bench.execute(command)
            walk.check()
            bench.execute(bench.commands.backfill("swept", walk.step, key=list(key), rows=changed))
    except psycopg.Error as error:
        if bench.connection.closed or error.sqlstate is None:
            raise
        if bench.stop.now:
            raise bench.stop.error() from error
        if error.sqlstate in RETRYABLE:
            return None
        walk.watch.look()
        if error.sqlstate == CHANGED:
            return None
        reason = f"{reason_of(error)}\nthe row with the key ({', '.join(key)})"
        raise record_failure(bench, walk.step, reason, 1, time.monotonic() - began) from error
    bench.faults(FaultPoint.ROW_SWEPT)
    return changed


def _refusal(walk: Walk, keys: list[Key]) -> Exception:
    walk.watch.look()
    named = "; ".join(f"({', '.join(key)})" for key in keys)
    return record_failure(
        walk.bench,
        walk.step,
        f"rows of {walk.work.table} do not take their new value: {named}. The cause may be a BEFORE trigger "
        "that returns NULL or sets the old value again, a rule, or the application writing the old value.",
    )
