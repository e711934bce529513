"""The instants at which tests let a run fail, each named once; only an injected callable acts on them."""

import enum
from collections.abc import Callable


class FaultPoint(enum.StrEnum):
    """A boundary between two things the run does; the member's text tells what has just happened."""

    LOCKED = "the runner lock is ours, nothing else has happened"
    TAKEN_OVER = "earlier sessions are gone, ours is recorded"
    MIGRATION_BEGUN = "the journal has the migration and its plan"
    STEP_BEGUN = "the step's intent is committed"
    BEFORE_COMMIT = "definitions were looked at; the transaction is ready and nothing of it was sent"
    STEP_DONE = "the step and its journal row are committed"
    DEFINITIONS_KEPT = "the definitions that the step left are written down"
    BUILD_SENT = "CREATE or DROP INDEX CONCURRENTLY was sent to its backend"
    BUILD_ENDED = "CREATE or DROP INDEX CONCURRENTLY has ended, the journal does not know"
    REMAINS_REMOVED = "the invalid index of an earlier build is gone"
    PARTITION_DONE = "what a step does for one partition is done and recorded"
    BACKFILL_BEGUN = "the bounds and values of a walk are committed"
    BATCH_UPDATED = "the rows of a batch are changed, not committed"
    BATCH_DONE = "a batch and its checkpoint are committed"
    ROW_SWEPT = "a row that was locked before is changed and committed"
    LEASE_TAKEN = "the lease is ours besides the runner lock, the journal does not know"
    LEASE_RECORDED = "the journal has the lease, the runner lock is still ours"
    RUNNER_LEFT = "the runner lock is given up, the lease is held"
    RUNNER_REGAINED = "the runner lock is ours again besides the lease, nothing is checked"
    LEASE_ENDED = "the journal has the lease no more, both locks are held"
    LEASE_LEFT = "the lease is given up, the runner lock is held"
    WALK_CHECKED = "no row is left, the step is not yet recorded as done"
    DETACH_TRIED = "an attempt to detach a partition has ended, the journal does not know how"
    AUTOCOMMIT_DONE = "a statement outside a transaction has ended, the journal does not know"
    MIGRATION_ENDED = "the migration's last state is committed"


Faults = Callable[[FaultPoint], None]
"""Called at each boundary; raises, kills the process or does nothing."""


def no_faults(point: FaultPoint) -> None:
    """Do nothing: what every run outside the tests uses."""
