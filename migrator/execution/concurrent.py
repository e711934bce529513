"""Decisions of the state machines behind CONCURRENTLY: what the catalog says, and what to do about it.

CREATE, DROP and REINDEX INDEX CONCURRENTLY and DETACH PARTITION CONCURRENTLY commit on their way, so that
whoever comes after a crash finds one of the five states of `Found`. `TRANSITIONS` leads from there; `verdict`
judges an attempt that the server refused. Pure: no clock, no server.
"""

import enum
from collections.abc import Mapping

import msgspec

ATTEMPTS = 5
"""After so many deadlocks a person has to look."""

FUTILE = 2 * ATTEMPTS
"""So many statements may succeed, or be ended by others, without leading on."""

_FIRST_PATIENCE_S = 1.0
_LONGEST_PATIENCE_S = 60.0


class Found(enum.Enum):
    """What the catalog, and the list of server processes, say of the work of a step."""

    UNTOUCHED = "nothing of it is there"
    AT_WORK = "a server process is at it"
    HALF_DONE = "a statement ended on its way: an invalid index, a partition that is pending detach"
    DONE = "it is as the step leaves it"
    OTHER = "something else is in its place"


class Move(enum.Enum):
    """What comes next."""

    RUN = "look for drift, then send the statement"
    MEND = "remove what a half done build left, or finish what can only be finished"
    ADOPT = "wait for the server process that is at work, and look again"
    CONCLUDE = "record the step as done"
    REFUSE = "record the step as failed: a person is needed"


TRANSITIONS: Mapping[tuple[Found, bool], Move] = {
    # Nothing is there, whoever came before: (begin again) is all there is to do.
    (Found.UNTOUCHED, True): Move.RUN,
    (Found.UNTOUCHED, False): Move.RUN,
    # Never dropped under, nor doubled: hours of work are taken over from the runner that died.
    (Found.AT_WORK, True): Move.ADOPT,
    # A person, or another tool, is building the same: its end tells what it was.
    (Found.AT_WORK, False): Move.ADOPT,
    # Our intent stood in the journal before the statement was sent, so the remains are ours.
    (Found.HALF_DONE, True): Move.MEND,
    # Somebody else's failed build: they may still want to look at it.
    (Found.HALF_DONE, False): Move.REFUSE,
    # By us without being able to say so, or by hand: the definition was compared.
    (Found.DONE, True): Move.CONCLUDE,
    (Found.DONE, False): Move.CONCLUDE,
    # Another definition, another table: nothing of that is ever touched.
    (Found.OTHER, True): Move.REFUSE,
    (Found.OTHER, False): Move.REFUSE,
}


def next_move(found: Found, *, ours: bool) -> Move:
    """Return what to do; `ours`: an intent of this step is in the journal, or the file asks to end it."""
    return TRANSITIONS[found, ours]


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended that did not succeed; times in seconds."""

    lost: bool
    """The session is gone: what became of the statement is for the next connection to find out."""
    cancelled: bool
    deadlock: bool
    passing: bool
    """A lock, a timeout or a deadlock: a later attempt may succeed without anybody's doing."""
    stopped: bool
    """The person asked a second time to stop, which cancels the statement."""
    seconds: float
    """Since this run took the step up."""
    deadline_s: float
    attempts: int
    patient: bool
    """Its attempts give way to the application, and are repeated until the deadline."""


class Verdict(enum.Enum):
    """What an attempt that did not succeed means."""

    LOST = "reconnect, and look"
    INTERRUPTED = "clear away, exit 130 or 143"
    DEADLINE = "clear away, exit 7"
    CANCELLED = "clear away, exit 7: somebody else ended it"
    AGAIN = "look, and try again"
    REFUSED = "clear away, exit 8"


def verdict(refusal: Refusal) -> Verdict:
    """Return what to do after an attempt that the server refused."""
    if refusal.lost:
        return Verdict.LOST
    if refusal.stopped and refusal.cancelled:
        return Verdict.INTERRUPTED
    if refusal.passing and refusal.seconds >= refusal.deadline_s:
        return Verdict.DEADLINE
    if refusal.patient and refusal.passing:
        return Verdict.AGAIN
    if refusal.cancelled:
        return Verdict.CANCELLED
    if refusal.deadlock and refusal.attempts < ATTEMPTS:
        return Verdict.AGAIN
    return Verdict.REFUSED


def patience_s(attempt: int, left_s: float) -> float:
    """Return how long attempt number `attempt` (from 1) may wait while it holds a lock that nobody asks for.

    It grows, because what is waited for may last; it is bounded by the `left_s` seconds up to the deadline.
    """
    return min(_FIRST_PATIENCE_S * 2.0 ** min(attempt - 1, 10), _LONGEST_PATIENCE_S, left_s)
