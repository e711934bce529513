"""The end of a backfill: rows that were locked when their batch went by, then proof that nothing is left.

A transaction that waits for one row holds nothing that others need, so patience may grow; it is bounded all
the same.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import psycopg

from migrator.database import commands as sql
from migrator.database.journal_commands import CHANGED
from migrator.database.refusal import record_failure
from migrator.database.translate import RETRYABLE
from migrator.database.walk import Key, Walk
from migrator.database.workbench import reason_of
from migrator.errors import LockDeadline
from migrator.execution.blocker import Blocker, described
from migrator.execution.events import Sweeping
from migrator.execution.faults import FaultPoint

_PATIENCE_MS = (100, 500, 2_000, 5_000, 10_000, 30_000, 60_000)
"""lock_timeout of each round over the rows that are left."""

_TOLD_S = 1.0
"""Who has locked the rows is looked up no more often."""

_PAGE = 100
_CHECKS = 3


@dataclass(slots=True, kw_only=True)
class _Sweep:
    """The rows that are left, and who may have locked them."""

    walk: Walk
    round: int = 0
    left: int = 0
    blockers: tuple[Blocker, ...] = ()
    told: float = field(default_factory=lambda: time.monotonic() - _TOLD_S)

    def waited_in_vain(self, patience_ms: int) -> None:
        """Say who may have locked the row: those whose transactions were there all the time, else any."""
        if time.monotonic() - self.told < _TOLD_S:
            return
        bench, step = self.walk.bench, self.walk.step
        seen = bench.lookout.of_rows(self.walk.work.table)
        lasting = tuple(b for b in seen if b.age_s is None or b.age_s * 1000 >= patience_ms)
        self.blockers = lasting or seen
        whom = described(self.blockers, "rows that others keep locked")
        bench.execute(bench.commands.step_waits(step, whom))
        self.tell()
        self.told = time.monotonic()

    def tell(self) -> None:
        """Tell the observer how many rows are left, and whom they wait for."""
        event = Sweeping(step=self.walk.step, round=self.round, left=self.left, blockers=self.blockers)
        self.walk.bench.observer.event(event)

    @property
    def whose(self) -> str:
        """Who may have locked them, for the end of a message."""
        return f"; may be by {described(self.blockers)}" if self.blockers else ""


def sweep_until_nothing_is_left(walk: Walk, *, last_pass: bool) -> bool:
    """Sweep the rows passed over; return whether nothing is left. Raises LockDeadline or StepFailed.

    False where so much is left that the walk had better begin anew; never with `last_pass`.
    """
    sweep = _Sweep(walk=walk)
    _sweep_skipped(sweep)
    for _ in range(_CHECKS):
        keys = walk.remaining()
        if not keys:
            return True
        changed = sum(_patiently(sweep, key) for key in keys)
        if changed == 0 and set(keys) & set(walk.remaining()):
            raise _refusal(walk, keys)
    if last_pass:
        raise _refusal(walk, walk.remaining())
    return False


def _sweep_skipped(sweep: _Sweep) -> None:
    walk, bench = sweep.walk, sweep.walk.bench
    for number, patience in enumerate(_PATIENCE_MS, start=1):
        (left,) = bench.execute(bench.commands.backfill("skipped count", walk.step)).fetchone() or (0,)
        if not left:
            return
        sweep.round, sweep.left = number, int(str(left))
        sweep.tell()
        _round(sweep, patience)
    keys = _page(walk, None)
    if keys:
        named = "; ".join(f"({', '.join(key)})" for key in keys[:5])
        raise LockDeadline(
            f"step {walk.step.id} of {walk.step.migration}: rows stay locked by others: {named}{sweep.whose}"
        )


def _round(sweep: _Sweep, patience_ms: int) -> None:
    after: Key | None = None
    while keys := _page(sweep.walk, after):
        for key in keys:
            sweep.walk.bench.check_stop()
            sweep.walk.between()
            _try_row(sweep, key, patience_ms)
        after = keys[-1]


def _page(walk: Walk, after: Key | None) -> list[Key]:
    command = walk.bench.commands.backfill(
        "skipped keys", walk.step, after=None if after is None else list(after), limit=_PAGE
    )
    rows: list[tuple[Any, ...]] = walk.bench.execute(command).fetchall()
    return [tuple(row[0]) for row in rows]


def _patiently(sweep: _Sweep, key: Key) -> int:
    """Change one row that the last check found, with growing patience."""
    for patience in _PATIENCE_MS:
        sweep.walk.bench.check_stop()
        changed = _try_row(sweep, key, patience)
        if changed is not None:
            return changed
    step, row = sweep.walk.step, ", ".join(key)
    raise LockDeadline(f"step {step.id}: the row ({row}) stays locked by others{sweep.whose}")


def _try_row(sweep: _Sweep, key: Key, patience_ms: int) -> int | None:
    """Change one row in a transaction of its own; return None where it stays locked."""
    walk, bench, began = sweep.walk, sweep.walk.bench, time.monotonic()
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
            sweep.waited_in_vain(patience_ms)
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
