"""Advice on new and changed objects, one check per file; off unless the policy gives it a severity.

Adding a check touches one existing line: its entry in `CHECKS`.
"""

from migrator.style.avoid_money import AVOID_MONEY
from migrator.style.base import Scene, StyleCheck
from migrator.style.constraint_left_unvalidated import CONSTRAINT_LEFT_UNVALIDATED
from migrator.style.foreign_key_without_index import FOREIGN_KEY_WITHOUT_INDEX
from migrator.style.name_needs_quotes import NAME_NEEDS_QUOTES
from migrator.style.name_too_long import NAME_TOO_LONG
from migrator.style.prefer_bigint_key import PREFER_BIGINT_KEY
from migrator.style.prefer_identity import PREFER_IDENTITY
from migrator.style.prefer_jsonb import PREFER_JSONB
from migrator.style.prefer_text import PREFER_TEXT
from migrator.style.prefer_timestamptz import PREFER_TIMESTAMPTZ
from migrator.style.rounded_timestamp import ROUNDED_TIMESTAMP
from migrator.style.row_security_without_policy import ROW_SECURITY_WITHOUT_POLICY
from migrator.style.table_without_key import TABLE_WITHOUT_KEY
from migrator.style.tools import kept_by_a_tool

__all__ = ["CHECKS", "Scene", "StyleCheck", "kept_by_a_tool"]

CHECKS: tuple[StyleCheck, ...] = (
    PREFER_TEXT,
    PREFER_BIGINT_KEY,
    PREFER_TIMESTAMPTZ,
    PREFER_IDENTITY,
    PREFER_JSONB,
    AVOID_MONEY,
    ROUNDED_TIMESTAMP,
    FOREIGN_KEY_WITHOUT_INDEX,
    TABLE_WITHOUT_KEY,
    ROW_SECURITY_WITHOUT_POLICY,
    CONSTRAINT_LEFT_UNVALIDATED,
    NAME_NEEDS_QUOTES,
    NAME_TOO_LONG,
)
