"""What the owner of the database has decided: timeouts, the lock budget, thresholds, allowed hazards.

Filled from migrate.toml by `configuration`; times are in milliseconds unless a name says seconds.
"""

from __future__ import annotations

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a plan and a run depend on besides facts and files."""

    small_table_rows: int = 10_000
    """Tables with at most this many rows (and bytes, below) need no rewrite."""
    small_table_bytes: int = 16 * 1024 * 1024
    lock_budget_ms: int = 100
    """The longest the application may stand behind, or in, one of our locks."""
    lock_deadline_s: float = 600.0
    """How long one step tries to get its locks before the run stops with exit 7."""
    statement_timeout_ms: int = 5_000
    """For quick DDL under a strong lock the lock budget counts.

    This is for what holds harmless locks but is quick.
    """
    long_deadline_s: float = 24 * 3600.0
    """The deadline of validations and concurrent index builds."""
    batch_target_ms: int = 200
    """Wall time a batch aims at, by the 90th percentile."""
    batch_rows: int = 1_000
    """Rows of the first batch."""
    batch_rows_min: int = 10
    batch_rows_max: int = 50_000
    journal_schema: str = "migrator"
    require_reason: bool = True
    disposable: bool = False
