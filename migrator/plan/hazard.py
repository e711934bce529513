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
    EXPIRED_APPROVAL = "expired-approval"
    """An approval whose last day is over."""
    STALE_APPROVAL = "stale-approval"
    """An entry of the approvals file that approves nothing."""

    # Style: of new and changed objects, off unless the policy gives it a severity.
    PREFER_TEXT = "prefer-text"
    """varchar(n) or char(n)."""
    PREFER_BIGINT_KEY = "prefer-bigint-key"
    """A generated key of four bytes or fewer."""
    PREFER_TIMESTAMPTZ = "prefer-timestamptz"
    """timestamp without time zone."""
    PREFER_IDENTITY = "prefer-identity"
    """serial."""
    PREFER_JSONB = "prefer-jsonb"
    """json."""
    AVOID_MONEY = "avoid-money"
    """money."""
    ROUNDED_TIMESTAMP = "rounded-timestamp"
    """timestamp(0), which rounds into the future."""
    FOREIGN_KEY_WITHOUT_INDEX = "foreign-key-without-index"
    """No index under a foreign key when all files are applied."""
    TABLE_WITHOUT_KEY = "table-without-key"
    """A table without a primary key when all files are applied."""
    ROW_SECURITY_WITHOUT_POLICY = "row-security-without-policy"
    """Row level security without a policy when all files are applied."""
    CONSTRAINT_LEFT_UNVALIDATED = "constraint-left-unvalidated"
    """NOT VALID, and no file validates it."""
    NAME_NEEDS_QUOTES = "name-needs-quotes"
    """Every statement has to quote the name."""
    NAME_TOO_LONG = "name-too-long"
    """The server cuts the name to 63 bytes."""


class ApprovedIn(enum.StrEnum):
    """Where an approval stands."""

    DIRECTIVE = "directive"
    """In the SQL file, as a comment."""
    FILE = "file"
    """In the approvals file."""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """The approval that a hazard has: where it stands, how long it counts, who gave it."""

    by: ApprovedIn
    file: str
    line: int
    column: int
    until: str | None = None
    """Its last day, YYYY-MM-DD; afterwards `plan` shows a finding, and `apply` runs as before."""
    approved_by: str | None = None
    """Of an entry of the approvals file, as written."""


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
    answered: bool = False
    """The plan does not run into it; no setting raises such a hazard."""
    advisory: bool = False
    """Advice about the file, for `plan --fail-on` alone: it never keeps `apply` from running."""
    approved: str | None = None
    """The reason given with the approval."""
    approval: Approval | None = None
    """Where that was given."""
    requested: str | None = None
    """The reason of a directive that asks for an approval, where only the approvals file gives one."""
    source: str | None = None
    """Catalogue row or manual section."""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def blocks(self) -> bool:
        """Whether the plan may not run because of it."""
        return self.severity is Severity.ERROR and self.approved is None and not self.advisory
