"""The journal as values: what the database remembers of migrations and their steps.

Filled by `database.journal_store`, read by the decisions of this package and by `migrate status`. The
states' edges stand in one table each; an edge that is not in it is a bug, so `check_*` raises ValueError and
nothing is recorded.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from migrator.execution.runners import LeaseRecord, RunnerRecord
from migrator.plan.plan import Fingerprint, Plan
from migrator.plan.step import Phase, Recovery
from migrator.postgres.identifiers import QualifiedName


class MigrationState(enum.StrEnum):
    """What became of a migration; one without a row in the journal is pending."""

    BEGUN = "begun"
    """Its first step began; it may be running, stopped or interrupted."""
    WAITING = "waiting"
    """All is done but contract, which somebody has to ask for."""
    FAILED = "failed"
    """A step failed; a person is needed, then the next run goes on with it."""
    APPLIED = "applied"
    """Every step is done."""
    BASELINED = "baselined"
    """It was there before the journal; nothing of it was run."""
    ROLLED_BACK = "rolled_back"
    """A person said that nothing of it remains; it is pending again."""


class StepState(enum.StrEnum):
    """What became of a step; one without a row has not begun."""

    BEGUN = "begun"
    """Intent: it may be running, or a crash may have interrupted it."""
    DONE = "done"
    """Proved by its own transaction, by the catalog or by the checkpoint at the end of the walk."""
    FAILED = "failed"
    """The server refused it; tried again by the next run."""
    RESOLVED = "resolved"
    """A person said that it counts as done."""


MIGRATION_EDGES: Mapping[MigrationState | None, frozenset[MigrationState]] = MappingProxyType(
    {
        None: frozenset(
            {
                MigrationState.BEGUN,  # apply
                MigrationState.BASELINED,  # migrate baseline
                MigrationState.APPLIED,  # migrate resolve --applied of a file that never began
            }
        ),
        MigrationState.BEGUN: frozenset(
            {
                MigrationState.BEGUN,  # resumed
                MigrationState.WAITING,  # all but contract is done
                MigrationState.APPLIED,  # all is done, or resolve --applied
                MigrationState.FAILED,  # a step was refused
                MigrationState.ROLLED_BACK,  # resolve --rolled-back
            }
        ),
        MigrationState.WAITING: frozenset(
            {
                MigrationState.BEGUN,  # migrate contract
                MigrationState.WAITING,  # asked again without contract
                MigrationState.APPLIED,  # resolve --applied
                MigrationState.ROLLED_BACK,  # resolve --rolled-back
            }
        ),
        MigrationState.FAILED: frozenset(
            {
                MigrationState.BEGUN,  # the next run tries again
                MigrationState.FAILED,  # and is refused again
                MigrationState.APPLIED,  # resolve --applied
                MigrationState.ROLLED_BACK,  # resolve --rolled-back
            }
        ),
        MigrationState.ROLLED_BACK: frozenset(
            {
                MigrationState.BEGUN,  # apply, from the first step
                MigrationState.BASELINED,  # migrate baseline
                MigrationState.APPLIED,  # resolve --applied
            }
        ),
        MigrationState.APPLIED: frozenset(
            {
                MigrationState.ROLLED_BACK,  # resolve --rolled-back
            }
        ),
        MigrationState.BASELINED: frozenset(
            {
                MigrationState.ROLLED_BACK,  # resolve --rolled-back: it was not there after all
            }
        ),
    }
)

STEP_EDGES: Mapping[StepState | None, frozenset[StepState]] = MappingProxyType(
    {
        None: frozenset(
            {
                StepState.BEGUN,  # the intent
                StepState.RESOLVED,  # migrate resolve --applied
            }
        ),
        StepState.BEGUN: frozenset(
            {
                StepState.BEGUN,  # taken up again after a crash
                StepState.DONE,
                StepState.FAILED,
                StepState.RESOLVED,  # migrate resolve --applied
            }
        ),
        StepState.FAILED: frozenset(
            {
                StepState.BEGUN,  # the next run
                StepState.DONE,  # a probe finds it done
                StepState.RESOLVED,  # migrate resolve --applied
            }
        ),
        StepState.DONE: frozenset(),
        StepState.RESOLVED: frozenset(),
    }
)

SETTLED = frozenset({MigrationState.APPLIED, MigrationState.BASELINED})
"""Nothing remains to be run."""

UNFINISHED = frozenset({MigrationState.BEGUN, MigrationState.WAITING, MigrationState.FAILED})
"""Goes on with the plan that it began with."""


def check_migration(before: MigrationState | None, after: MigrationState) -> MigrationState:
    """Return `after`, or raise ValueError where no edge leads there."""
    if after not in MIGRATION_EDGES[before]:
        raise ValueError(f"a migration cannot go from {before or 'pending'} to {after}")
    return after


def check_step(before: StepState | None, after: StepState) -> StepState:
    """Return `after`, or raise ValueError where no edge leads there."""
    if after not in STEP_EDGES[before]:
        raise ValueError(f"a step cannot go from {before or 'pending'} to {after}")
    return after


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """A server process, told apart from a later one of the same number by its start."""

    pid: int
    start: datetime


class BackfillRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoint of a walk; keys are text, `last` is None before the first window."""

    upper: tuple[str, ...] | None
    """None: the table was empty when the walk began."""
    last: tuple[str, ...] | None
    values: tuple[str | None, ...]
    rows_done: int
    rows_skipped: int
    """Rows that were locked and still wait to be swept."""
    batch_rows: int
    estimated_rows: int | None
    passes: int
    """How often the walk has begun; more than one where rows were found unfilled at its end."""
    walked: bool
    """The walk reached its end; sweeping and the last check remain."""
    rate: float | None
    """Rows a second, smoothed."""


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A step that has begun."""

    version: str
    id: str
    state: StepState
    phase: Phase
    title: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    error: str | None = None
    backend: Backend | None = None
    """Who began it, as the intent row says."""
    backfill: BackfillRecord | None = None

    @property
    def done(self) -> bool:
        """Nothing of it remains to be run."""
        return self.state in {StepState.DONE, StepState.RESOLVED}


class MigrationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A migration that the journal knows."""

    version: str
    name: str
    file: str
    state: MigrationState
    position: int
    """Counts up in the order in which migrations began."""
    plan: Plan | None
    """What it began with and goes on with; None where nothing was run (baselined, resolved)."""
    checksums: tuple[str, ...]
    """Of the statements, in their order; 64 hexadecimal digits each."""
    live: bool = True
    began_at: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None
    steps: Mapping[str, StepRecord] = msgspec.field(default_factory=dict)
    digests: tuple[Fingerprint, ...] = ()
    """Of each relation its steps touch, after the last such step; digest None: it does not exist."""

    @property
    def touches(self) -> frozenset[QualifiedName]:
        """The relations its plan touches."""
        return frozenset(n for m in self.plan.migrations for n in m.touches) if self.plan else frozenset()

    @property
    def touches_everything(self) -> bool:
        """An opaque statement is in it."""
        return self.plan is not None and any(m.touches_everything for m in self.plan.migrations)

    @property
    def lasting_statements(self) -> frozenset[int]:
        """As `begun_statements`, but for those of which nothing remains: a refused transaction."""
        steps = self.plan.steps if self.plan else ()
        begun = [(s, self.steps[s.id]) for s in steps if s.id in self.steps]
        return frozenset(s.statement for s, r in begun if r.done or s.recovery is not Recovery.TRANSACTIONAL)

    @property
    def begun_statements(self) -> frozenset[int]:
        """The 1-based indexes of statements of which a step has a row in the journal."""
        steps = self.plan.steps if self.plan else ()
        return frozenset(s.statement for s in steps if s.id in self.steps)


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, read in one snapshot; `exists` False is a database without one."""

    exists: bool = True
    migrations: tuple[MigrationRecord, ...] = ()
    """In the order in which they began."""
    paused: bool = False
    paused_reason: str | None = None
    runner: RunnerRecord | None = None
    leases: tuple[LeaseRecord, ...] = ()
    """Backfills that go on in other sessions; theirs alone is what belongs to these migrations."""
    latest_event: int = 0
    """The number of the latest event; 0 where there is none."""
    disposable: bool = False
    """It was begun in a disposable environment, and no other has run migrations here since."""
    began_unused: frozenset[str] = frozenset()
    """Versions that an interrupted run set out to begin on a database not in use; some may have no record."""

    def get(self, version: str) -> MigrationRecord | None:
        """Return the record of that version; None where it is unknown or was rolled back."""
        found = next((m for m in self.migrations if m.version == version), None)
        return None if found is None or found.state is MigrationState.ROLLED_BACK else found

    @property
    def settled(self) -> frozenset[str]:
        """Versions of which nothing remains to be run."""
        return frozenset(m.version for m in self.migrations if m.state in SETTLED)

    @property
    def unfinished(self) -> tuple[MigrationRecord, ...]:
        """Those that have begun and not ended, in the order in which they began."""
        return tuple(m for m in self.migrations if m.state in UNFINISHED)
