"""Which sessions in the way of a step may be ended, and when: `--terminate-blockers AFTER`.

A transaction is due once it has itself stood in the way of the step for AFTER; so those who only pass by,
however many, are never ended. Pure: the caller looks, says what time it is, and ends them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from migrator.execution.blocker import Blocker, Holder

CLIENT = "client backend"


def spared(blocker: Blocker, *, writers: bool, superuser: bool) -> str | None:
    """Return why it is not ended whatever time passes; None where it may be.

    `writers`: transactions that have written may be rolled back; `superuser`: we are one.
    """
    reasons = (
        (blocker.prepared is not None, f"it is prepared; whoever knows it may: {blocker.mend}"),
        (blocker.wraparound, "an autovacuum to prevent wraparound is let finish"),
        (blocker.autovacuum, "autovacuum yields by itself"),
        (blocker.own, "it is a session of migrator's own"),
        (blocker.start is None, "this role may not see what it is: GRANT pg_read_all_stats"),
        (blocker.kind != CLIENT, f"it is no client of the database but a {blocker.kind}"),
        (not blocker.database, "it is connected to another database"),
        (blocker.superuser and not superuser, "it is a superuser's"),
        (
            blocker.writes and not writers,
            "it has written or locked rows, which would be rolled back; terminate_writers allows that",
        ),
    )
    return next((why for holds, why in reasons if holds), None)


@dataclass(slots=True)
class Watch:
    """Since when each transaction has been seen in the way of the step that is under way."""

    _step: str = ""
    _since: dict[Holder, float] = field(default_factory=dict)
    _told: set[Holder] = field(default_factory=set)

    def due(self, step: str, seen: Sequence[Blocker], now: float, after_s: float) -> tuple[Blocker, ...]:
        """Return those of `seen` that have been there for `after_s`, in the same transaction."""
        if step != self._step:
            self._step, self._since, self._told = step, {}, set()
        known = {blocker.holder for blocker in seen}
        self._since = {key: self._since.get(key, now) for key in known}
        return tuple(blocker for blocker in seen if now - self._since[blocker.holder] >= after_s)

    def first_told(self, blocker: Blocker) -> bool:
        """Whether this is the first time that something is said of it; notes that it was."""
        if blocker.holder in self._told:
            return False
        self._told.add(blocker.holder)
        return True
