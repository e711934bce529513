"""How a step tries for its locks: which approach, how long it pauses in between.

A waiting ACCESS EXCLUSIVE blocks every later reader, so most attempts do not wait at all; an attempt that
queues stays in the queue for one lock budget at most, and is followed by a pause many times as long, in
which the application catches up. Pure: the caller brings chance (`jitter`, 0 to 1) and sleeps.
"""

import enum


class Approach(enum.StrEnum):
    """What one attempt does about locks that are not free."""

    NOWAIT = "nowait"
    """Gives up at once."""
    COURTEOUS = "courteous"
    """Waits for autovacuum in SHARE UPDATE EXCLUSIVE, which blocks no reads or writes; then as NOWAIT."""
    QUEUE = "queue"
    """Stands in the queue of one relation, the one that was not free last, for the lock budget."""


SPRINT = 20
"""So many cheap attempts come first."""

_ROUND = 4
"""After them, every so many-th attempt queues."""

_QUEUE_PAUSE_BUDGETS = 10
"""A pause after queueing is at least so many lock budgets."""

_LONGEST_PAUSE_S = 5.0


def approach(attempt: int, *, autovacuum: bool) -> Approach:
    """Return what attempt number `attempt` (from 1) does; `autovacuum`: one was in the way of the last."""
    if autovacuum and attempt % _ROUND == 0:
        return Approach.COURTEOUS
    if attempt <= SPRINT:
        return Approach.NOWAIT
    return Approach.QUEUE if attempt % _ROUND == 1 else Approach.NOWAIT


def pause_s(attempt: int, last: Approach, budget_ms: int, jitter: float) -> float:
    """Return the seconds to sleep after attempt number `attempt`, which took the approach `last`."""
    if last is Approach.QUEUE:
        rounds = (attempt - SPRINT) // _ROUND
        longest = min(_QUEUE_PAUSE_BUDGETS * budget_ms / 1000 * 1.3**rounds, _LONGEST_PAUSE_S)
        return longest * (0.75 + jitter / 2)
    longest = min(0.01 * attempt, 0.1) if attempt <= SPRINT else 0.25
    return longest * (0.5 + jitter)
