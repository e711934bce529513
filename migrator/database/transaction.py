"""A transaction step: attempts that do not queue, then short waits; the journal row commits with the DDL.

An attempt is one pipeline: BEGIN, the step's session state and timeouts, LOCK TABLE, the stamps of the
definitions, the statements, the journal row, COMMIT. What it may hold or wait for is bounded by the step's
own timeouts.
Fails with LockDeadline, DriftError, or StepFailed with the rows that stand in the way; a lost connection is
psycopg's error, for the runner.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_delay

from migrator.database import commands as sql
from migrator.database.commands import Command
from migrator.database.drift import forget_seen, stamps_for
from migrator.database.journal_commands import CHANGED
from migrator.database.message import Line, exchange
from migrator.database.pipeline import Part, Placed, Refused
from migrator.database.refusal import record_refusal
from migrator.database.standby import confirm
from migrator.database.translate import RETRYABLE
from migrator.database.waiting import Tries, deadline, longest_pause_s, next_approach, pause, report
from migrator.database.workbench import Done, Workbench, reason_of
from migrator.execution.faults import FaultPoint
from migrator.execution.lock_attempts import QUEUE_SHARE, Approach
from migrator.plan.effect import RelationLock
from migrator.plan.step import Step, Transaction
from migrator.postgres.identifiers import QualifiedName

_BRIEF_MS = 10
"""lock_timeout where an attempt does not mean to wait: for the locks that LOCK TABLE cannot take."""

_COURTEOUS_MS = 2_000
"""Autovacuum yields after deadlock_timeout, by default one second."""

_GRACE_MS = 1_000
"""transaction_timeout ends the whole session, so it is only the net under the other timeouts."""

# LOCK TABLE needs an ordinary table and rights that the DDL itself may not need: without them the DDL locks
# alone.
_CANNOT_LOCK = frozenset({"42501", "42809", "42P01", "3F000"})


class _TryAgain(Exception):
    """A lock was not to be had, or a retryable error came up."""


def run_transaction(bench: Workbench, step: Step, work: Transaction) -> Done:
    """Carry out the step, and return how many attempts it took."""
    tries = Tries(acquire=work.acquire, began=time.monotonic(), jitter=bench.jitter())
    retrying = Retrying(
        retry=retry_if_exception_type(_TryAgain),
        stop=stop_after_delay(step.timeouts.deadline_s),
        wait=lambda _: longest_pause_s(bench, tries),
        sleep=lambda longest_s: pause(bench, step, tries, longest_s=longest_s),
        reraise=True,
    )
    try:
        retrying(_attempt, bench, step, work, tries)
    except _TryAgain:
        raise deadline(step, tries) from None
    if _commits_locally(step):
        confirm(bench, step)
    return Done(attempts=tries.count)


def _attempt(bench: Workbench, step: Step, work: Transaction, tries: Tries) -> None:
    bench.check_stop()
    next_approach(bench, tries)
    placed = _commands(bench, step, work, tries, _stamps(bench, step, tries))
    bench.faults(FaultPoint.BEFORE_COMMIT)
    try:
        _send(bench, placed)
    except Refused as refused:
        bench.rollback()
        _judge(bench, step, tries, refused)


def _send(bench: Workbench, placed: list[Placed]) -> None:
    """Send it in one piece: the server could not tell a client that freezes between two from one at work."""
    lines = [Line(command=one.command, recurs=False) for one in placed]
    answers = exchange(bench.connection, lines, bench.session.names)
    if answers.refused is not None:
        raise Refused(placed[min(len(answers.results), len(placed) - 1)], answers.refused)


def _stamps(bench: Workbench, step: Step, tries: Tries) -> Mapping[QualifiedName, str]:
    """Return what the step's relations look like, as of a moment ago; somebody may hold them longer."""
    try:
        return stamps_for(bench, step)
    except psycopg.Error as error:
        if bench.connection.closed or error.sqlstate not in RETRYABLE:
            raise
        _again(bench, step, tries, None, error)


def _judge(bench: Workbench, step: Step, tries: Tries, refused: Refused) -> None:
    """Raise what the refusal means: another attempt, drift, or a failed step."""
    error = refused.error
    if bench.stop.now:
        raise bench.stop.error() from error
    if refused.placed.part is Part.CHECK and error.sqlstate == CHANGED:
        forget_seen(bench)
        tries.error = reason_of(error)
        raise _TryAgain
    if refused.placed.part is Part.LOCK and error.sqlstate in _CANNOT_LOCK:
        gone = refused.placed.lock
        tries.acquire = tuple(lock for lock in tries.acquire if gone is not None and lock != gone)
    elif error.sqlstate not in RETRYABLE:
        raise record_refusal(bench, step, error, tries.count, tries.seconds) from error
    _again(bench, step, tries, refused.placed.lock, error)


def _again(
    bench: Workbench, step: Step, tries: Tries, stuck_on: RelationLock | None, error: psycopg.Error
) -> NoReturn:
    """Say what was in the way, and let another attempt follow."""
    if bench.stop.now:
        raise bench.stop.error() from error
    tries.stuck_on = stuck_on
    tries.error = reason_of(error)
    report(bench, step, tries)
    raise _TryAgain


# --- the pipeline


def _commands(
    bench: Workbench, step: Step, work: Transaction, tries: Tries, stamps: Mapping[QualifiedName, str]
) -> list[Placed]:
    """Return everything from BEGIN to COMMIT; our own calls are made, and planned, before LOCK TABLE too."""
    state, role = step.session, bench.connector.role
    setup = [*sql.enter_session(state), _timeouts(bench, step, work, tries)]
    if _commits_locally(step):
        setup.append(sql.COMMIT_LOCALLY)
    check = [bench.commands.check_stamps(stamps)] if stamps else []
    checked = [
        *_place(Part.SETUP, sql.own_role(state, role)),
        *_place(Part.CHECK, check),
        *_place(Part.SETUP, sql.step_role(state)),
    ]
    record = [
        *sql.own_role(state, role),
        *bench.commands.end_step(step, tries.count, tries.seconds),
        sql.COMMIT,
    ]
    return [
        *_place(Part.SETUP, [sql.BEGIN, bench.commands.warm_end_step(), *setup]),
        *checked,
        *_locks(step, tries),
        *checked,
        *_place(Part.STATEMENT, [sql.plain(text) for text in work.statements]),
        *_place(Part.RECORD, record),
    ]


def _place(part: Part, commands: list[Command]) -> list[Placed]:
    return [Placed(command=command, part=part) for command in commands]


def _locks(step: Step, tries: Tries) -> list[Placed]:
    """Wait in at most one queue: for the lock that was not free last; take the others at once or fail."""
    queued = tries.stuck_on if tries.last is Approach.QUEUE and tries.stuck_on in tries.acquire else None
    rest = [_lock(lock, nowait=True) for lock in tries.acquire if lock != queued]
    return [*_courtesy(step, tries), *(_queue(step, tries, queued) if queued else ()), *rest]


def _lock(lock: RelationLock, *, nowait: bool) -> Placed:
    return Placed(command=sql.lock_table(lock, nowait=nowait), part=Part.LOCK, lock=lock)


def _courtesy(step: Step, tries: Tries) -> list[Placed]:
    """Wait for autovacuum, where the application does not wait behind us."""
    if tries.last is not Approach.COURTEOUS or not tries.acquire:
        return []
    waits = [sql.wait_courteously(lock.relation) for lock in tries.acquire]
    brief = sql.set_local({"lock_timeout": _lock_timeout(step, replace(tries, last=Approach.NOWAIT))})
    return [*_place(Part.LOCK, waits), *_place(Part.SETUP, [brief])]


def _queue(step: Step, tries: Tries, lock: RelationLock) -> list[Placed]:
    """Wait for one lock. lock_timeout counts for each partition anew, so the statement has a bound too."""
    longest, statement = _lock_timeout(step, tries), _statement_timeout(step, tries)
    bound = sql.set_local({"statement_timeout": longest + longest // 4 + 1})
    # One wait is all that the budget allows.
    after = sql.set_local({"statement_timeout": statement, "lock_timeout": min(_BRIEF_MS, longest)})
    return [*_place(Part.SETUP, [bound]), _lock(lock, nowait=False), *_place(Part.SETUP, [after])]


def _timeouts(bench: Workbench, step: Step, work: Transaction, tries: Tries) -> Command:
    lock, statement = _lock_timeout(step, tries), _statement_timeout(step, tries)
    settings: dict[str, int | str] = {
        "lock_timeout": lock,
        "statement_timeout": statement,
        "idle_in_transaction_session_timeout": max(step.timeouts.lock_ms or 0, _GRACE_MS),
    }
    if bench.version.transaction_timeout and step.timeouts.statement_ms is not None:
        waits = lock * (1 + len(tries.acquire))
        settings["transaction_timeout"] = waits + statement * len(work.statements) + _GRACE_MS
    return sql.set_local(settings)


def _statement_timeout(step: Step, tries: Tries) -> int:
    longest = int(step.timeouts.deadline_s * 1000)
    statement = longest if step.timeouts.statement_ms is None else step.timeouts.statement_ms
    return max(statement, _lock_timeout(step, tries))


def _lock_timeout(step: Step, tries: Tries) -> int:
    """Return the milliseconds that any lock of the attempt may be waited for."""
    longest = _COURTEOUS_MS if step.timeouts.lock_ms is None else step.timeouts.lock_ms
    match tries.last:
        case Approach.NOWAIT:
            return min(_BRIEF_MS, longest) if _blocks(step) else longest
        case Approach.COURTEOUS:
            return max(_COURTEOUS_MS, longest) if tries.acquire else longest
        case Approach.QUEUE:
            return int(longest * QUEUE_SHARE) if _blocks(step) else longest


def _blocks(step: Step) -> bool:
    """Whether the application would have to wait behind us; what blocks nobody may wait in peace."""
    return step.effect.unknown or any(lock.mode.blocks_writes for lock in step.effect.locks)


def _commits_locally(step: Step) -> bool:
    """COMMIT would keep a strong lock while it waits for a standby; a second, synchronous write follows."""
    return any(lock.mode.blocks_writes for lock in step.effect.locks)
