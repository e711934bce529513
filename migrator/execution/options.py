"""What a run was asked for, who asked, and how it ended; plain values for the command line and the demo."""

from collections.abc import Callable

import msgspec

from migrator.execution.faults import Faults, no_faults
from migrator.execution.journal import MigrationState
from migrator.execution.stop import StopRequest
from migrator.plan.step import Phase, Step

WITHOUT_CONTRACT = frozenset({Phase.EXPAND, Phase.BACKFILL, Phase.VALIDATE})


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs this and from where; recorded with every event. Never a secret."""

    tool_version: str
    os_user: str | None = None
    host: str | None = None
    commit: str | None = None
    ci_url: str | None = None


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was asked for."""

    provenance: Provenance
    phases: frozenset[Phase] = WITHOUT_CONTRACT
    """Which of expand, backfill and validate may run."""
    contract: frozenset[str] = frozenset()
    """Versions whose contract phase may run."""
    all_phases: bool = False
    """Contract of every version too: for disposable databases."""
    only: frozenset[str] | None = None
    """Touch no other versions (`migrate contract`); None is all of the plan and all that have begun."""
    to_version: str | None = None
    """Begin nothing after this version."""
    wait_s: float = 600.0
    """How long to wait for another runner."""
    lease_after_s: float = 2.0
    """A backfill that has walked for so long lets other runs go on with other tables."""
    seen: int | None = None
    """The journal's latest event when the plan was made: where others follow, it is to be made anew.

    None: the plan runs as it is, or is refused. Events of this run do not count.
    """
    reconnect_s: float = 60.0
    """How long a lost server is tried again before the run ends with exit 7."""
    show: Callable[[str], str] = str
    """How the statements of other sessions are shown: as they are, or without their constants."""
    stop: StopRequest = msgspec.field(default_factory=StopRequest)
    faults: Faults = no_faults

    def may_contract(self, version: str) -> bool:
        """Whether somebody asked for this version's contract phase."""
        return self.all_phases or version in self.contract


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one migration in this run."""

    version: str
    name: str
    state: MigrationState | None
    """None: it has not begun."""
    steps_run: int = 0
    waiting: tuple[Step, ...] = ()
    """Contract steps that wait for `migrate contract VERSION`."""
    held_before: Phase | None = None
    """The phase that this run was not asked for."""
    blocked_by: str | None = None
    """The unfinished version that touches the same relations."""
    blocked_on: tuple[str, ...] = ()
    elsewhere: str | None = None
    """Who works on it, or on the one that blocks it, in another run."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each migration the run looked at, in the order in which it did."""

    outcomes: tuple[Outcome, ...] = ()
    overtaken: bool = False
    """Another run was at work since the plan was made: what is left of it is to be planned anew."""

    @property
    def waiting(self) -> tuple[Outcome, ...]:
        """Those whose contract phase waits."""
        return tuple(o for o in self.outcomes if o.waiting)

    @property
    def blocked(self) -> tuple[Outcome, ...]:
        """Those not begun because of an unfinished one."""
        return tuple(o for o in self.outcomes if o.blocked_by is not None)

    @property
    def elsewhere(self) -> frozenset[str]:
        """The migrations that other runs work on, and that this one would have to wait for."""
        return frozenset(o.blocked_by or o.version for o in self.outcomes if o.elsewhere is not None)
