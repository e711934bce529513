"""How a step tries for its locks: which approach, and how long it leaves the application alone in between.

A waiting ACCESS EXCLUSIVE blocks every later reader. So most attempts do not wait at all: they come when a
look at pg_locks, which blocks nobody, says that nobody is in the way. Beside readers that overlap all the
time that moment never comes; so now and then an attempt stands in the queue, for less than one lock budget,
and the application is left alone for many times as long before the next. Beside a transaction that has been
open for long, queueing is of little use, and rarer still. Pure: the caller brings clock and chance
(`jitter`, 0 to 1), and sleeps.
"""

import enum


class Approach(enum.StrEnum):
    """What one attempt does about locks that are not free."""

    NOWAIT = "nowait"
    """Gives up at once."""
    COURTEOUS = "courteous"
    """Waits for autovacuum in SHARE UPDATE EXCLUSIVE, which blocks no reads or writes; then as NOWAIT."""
    QUEUE = "queue"
    """Stands in the queue of one relation, the one that was not free last, for most of the lock budget."""


SPRINT = 5
"""So many cheap attempts come first."""

_ROUND = 4
"""Every so many-th attempt waits for autovacuum, where one is in the way."""

_REST_BUDGETS = 10
"""After queueing, the application is left alone for at least so many lock budgets."""

_GROWTH = 1.1
"""Of that time, with every attempt that queues."""

_LONGEST_REST_S = 3.0

_LASTING_S = 1.0
"""A transaction that has been open for longer will probably stay open beyond a lock budget."""

_LONGEST_LASTING_REST_S = 10.0

LONGEST_PAUSE_S = 1.0
"""An attempt is made at least so often, whatever a look says: not all that blocks can be seen."""

GOOD_MOMENT_S = 1.0
"""So long an attempt that may queue waits for a moment in which those in the way are about to end."""

QUEUE_SHARE = 0.8
"""Of the lock budget, for standing in the queue; the rest is for the work under the lock."""

UNSEEN_PAUSE_S = 0.25
"""The longest pause where looks do not see what is in the way."""

LOOK_S = 0.03
LONGEST_LOOK_S = 0.1
"""Between two looks at who is in the way, at least and at most."""


def approach(attempt: int, *, queue_due: bool, autovacuum: bool) -> Approach:
    """Return what attempt number `attempt` (from 1) does.

    `queue_due`: the time that `rest_s` gives has passed; `autovacuum`: one was in the way of the last.
    """
    if autovacuum and attempt % _ROUND == 0:
        return Approach.COURTEOUS
    return Approach.QUEUE if queue_due and attempt > SPRINT else Approach.NOWAIT


def rest_s(queued: int, budget_ms: int, oldest_s: float | None, jitter: float) -> float:
    """Return the seconds between the last attempt that queued (or the first attempt) and the next that may.

    `queued` attempts have queued so far; `oldest_s` is the age of the oldest transaction in the way, None
    where none is to be seen.
    """
    growing = _REST_BUDGETS * budget_ms / 1000 * _GROWTH ** min(queued - 1, 100) if queued else 0.0
    rest = min(growing, _LONGEST_REST_S)
    if oldest_s is not None and oldest_s > _LASTING_S:
        rest = max(rest, min(oldest_s / 2, _LONGEST_LASTING_REST_S))
    return rest * (0.75 + jitter / 2)


def pause_s(attempt: int, jitter: float) -> float:
    """Return the longest time to sleep after attempt number `attempt`: less where a look says it is free."""
    return (0.01 * attempt if attempt < SPRINT else LONGEST_PAUSE_S) * (0.5 + jitter / 2)
