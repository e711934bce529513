"""While a step does not get its locks: who is in the way, when to try again, when to give up.

Looking blocks nobody: pg_locks is read on the executing connection, which is in no transaction then.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from migrator.database.termination import end_overdue
from migrator.database.workbench import Workbench
from migrator.errors import LockDeadline
from migrator.execution.blocker import Blocker, described
from migrator.execution.events import LockAttemptFailed
from migrator.execution.holders import Holders
from migrator.execution.lock_attempts import (
    GOOD_MOMENT_S,
    LONGEST_LOOK_S,
    LOOK_S,
    QUEUE_SHARE,
    SPRINT,
    UNSEEN_PAUSE_S,
    Approach,
    approach,
    pause_s,
    rest_s,
)
from migrator.plan.effect import RelationLock
from migrator.plan.step import Step

_REPORT_S = 1.0
"""Blockers are named no more often."""

_LOOKING_SHARE = 10
"""Looks take at most one part in so many of the time, but for a busy machine."""


_GOOD_SHARE = 0.75
"""Of the time in the queue: those in the way should be gone by then."""


@dataclass(slots=True, kw_only=True)
class Tries:
    """What earlier attempts of one step taught."""

    acquire: tuple[RelationLock, ...]
    began: float
    jitter: float = 0.5
    count: int = 0
    last: Approach = Approach.NOWAIT
    stuck_on: RelationLock | None = None
    """The lock that was not free; None where the statement itself waited."""
    blockers: tuple[Blocker, ...] = ()
    reported: float = -_REPORT_S
    error: str = ""
    queued: int = 0
    last_queued: float | None = None
    looked_free: bool = False
    """The last look saw nobody in the way."""
    holders: Holders = field(default_factory=Holders)

    @property
    def autovacuum(self) -> bool:
        """Whether one that yields was in the way."""
        return any(b.autovacuum and not b.wraparound for b in self.blockers)

    @property
    def seconds(self) -> float:
        """Since the first attempt."""
        return time.monotonic() - self.began


def next_approach(bench: Workbench, tries: Tries) -> Approach:
    """Count an attempt, and return what it does."""
    tries.count += 1
    due = _queue_in(bench, tries) <= 0
    tries.last = approach(tries.count, queue_due=due, autovacuum=tries.autovacuum)
    if tries.last is Approach.QUEUE:
        tries.queued += 1
        tries.last_queued = time.monotonic()
        tries.jitter = bench.jitter()
    return tries.last


def report(bench: Workbench, step: Step, tries: Tries) -> None:
    """Tell the observer, and the journal, who is in the way; end who has been there for too long."""
    if tries.last is Approach.QUEUE:
        tries.last_queued = time.monotonic()
    if time.monotonic() - tries.reported < _REPORT_S:
        return
    wanted = (tries.stuck_on,) if tries.stuck_on else step.effect.locks
    _look(bench, tries, wanted)
    bench.execute(bench.commands.step_waits(step, described(tries.blockers, tries.error)))
    bench.observer.event(
        LockAttemptFailed(
            step=step,
            attempt=tries.count,
            waited_s=tries.seconds,
            deadline_s=step.timeouts.deadline_s,
            wanted=wanted,
            blockers=tries.blockers,
            error=tries.error,
        )
    )
    end_overdue(bench, step, tries.blockers)


def pause(bench: Workbench, step: Step, tries: Tries, *, longest_s: float) -> None:
    """Sleep until it is worth trying, for `longest_s` at most. Raises Interrupted, Terminated.

    That is when nobody is seen in the way; or an attempt may queue, and those in the way are about to end.
    """
    if tries.count < SPRINT or tries.looked_free:  # what the last look did not see, the next will not see
        bench.sleep(min(longest_s, UNSEEN_PAUSE_S))
        tries.looked_free = False
        return
    wanted = tries.acquire or step.effect.locks
    slept, each = 0.0, LOOK_S
    while slept < longest_s:
        bench.sleep(min(each, longest_s - slept))
        slept += each
        bench.stop.check()
        began = time.monotonic()
        seen = bench.lookout.in_the_way(wanted)
        tries.holders.look(seen, began)
        tries.looked_free = not seen
        if tries.looked_free or _good_moment(bench, tries, began):
            return
        each = min(max(LOOK_S, _LOOKING_SHARE * (time.monotonic() - began)), LONGEST_LOOK_S)


def longest_pause_s(bench: Workbench, tries: Tries) -> float:
    """Return the seconds until the next attempt is due, whatever looks say."""
    longest = pause_s(tries.count, bench.jitter())
    if tries.count < SPRINT:
        return longest
    return max(0.0, min(longest, _queue_in(bench, tries) + GOOD_MOMENT_S))


def deadline(step: Step, tries: Tries) -> LockDeadline:
    """Return the error for a step that did not get its locks."""
    return LockDeadline(
        f"step {step.id} of {step.migration} ({step.title}) did not get its locks in "
        f"{step.timeouts.deadline_s:g} s and {tries.count} attempts: {described(tries.blockers, tries.error)}"
    )


def _look(bench: Workbench, tries: Tries, wanted: Sequence[RelationLock]) -> None:
    tries.blockers = bench.lookout.of_locks(wanted)
    tries.reported = now = time.monotonic()
    tries.holders.learn(tries.blockers, now)


def _good_moment(bench: Workbench, tries: Tries, now: float) -> bool:
    within = _GOOD_SHARE * QUEUE_SHARE * bench.policy.lock_budget_ms / 1000
    return _queue_in(bench, tries) <= 0 and tries.holders.gone_within(within, now)


def _queue_in(bench: Workbench, tries: Tries) -> float:
    """Return the seconds until an attempt may queue again."""
    now = time.monotonic()
    oldest = tries.holders.oldest_s(now)
    rest = rest_s(tries.queued, bench.policy.lock_budget_ms, oldest, tries.jitter)
    return (tries.last_queued or tries.began) + rest - now
