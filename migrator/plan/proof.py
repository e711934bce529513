"""What a scratch server proved of a plan: plain data, beside the plan and never part of what runs.

Times are those of the scratch server, whose tables hold as many rows as `rows` says; they tell which step
holds a lock for a moment and which for as long as its table is large, not how long production will take.
"""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


class LockSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A lock on a relation from the moment it was asked for until the transaction's end."""

    relation: QualifiedName
    mode: LockMode
    began_s: float
    """Seconds since the run began, by the server's clock."""
    ended_s: float

    @property
    def seconds(self) -> float:
        """How long it was held, the wait for it included."""
        return self.ended_s - self.began_s


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What one step of a plan, or one statement as written, did."""

    migration: str
    id: str
    """Of a step; the number of a statement."""
    title: str
    """Of a step; the first line of a statement."""
    began_s: float
    """Seconds since the run began, by the server's clock."""
    seconds: float
    """From its beginning to its end, its own tracing taken off."""
    locks: tuple[LockSpan, ...] = ()
    """The strongest lock of each of its transactions on each table and view."""
    other_locks: tuple[LockSpan, ...] = ()
    """As `locks`, on indexes and sequences."""
    scans: tuple[QualifiedName, ...] = ()
    rewrites: tuple[QualifiedName, ...] = ()
    index_builds: tuple[QualifiedName, ...] = ()
    wal_bytes: int = 0
    transactions: int = 1
    differences: tuple[str, ...] = ()
    """Where it did not do what the plan declares of it, a sentence each; () where it did."""
    error: str | None = None
    """What the server refused it with."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of the application waited for a lock, as the server saw it."""

    relation: QualifiedName | None
    mode: LockMode | None
    """Which lock was wanted."""
    began_s: float
    seconds: float


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Application requests that ended in one slice of time, all kinds of them together."""

    at_s: float
    """The slice's beginning, in seconds since the run began."""
    longest_ms: float
    median_ms: float
    requests: int
    errors: int


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """What the run was at while the application worked."""

    id: str
    """Of a step; the number of a statement."""
    title: str
    began_s: float
    """Seconds since the run began, by the server's clock."""
    ended_s: float


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What readers and writers on the touched tables noticed of a run."""

    seconds: float
    readers: int
    writers: int
    requests: int
    errors: tuple[str, ...] = ()
    """Different errors, with how often each came."""
    answers: tuple[Answer, ...] = ()
    longest_ms: float = 0.0
    """The longest request, seen by its client."""
    median_ms: float = 0.0
    waits: tuple[Wait, ...] = ()
    """The longest waits for locks, seen by the server."""
    spans: tuple[LockSpan, ...] = ()
    """Locks of the run beside which this traffic was; the run was not traced otherwise."""
    stretches: tuple[Stretch, ...] = ()
    """What the run was at, in the order in which it began."""
    resolution_ms: float = 0.0
    """99 of 100 looks at the server's locks came within this time of the one before.

    What is shorter may be missed, and what is seen is told longer by that much at most.
    """
    stopped: str | None = None
    """What the run ended with before it was complete."""

    @property
    def longest_wait_ms(self) -> float:
        """The longest wait for a lock, seen by the server."""
        return max((wait.seconds * 1000 for wait in self.waits), default=0.0)

    @property
    def exclusive_s(self) -> float:
        """For how long ACCESS EXCLUSIVE was held on, or asked for, any of the relations."""
        exclusive = [span for span in self.spans if span.mode is LockMode.ACCESS_EXCLUSIVE]
        total, until = 0.0, float("-inf")
        for span in sorted(exclusive, key=lambda span: span.began_s):
            total += max(0.0, span.ended_s - max(span.began_s, until))
            until = max(until, span.ended_s)
        return total


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was done on a scratch server with a plan, and with the user's own text beside it."""

    server: str
    """Its version, e.g. 18.4."""
    shadow: str
    """Where it ran: embedded, container:18, or the host of a URL."""
    rows: int
    """How many rows each touched table was to hold."""
    steps: tuple[Measurement, ...] = ()
    statements: tuple[Measurement, ...] = ()
    """The user's own text on a second database."""
    unfilled: tuple[str, ...] = ()
    """What holds fewer rows than asked for, with the reason."""
    schema_differences: tuple[str, ...] = ()
    """Lines of a comparison of the two schemas; () where they are the same."""
    row_differences: tuple[str, ...] = ()
    """Tables whose rows differ."""
    unproved: tuple[str, ...] = ()
    """What could not be compared, with the reason; nothing of it counts as proved."""
    traffic: Traffic | None = None
    naive_traffic: Traffic | None = None

    @property
    def holds(self) -> bool:
        """Whether the plan did what it declares, with the result of the user's own text."""
        wrong = any(step.differences or step.error for step in self.steps)
        stopped = self.traffic is not None and self.traffic.stopped is not None
        return not (wrong or stopped or self.schema_differences or self.row_differences)

    @property
    def longest_exclusive_s(self) -> float:
        """The longest time that a step held ACCESS EXCLUSIVE on anything that was there before."""
        spans = (span for step in self.steps for span in step.locks)
        return max((span.seconds for span in spans if span.mode is LockMode.ACCESS_EXCLUSIVE), default=0.0)
