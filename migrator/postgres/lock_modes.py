"""The eight table-level lock modes and which of them conflict (manual, section 13.3.1)."""

from __future__ import annotations

import enum


class LockMode(enum.StrEnum):
    """A table-level lock mode; the value is what LOCK TABLE takes. Members stand in order of strength."""

    ACCESS_SHARE = "ACCESS SHARE"
    """SELECT."""
    ROW_SHARE = "ROW SHARE"
    """SELECT FOR UPDATE and the like; the partner table of VALIDATE CONSTRAINT."""
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    """INSERT, UPDATE, DELETE."""
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    """VACUUM, ANALYZE, CONCURRENTLY, VALIDATE CONSTRAINT, COMMENT."""
    SHARE = "SHARE"
    """CREATE INDEX."""
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    """CREATE TRIGGER, ADD FOREIGN KEY."""
    EXCLUSIVE = "EXCLUSIVE"
    """REFRESH MATERIALIZED VIEW CONCURRENTLY."""
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
    """Most forms of ALTER TABLE, DROP TABLE, TRUNCATE."""

    @property
    def strength(self) -> int:
        """1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE)."""
        return list(LockMode).index(self) + 1

    @property
    def catalog_name(self) -> str:
        """The mode as pg_locks.mode shows it, e.g. AccessExclusiveLock."""
        return self.name.title().replace("_", "") + "Lock"

    @property
    def blocks_reads(self) -> bool:
        """Whether a SELECT has to wait for it."""
        return LockMode.ACCESS_SHARE in CONFLICTS[self]

    @property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE or DELETE have to wait for it."""
        return LockMode.ROW_EXCLUSIVE in CONFLICTS[self]

    def conflicts_with(self, other: LockMode) -> bool:
        """Whether two sessions cannot hold these two modes on one table."""
        return other in CONFLICTS[self]


_AS, _RS, _RX, _SUX, _S, _SRX, _X, _AX = LockMode

CONFLICTS: dict[LockMode, frozenset[LockMode]] = {
    _AS: frozenset({_AX}),
    _RS: frozenset({_X, _AX}),
    _RX: frozenset({_S, _SRX, _X, _AX}),
    _SUX: frozenset({_SUX, _S, _SRX, _X, _AX}),
    _S: frozenset({_RX, _SUX, _SRX, _X, _AX}),
    _SRX: frozenset({_RX, _SUX, _S, _SRX, _X, _AX}),
    _X: frozenset({_RS, _RX, _SUX, _S, _SRX, _X, _AX}),
    _AX: frozenset(LockMode),
}
