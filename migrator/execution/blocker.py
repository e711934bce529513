"""Who stands in the way of a step, or behind it, as plain values and as words. Pure.

What others run is shown to people, logged and written into the journal: it is cut, one line, without
passwords, and where the configuration asks for it without any constants.
"""

from datetime import datetime

import msgspec

_SECONDS_UP_TO = 120.0
"""Up to here an age is told in seconds."""


Holder = tuple[int | None, str | None]
"""A transaction: server process (None of a prepared one), virtual transaction."""


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """A session, or a prepared transaction, that holds (or, behind us, wants) a lock."""

    pid: int | None
    """Of its server process, of a parallel query the leader's; None for a prepared transaction."""
    user: str | None
    application: str | None
    state: str | None
    """`active`, `idle in transaction`, …; None where this role may not see it."""
    age_s: float | None
    """Age of its transaction; None where this role may not see it."""
    query: str | None
    """What it runs, or ran last: one line, cut; None where this role may not see it."""
    mode: str | None = None
    """The strongest lock it holds on one of the relations, e.g. `ROW EXCLUSIVE`; behind us: what it wants."""
    relation: str | None = None
    """That relation, as the server writes its name."""
    prepared: str | None = None
    """The name to ROLLBACK PREPARED or COMMIT PREPARED."""
    autovacuum: bool = False
    wraparound: bool = False
    """An autovacuum that does not yield."""
    own: bool = False
    """A session of ours: recorded by a run, or called as all of ours are."""
    kind: str | None = None
    """pg_stat_activity.backend_type; None where this role may not see it."""
    writes: bool = False
    """It has a transaction id: it has written, or locked rows."""
    superuser: bool = False
    database: bool = True
    """It is connected to this database."""
    start: datetime | None = None
    """When its server process began, which tells it from a later one of the same number."""
    transaction: str | None = None
    """Its virtual transaction, which tells its transaction from its next."""

    @property
    def holder(self) -> Holder:
        """Which transaction it is."""
        return self.pid, self.transaction

    @property
    def mend(self) -> str | None:
        """Return the statement that ends a prepared transaction."""
        if self.prepared is None:
            return None
        return "ROLLBACK PREPARED '" + self.prepared.replace("'", "''") + "'"

    @property
    def brief(self) -> str:
        """Return who it is, for a line that has no room for its query."""
        if self.prepared is not None:
            return f"prepared transaction '{self.prepared}' of {self.user}{self._age(' since ')}"
        if self.autovacuum:
            on = f" of {self.relation}" if self.relation else ""
            why = " to prevent wraparound, which does not yield" if self.wraparound else ""
            return f"autovacuum{on}{why} (process {self.pid}{self._age(', for ')})"
        who = "a session of migrator's own, process" if self.own else "process"
        state = self.state or "its state and query are for pg_read_all_stats"
        named = ", ".join(filter(None, (self.user, self.application or "unnamed", state)))
        return f"{who} {self.pid} ({named}{self._age(', ', ' in its transaction')})"

    @property
    def wanting(self) -> str:
        """Return who it is where it waits behind us, and for what."""
        wants = f", which wants {self.mode} on {self.relation}" if self.mode else ""
        return f"{self.brief}{wants}{self._query}"

    @property
    def _query(self) -> str:
        return f": {self.query}" if self.query and not self.autovacuum else ""

    def __str__(self) -> str:
        holds = f" holds {self.mode} on {self.relation}" if self.mode and not self.autovacuum else ""
        end = f"; to end it: {self.mend}" if self.mend else ""
        return f"{self.brief}{holds}{self._query}{end}"

    def _age(self, before: str, after: str = "") -> str:
        if self.age_s is None:
            return ""
        if self.age_s < _SECONDS_UP_TO:
            return f"{before}{self.age_s:.1f} s{after}"
        return f"{before}{self.age_s / 60:.0f} min{after}"


class RunnerSession(msgspec.Struct, frozen=True, kw_only=True):
    """A server process that works for a run, at this moment."""

    pid: int
    purpose: str
    """`run`, or `build` for what is done CONCURRENTLY."""
    waits_for: tuple[Blocker, ...]
    behind: tuple[Blocker, ...]
    """Who waits for a lock that it holds or wants."""


def described(blockers: tuple[Blocker, ...], otherwise: str = "nobody to be seen") -> str:
    """Return all of them in one line."""
    return "; ".join(map(str, blockers)) or otherwise


def fields_of(blockers: tuple[Blocker, ...]) -> list[dict[str, str | int | float | bool | None]]:
    """Return them as plain values, for logs and JSON."""
    return [
        {
            "pid": blocker.pid,
            "user": blocker.user,
            "application": blocker.application,
            "state": blocker.state,
            "age_s": None if blocker.age_s is None else round(blocker.age_s, 1),
            "mode": blocker.mode,
            "relation": blocker.relation,
            "query": blocker.query,
            "writes": blocker.writes,
            "prepared": blocker.prepared,
            "mend": blocker.mend,
            "autovacuum": blocker.autovacuum,
            "wraparound": blocker.wraparound,
            "own": blocker.own,
        }
        for blocker in blockers
    ]
