"""What looks at the transactions in the way of a step have taught: how long each has been there, and lasts.

Pure; times are seconds of the caller's clock.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from statistics import median

from migrator.execution.blocker import Blocker, Holder

_REMEMBERED = 20
"""Of so many transactions that have ended it is known how long they took."""


@dataclass(slots=True)
class Holders:
    """The transactions in the way."""

    _since: dict[Holder, float] = field(default_factory=dict)
    _looked: float = 0.0
    _lasted: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def look(self, seen: Collection[Holder], now: float) -> None:
        """Take in which transactions are in the way at this moment."""
        for holder, since in self._since.items():
            if holder not in seen:
                self._lasted.append(self._looked - since)
        self._looked = now
        self._since = {holder: self._since.get(holder, now) for holder in seen}

    def learn(self, blockers: Sequence[Blocker], now: float) -> None:
        """Take in what is known of their ages; those that a role may not see count from the first look."""
        self.look([blocker.holder for blocker in blockers], now)
        for blocker in blockers:
            self._since[blocker.holder] = min(self._since[blocker.holder], now - (blocker.age_s or 0.0))

    def oldest_s(self, now: float) -> float | None:
        """Return how old the oldest of them is; None where nobody is in the way."""
        return max((now - since for since in self._since.values()), default=None)

    def gone_within(self, seconds: float, now: float) -> bool:
        """Whether all of them will probably have ended in so short a time: about as old as others became.

        Both ages are from the first look that saw a transaction, the others' to the last one: what looks miss
        at its beginning makes it seem younger, what they miss at the others' ends makes those shorter.
        """
        if not self._lasted:
            return False
        usual = median(self._lasted)
        return all(usual - (now - since) <= seconds for since in self._since.values())
