"""A step: the unit that is shown, executed, recorded and resumed.

All SQL stands in the step when the plan is made; the runner adds values (keys, batch sizes) and its own
LOCK TABLE, journal row and COMMIT, nothing else. Placeholders are PostgreSQL's own `$1`, `$2`, …; what is
done partition by partition is a template, whose places the runner fills with names (`partition_template`).
"""

from __future__ import annotations

import enum

import msgspec

from migrator.plan.effect import Effect, RelationLock
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.partition_template import Template
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


class Phase(enum.StrEnum):
    """Phases in the order in which they run."""

    EXPAND = "expand"
    """Quick; the old and the new application both work."""
    BACKFILL = "backfill"
    """Rows are filled in batches."""
    VALIDATE = "validate"
    """Slow work under harmless locks: validation, index builds, SET NOT NULL."""
    CONTRACT = "contract"
    """The old application would break, or data goes; only on demand."""

    @property
    def rank(self) -> int:
        """0 … 3."""
        return list(Phase).index(self)


class Recovery(enum.StrEnum):
    """How the next run learns what a crash left behind."""

    TRANSACTIONAL = "transactional"
    """The journal row commits in the step's own transaction."""
    PROBED = "probed"
    """An intent row first, then the catalog tells."""
    CHECKPOINTED = "checkpointed"
    """The cursor commits with its batch."""
    UNPROVABLE = "unprovable"
    """A crash in between needs a person: exit 8, `migrate resolve`."""


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """The complete session state of a step, so that resuming in a new session changes nothing.

    `settings` are (name, value) pairs; a value is SQL as it may stand after `SET name TO`: a slice of the
    user's file or a literal of ours. Later pairs win.
    """

    role: str | None = None
    settings: tuple[tuple[str, str], ...] = ()


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """The step's own timeouts in milliseconds; None is no limit (0 on the server)."""

    lock_ms: int | None
    statement_ms: int | None
    deadline_s: float
    """How long attempts are made, or a long step may run, before the run stops with exit 7."""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """A query that names the offending rows after an error of this SQLSTATE.

    At most a few rows, one text column.
    """

    sqlstate: str
    sql: str
    message: str
    """E.g. 'duplicate values stand in the way of the unique index'."""


class Transaction(msgspec.Struct, frozen=True, kw_only=True, tag="transaction"):
    """Statements in one short transaction, after LOCK TABLE for `acquire` (tables only, in order)."""

    statements: tuple[str, ...]
    acquire: tuple[RelationLock, ...] = ()


class Autocommit(msgspec.Struct, frozen=True, kw_only=True, tag="autocommit"):
    """One statement that cannot run in a transaction block, and whose outcome no catalog proves."""

    sql: str


class BuildIndex(msgspec.Struct, frozen=True, kw_only=True, tag="build-index"):
    """CREATE INDEX CONCURRENTLY as a state machine: done, half done, absent, still running."""

    sql: str
    """The CREATE INDEX CONCURRENTLY statement."""
    table: QualifiedName
    index: QualifiedName
    unique: bool
    definition: str
    """What stands after the table's name.

    Executed once on an empty temporary copy to learn the expected definition.
    """
    drop_sql: str
    """DROP INDEX CONCURRENTLY of exactly this index, for the remains of a failed build."""


class DropIndex(msgspec.Struct, frozen=True, kw_only=True, tag="drop-index"):
    """DROP INDEX CONCURRENTLY; done when the index is absent."""

    sql: str
    table: QualifiedName
    index: QualifiedName


class DetachPartition(msgspec.Struct, frozen=True, kw_only=True, tag="detach-partition"):
    """DETACH PARTITION CONCURRENTLY as a state machine: attached, half detached, detached."""

    sql: str
    """The statement that detaches."""
    finalize_sql: str
    """DETACH PARTITION FINALIZE, which ends what an interrupted one began."""
    root: QualifiedName
    partition: QualifiedName


class KeyColumn(msgspec.Struct, frozen=True):
    """A column of the key by which a table is walked."""

    name: str
    type: str


class Backfill(msgspec.Struct, frozen=True, kw_only=True, tag="backfill"):
    """A walk over a table in windows of its key; every query is complete, `$n` are filled in by the runner.

    k is the number of key columns. Keys travel as text and are cast in the SQL.
    Without a key (`key == ()`) windows are page ranges: a key is then one block number, cast to bigint in
    the SQL.
    """

    table: QualifiedName
    key: tuple[KeyColumn, ...]
    prepare_sql: tuple[str, ...] = ()
    """Run once, in one transaction with the first checkpoint (the captured key list)."""
    value_sql: tuple[str, ...] = ()
    """Run once: each gives one text value, stored with the first checkpoint.

    Bound after the window's parameters.
    """
    upper_sql: str
    """The walk's upper bound: one row of k text columns, no row for an empty table. No parameters."""
    first_window_sql: str
    """The end of the first window: parameters upper bound (k), rows n. One row of k text columns, or none."""
    next_window_sql: str
    """The end of the next window: parameters last key (k), upper bound (k), rows n."""
    first_update_sql: str
    """The plain UPDATE of the first window: parameters its end (k), values."""
    update_sql: str
    """The plain UPDATE of a window: parameters last key (k, exclusive), end (k, inclusive), values."""
    first_skip_locked_sql: str
    """As first_update_sql, passing over rows that are locked; gives one row: rows changed."""
    skip_locked_sql: str
    """As update_sql, passing over rows that are locked; gives one row: rows changed."""
    first_left_sql: str
    """Keys (k text columns each) in the first window that still need work: parameters its end (k), values."""
    left_sql: str
    """Keys in the window that still need work: parameters last key (k), end (k), values."""
    row_sql: str
    """The UPDATE of one row by its key: parameters key (k), values. Waits for the row's lock."""
    remaining_sql: str
    """Keys of up to 5 rows up to the upper bound that still need work: parameters upper bound (k), values."""
    finish_sql: tuple[str, ...] = ()
    """Run in the transaction that records the end (drop the captured key list)."""
    estimated_rows: int | None = None


class PartitionIndexes(msgspec.Struct, frozen=True, kw_only=True, tag="partition-indexes"):
    """An index for every partition below a table, attached to the table's own, which is valid in the end.

    The partitions are those that are found when it runs, at every level, and looked for again until none is
    without. A matching valid index of a partition is taken instead of a new one.
    """

    table: QualifiedName
    """The partitioned table."""
    index: QualifiedName
    """Its index; an earlier step made it, on the table alone."""
    unique: bool
    label: str
    """The last word of an index name that the server chooses: idx, key or pkey."""
    definition: str
    """What stands after the table's name, as in `BuildIndex`."""
    build: Template
    """Outside a transaction: CREATE INDEX CONCURRENTLY on a partition that holds rows."""
    drop: Template
    """Outside a transaction: removes what a failed build left."""
    constrain: Template | None = None
    """The partition's constraint, which takes over the finished index; None for a plain index."""
    branch: Template
    """For a partition that is partitioned itself: its index, or constraint, on it alone."""
    attach: Template
    quick: Timeouts
    """Of everything but the build; each is a short transaction of its own."""
    known: tuple[QualifiedName, ...] = ()
    """The partitions when it was planned, at every level; they may come and go without making it stale."""


class PartitionConstraints(msgspec.Struct, frozen=True, kw_only=True, tag="partition-constraints"):
    """A constraint that every partition holding rows gets, or has, and that is validated one by one.

    The partitions are those that are found when it runs. One that has the constraint validated is left alone.
    """

    table: QualifiedName
    """The partitioned table."""
    constraint: str
    add: Template | None = None
    """Adds it NOT VALID to a partition; None where the table's own reaches every partition."""
    add_acquire: tuple[RelationLock, ...] = ()
    """Locks beside the partition's own that `add` needs."""
    add_mode: LockMode = LockMode.SHARE_ROW_EXCLUSIVE
    """The lock of `add` on the partition."""
    validate: Template
    """In a transaction of its own: a scan, and reads and writes go on."""
    close: Transaction | None = None
    """Once every partition has it: fails, and changes nothing, if there is one that has not."""
    close_locks: tuple[RelationLock, ...] = ()
    quick: Timeouts
    """Of everything but the validation."""
    known: tuple[QualifiedName, ...] = ()
    """The partitions when it was planned, at every level."""


Work = (
    Transaction
    | Autocommit
    | BuildIndex
    | DropIndex
    | RebuildIndexes
    | DetachPartition
    | Backfill
    | PartitionIndexes
    | PartitionConstraints
)

PARTITION_WORK = (PartitionIndexes, PartitionConstraints)

PART = "/"
"""Stands in the id of a part, which is what a step does for one partition: `3.2/"public"."events_1"/…`."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a plan."""

    migration: str
    """Version of the file it belongs to."""
    id: str
    """`statement.k`, e.g. 3.2: stable under edits of other statements.

    The journal's key together with the version.
    """
    phase: Phase
    title: str
    """What it does, in a few of PostgreSQL's words: 'ADD COLUMN nickname of public.users'."""
    work: Work
    recovery: Recovery
    effect: Effect
    session: SessionState
    timeouts: Timeouts
    statement: int
    """1-based index of the source statement in its file."""
    file: str = ""
    line: int = 0
    column: int = 0
    operation: str = ""
    """Name of the operation's page."""
    recipe: str | None = None
    """Recipe of the catalogue, e.g. R5."""
    undo: tuple[str, ...] = ()
    """Statements that reverse it until contract; () where nothing is to be undone or nothing can be."""
    undo_note: str | None = None
    """Why there is no undo, or what it cannot bring back."""
    diagnoses: tuple[Diagnosis, ...] = ()
    preconditions: tuple[Diagnosis, ...] = ()
    """Asked before the first attempt, under no lock but ACCESS SHARE: rows found fail the step, and nothing
    has changed. For a NOT VALID constraint, which would refuse every UPDATE of an old row that violates it.
    """
    as_written: bool = False
    """The user's own text, unchanged."""
    commutes: bool = False
    """May move before backfill and validate steps of earlier statements of the same file; in contract:
    holds no later step back (see planner).
    """
