"""What a run says while it goes: frozen events, and the observer that receives them.

Times are seconds. An observer must be quick and must not raise: the run is in the middle of its work.
"""

from typing import Protocol

import msgspec

from migrator.execution.blocker import Blocker
from migrator.execution.journal import MigrationState
from migrator.plan.effect import RelationLock
from migrator.plan.step import Phase, Step
from migrator.postgres.identifiers import QualifiedName


class WaitingForRunner(msgspec.Struct, frozen=True, kw_only=True):
    """Another runner holds the database."""

    holder: str
    waited_s: float


class LeaseTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A long backfill has given up the runner lock: other runs may go on with other tables."""

    step: Step


class TookOver(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions that an earlier run left behind were ended."""

    pids: tuple[int, ...]


class Reconnected(msgspec.Struct, frozen=True, kw_only=True):
    """The connection was lost and is back; the run goes on from the journal."""

    error: str


class MigrationStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A migration begins, or goes on."""

    version: str
    name: str
    steps: int
    done: int
    """Steps that are done already."""


class StepStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A step begins, or goes on."""

    step: Step
    number: int
    """1-based position in its migration."""
    steps: int
    resumed: bool


class LockAttemptFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A lock was not to be had; another attempt follows."""

    step: Step
    attempt: int
    waited_s: float
    """Since the first attempt."""
    deadline_s: float
    wanted: tuple[RelationLock, ...]
    blockers: tuple[Blocker, ...]
    error: str


class BuildProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a statement CONCURRENTLY is, every second or so."""

    step: Step
    pid: int
    stage: str
    """pg_stat_progress_create_index.phase, what a statement without such a view waits for, or ''."""
    done: int
    total: int
    """Blocks or tuples, whichever the stage counts; 0 when unknown."""
    elapsed_s: float
    waits_for: tuple[Blocker, ...]
    """The one it waits for now first, then those whose turn comes; it waits for one at a time."""
    adopted: bool
    """It was begun by an earlier run whose server process goes on."""
    lockers_done: int = 0
    """Transactions waited out in this stage."""
    lockers_total: int = 0
    behind: tuple[Blocker, ...] = ()
    """Who waits for a lock that the build holds."""


class LeftAlone(msgspec.Struct, frozen=True, kw_only=True):
    """Invalid indexes stay where they are: this step did not make them, or its role may not remove them."""

    step: Step
    indexes: tuple[str, ...]
    """Quoted and qualified."""
    ours: bool = False
    """The step made them, on a TOAST table."""


class BlockerTerminated(msgspec.Struct, frozen=True, kw_only=True):
    """A session in the way was ended, as `terminate_blockers` asks for."""

    step: Step
    blocker: Blocker
    after_s: float
    """It had been in the way for at least so long."""


class BlockerSpared(msgspec.Struct, frozen=True, kw_only=True):
    """A session in the way is not ended, though it has been there for long enough; told once of each."""

    step: Step
    blocker: Blocker
    reason: str


class PartitionDone(msgspec.Struct, frozen=True, kw_only=True):
    """A partition has what the step brings to every one of them."""

    step: Step
    partition: QualifiedName
    index: QualifiedName | None = None
    """Its index, where that is what the step brings."""


class BatchDone(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of a backfill is committed."""

    step: Step
    rows: int
    """Rows this batch changed."""
    rows_done: int
    rows_skipped: int
    """Locked rows that still wait."""
    estimated_rows: int | None
    batch_rows: int
    """Size of the next window."""
    seconds: float
    rate: float | None
    """Rows a second, smoothed."""
    eta_s: float | None
    contended: bool
    """Locked rows were passed over."""


class BatchCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """A batch was rolled back, and its rows are tried again; nothing of it remains."""

    step: Step
    batch_rows: int
    """Size of its window."""
    seconds: float
    limit_s: float
    """The time limit it had."""
    next_rows: int
    next_limit_s: float
    troubles: int
    """So many in a row."""
    error: str
    blockers: tuple[Blocker, ...] = ()
    """Who holds a lock on the whole table that was waited for in vain."""


class Sweeping(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that were locked before are tried again, with more patience each round."""

    step: Step
    round: int
    left: int
    blockers: tuple[Blocker, ...] = ()
    """Who may have locked them, where a row was waited for in vain."""


class WaitingForStandby(msgspec.Struct, frozen=True, kw_only=True):
    """The step is committed, its locks are released; a synchronous standby has yet to confirm it."""

    step: Step
    waited_s: float
    standbys: str
    """The server's synchronous_standby_names."""


class StepFinished(msgspec.Struct, frozen=True, kw_only=True):
    """A step is done, or was found done."""

    step: Step
    number: int
    steps: int
    seconds: float
    attempts: int
    found_done: bool = False
    """The catalog proved it: an earlier run had finished it without being able to say so."""
    rows: int | None = None


class MigrationFinished(msgspec.Struct, frozen=True, kw_only=True):
    """A migration reached a state in which this run leaves it."""

    version: str
    name: str
    state: MigrationState
    waiting: tuple[Step, ...] = ()
    """The contract steps that wait for `migrate contract`."""
    held_before: Phase | None = None
    """The phase that this run was not asked for."""


class MigrationBlocked(msgspec.Struct, frozen=True, kw_only=True):
    """A file was not begun because an unfinished one touches the same relations."""

    version: str
    name: str
    by: str
    relations: tuple[str, ...]
    """() where one of the two may touch anything."""


class MigrationElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """A migration was left alone because another run works on it."""

    version: str
    name: str
    holder: str


Event = (
    WaitingForRunner
    | LeaseTaken
    | TookOver
    | Reconnected
    | MigrationStarted
    | StepStarted
    | LockAttemptFailed
    | BuildProgress
    | LeftAlone
    | BlockerTerminated
    | BlockerSpared
    | PartitionDone
    | BatchDone
    | BatchCancelled
    | Sweeping
    | WaitingForStandby
    | StepFinished
    | MigrationFinished
    | MigrationBlocked
    | MigrationElsewhere
)


class Observer(Protocol):
    """Receives the events of a run in their order."""

    def event(self, event: Event) -> None:
        """Take note of it."""


class Silent:
    """An observer that does nothing."""

    def event(self, event: Event) -> None:
        """Ignore it."""
