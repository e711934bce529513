"""From looks at pg_locks to stretches of time: who waited for what, and which locks the run held.

Pure. A look is what pg_locks showed at one moment of the server's clock. What is seen in one look and not in
the next ended between them, and is taken to have ended at the later one; since when somebody waits is told by
the server itself from 14 on, before that by the first look that saw it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import msgspec

from migrator.plan.proof import LockSpan, Wait
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

_MODES = {mode.catalog_name: mode for mode in LockMode}

_ENDING = "/0"

LONGEST_WAITS = 500
"""So many waits are kept."""


class Lock(NamedTuple):
    """A row of pg_locks."""

    pid: int
    transaction: str
    """virtualtransaction."""
    kind: str
    """relation, tuple or transactionid."""
    relation: int | None
    mode: str
    granted: bool
    since: float | None
    """When the wait began, in seconds of the server's clock."""


class Relation(NamedTuple):
    """A relation that was there when the run began."""

    name: QualifiedName
    """Of an index, its table's."""
    is_index: bool


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """All that the looks of a run have shown; times in seconds of the server's clock."""

    waits: tuple[Wait, ...] = ()
    """Of the application, the longest first."""
    spans: tuple[LockSpan, ...] = ()
    """Of all other sessions, in the order in which they began."""
    looks: int = 0
    resolution_s: float = 0.0
    """99 of 100 looks followed the one before within this time."""
    busy: float = 0.0
    """The part of a processor that the sampler's own process took; its backend takes about as much."""


@dataclass(slots=True)
class _Seen:
    relation: int | None
    mode: LockMode | None
    began: float


class Sightings:
    """Collects looks, of which only what is open and what has ended is kept."""

    def __init__(self, relations: Mapping[int, Relation]) -> None:
        self._relations = relations
        self._open: dict[tuple[object, ...], _Seen] = {}
        self._ended: list[tuple[_Seen, float, bool]] = []
        self._times: list[float] = []
        self._transactions: dict[int, str] = {}
        """The last one of each session."""

    def look(self, at: float, locks: Iterable[Lock], application: frozenset[int]) -> None:
        """Take in what pg_locks showed at a moment; `application` are the pids of the traffic."""
        rows = list(locks)
        tuples = {lock.pid: lock.relation for lock in rows if lock.kind == "tuple"}
        seen = set()
        for lock in rows:
            transaction = self._transaction(lock)
            waits = lock.pid in application
            if (waits and lock.granted) or (not waits and lock.kind != "relation"):
                continue
            key: tuple[object, ...] = (waits, lock.pid, transaction, lock.kind, lock.relation, lock.mode)
            seen.add(key)
            relation = tuples.get(lock.pid) if lock.kind == "transactionid" else lock.relation
            mode = _MODES.get(lock.mode) if lock.kind == "relation" else None
            open_one = self._open.setdefault(key, _Seen(relation=relation, mode=mode, began=at))
            open_one.began = min(open_one.began, at if lock.since is None else lock.since)
        for key in self._open.keys() - seen:
            self._ended.append((self._open.pop(key), at, bool(key[0])))
        self._times.append(at)

    def _transaction(self, lock: Lock) -> str:
        """Return the transaction that holds the lock.

        One that ends has given up its number a moment before its locks (CommitTransaction: the process is out
        of ProcArray, then the resource owner lets go), and is shown as N/0 until then.
        """
        if lock.transaction.endswith(_ENDING):
            return self._transactions.get(lock.pid, lock.transaction)
        self._transactions[lock.pid] = lock.transaction
        return lock.transaction

    def sampled(self, *, busy: float = 0.0) -> Sampled:
        """Return what was found; what is still open ends with the last look."""
        last = self._times[-1] if self._times else 0.0
        ended = [*self._ended, *((seen, last, bool(key[0])) for key, seen in self._open.items())]
        waits = [self._wait(seen, end) for seen, end, waited in ended if waited]
        spans = [span for seen, end, waited in ended if not waited for span in self._span(seen, end)]
        gaps = sorted(later - earlier for earlier, later in pairwise(self._times))
        return Sampled(
            waits=tuple(sorted(waits, key=lambda wait: -wait.seconds)[:LONGEST_WAITS]),
            spans=tuple(sorted(spans, key=lambda span: (span.began_s, span.relation, span.mode.strength))),
            looks=len(self._times),
            resolution_s=gaps[len(gaps) * 99 // 100] if gaps else 0.0,
            busy=busy,
        )

    def _wait(self, seen: _Seen, end: float) -> Wait:
        relation = None if seen.relation is None else self._relations.get(seen.relation)
        name = None if relation is None else relation.name
        return Wait(relation=name, mode=seen.mode, began_s=seen.began, seconds=end - seen.began)

    def _span(self, seen: _Seen, end: float) -> list[LockSpan]:
        relation = None if seen.relation is None else self._relations.get(seen.relation)
        if relation is None or relation.is_index or seen.mode is None:
            return []
        return [LockSpan(relation=relation.name, mode=seen.mode, began_s=seen.began, ended_s=end)]
