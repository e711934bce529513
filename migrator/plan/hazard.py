"""Hazards: what could go wrong with a statement as written, and whether the plan answers it."""

from __future__ import annotations

import enum

import msgspec

from migrator.postgres.identifiers import QualifiedName


class Severity(enum.StrEnum):
    """How a hazard weighs; `plan --fail-on` compares these."""

    INFO = "info"
    """The plan rewrites it away, or it is only good to know."""
    WARNING = "warning"
    """Possible trouble that the plan cannot see."""
    ERROR = "error"
    """Needs an approval in the file, with a reason."""

    @property
    def rank(self) -> int:
        """0, 1, 2."""
        return list(Severity).index(self)


class HazardKind(enum.StrEnum):
    """Closed list; each value is what `-- migrate: allow` and `migrate explain` take, and names its page."""

    TABLE_REWRITE = "table-rewrite"
    """The whole table is written anew under ACCESS EXCLUSIVE."""
    SCAN_UNDER_LOCK = "scan-under-lock"
    """A table is read from end to end while a lock blocks reads or writes."""
    INDEX_BUILD_BLOCKS_WRITES = "index-build-blocks-writes"
    """An index is built while writes wait."""
    INDEX_DROP_BLOCKS = "index-drop-blocks"
    """DROP INDEX queues for ACCESS EXCLUSIVE on the table."""
    NOT_NULL_WITHOUT_DEFAULT = "not-null-without-default"
    """Rows that exist have no value, and inserts of running code will fail."""
    WHOLE_TABLE_UPDATE = "whole-table-update"
    """One transaction locks and rewrites, or deletes, every row."""
    UPDATE_NOT_BATCHABLE = "update-not-batchable"
    """An UPDATE or DELETE whose batches could not give the same result."""
    EXISTING_COLUMN_BACKFILL = "existing-column-backfill"
    """An UPDATE of a column that the application may be writing: the file must say what is meant."""
    OPAQUE_STATEMENT = "opaque-statement"
    """The statement was not understood completely."""
    NO_SAFE_SEQUENCE = "no-safe-sequence"
    """The form is known to be dangerous and has no safe sequence yet."""
    DATA_LOSS = "data-loss"
    """Data is destroyed."""
    BREAKS_RUNNING_CODE = "breaks-running-code"
    """The application that runs now will fail."""
    MAY_BREAK_WRITERS = "may-break-writers"
    """Writes of the running application are refused if they violate the new rule."""
    MAY_FAIL_ON_DATA = "may-fail-on-data"
    """Rows that exist may violate the new constraint; the step will name them."""
    CAST_MAY_FAIL = "cast-may-fail"
    """An expression may raise an error for some row, in the backfill or in the application's own write."""
    NAME_TAKEN = "name-taken"
    """IF NOT EXISTS, or a name, meets an object of another definition."""
    MISSING_OBJECT = "missing-object"
    """The statement names something that does not exist."""
    DEPENDENT_OBJECTS = "dependent-objects"
    """Other objects depend on what is dropped: the server refuses it."""
    INHERITANCE_CHILDREN = "inheritance-children"
    """Keys are not unique over an inheritance tree.

    Partitions and foreign tables need what is not there yet.
    """
    EXTENSION_OWNED = "extension-owned"
    """The object belongs to an extension."""
    REPLICA_IDENTITY_MISSING = "replica-identity-missing"
    """UPDATE and DELETE fail on a published table without a replica identity."""
    EXPLICIT_TRANSACTION = "explicit-transaction"
    """BEGIN … COMMIT in a file: its statements do not run as one transaction on a live database."""
    SESSION_SETTING = "session-setting"
    """A SET that cannot be carried over to the steps after it."""
    DUPLICATE_FOREIGN_KEY = "duplicate-foreign-key"
    """An equal foreign key exists already."""
    UNINDEXED_FOREIGN_KEY = "unindexed-foreign-key"
    """No index supports the referencing columns: deletes of the parent scan the child."""
    COLLATION_VERSION_MISMATCH = "collation-version-mismatch"
    """The key of a walk is text whose collation changed under it."""
    HOLDS_BACK_VACUUM = "holds-back-vacuum"
    """A long validation or concurrent build keeps old row versions alive and cannot be throttled."""
    UNUSED_DIRECTIVE = "unused-directive"
    """A `-- migrate:` comment that has no effect."""
    MISSING_REASON = "missing-reason"
    """An approval without a reason where the policy asks for one."""


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """One hazard of one statement."""

    kind: HazardKind
    severity: Severity
    message: str
    """The danger, with names and numbers, in one or two sentences."""
    instead: str | None = None
    """What the plan does, or what the user should write, instead."""
    relation: QualifiedName | None = None
    approvable: bool = True
    """False where no approval can make it right (wrong input)."""
    approved: str | None = None
    """The reason given in the file."""
    source: str | None = None
    """Catalogue row or manual section."""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def blocks(self) -> bool:
        """Whether the plan may not run because of it."""
        return self.severity is Severity.ERROR and self.approved is None
