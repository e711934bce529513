"""What the owner of the database has decided: timeouts, the lock budget, thresholds, weights and approvals.

Filled from migrate.toml by `configuration`; times are in milliseconds unless a name says seconds.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache

import msgspec

from migrator.plan.hazard import Approval, HazardKind, Severity
from migrator.plan.hazard_groups import ADVICE, STYLE


class Ignore(msgspec.Struct, frozen=True, kw_only=True):
    """Files whose findings of these kinds are not reported."""

    paths: tuple[str, ...]
    """Patterns, relative to the folder of the configuration file: `*` and `?` within a name, `**` over
    folders; a pattern that names a folder means all below it."""
    hazards: tuple[HazardKind, ...]
    reason: str


class Ignores(msgspec.Struct, frozen=True, kw_only=True):
    """What is ignored where, and what paths are relative to."""

    rules: tuple[Ignore, ...] = ()
    base: str = ""
    """The absolute folder of the configuration file."""
    here: str = ""
    """The absolute working directory, by which plans name files."""

    def covers(self, file: str, kind: HazardKind) -> bool:
        """Whether a finding of that kind in the file is not wanted; `file` as the plan names it."""
        rules = [rule for rule in self.rules if kind in rule.hazards]
        if not rules:
            return False
        path = posixpath.relpath(posixpath.join(self.here, file), self.base or "/")
        return any(_pattern(each).fullmatch(path) for rule in rules for each in rule.paths)


class FileApproval(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the approvals file."""

    file: str
    """The name of the migration file, without its folder."""
    statement: str
    """Checksum of the statement that was approved."""
    hazard: HazardKind
    reason: str | None
    approval: Approval
    """Its place, last day and author."""


class ApprovalsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The approvals file, which then is the only place where a hazard that stops a run can be approved."""

    path: str
    entries: tuple[FileApproval, ...] = ()
    absent: tuple[str, ...] = ()
    """Names of migration files in it that are not in the folder."""


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
    terminate_blockers_s: float | None = None
    """A transaction that has stood in the way of a step for so long is ended; None: never."""
    terminate_writers: bool = False
    """Even where it has written, or locked rows, so that work is lost."""
    mask_queries: bool = False
    """Statements of other sessions are shown without their constants."""
    journal_schema: str = "migrator"
    require_reason: bool | tuple[HazardKind, ...] = True
    """Whether an approval needs a reason; of which hazards."""
    severity: tuple[tuple[HazardKind, Severity | None], ...] = ()
    """What hazards weigh instead of what their pages say; None is off. Of two the last counts."""
    ignores: Ignores = Ignores()
    approvals: ApprovalsFile | None = None
    """None where directives in the SQL files approve."""
    disposable: bool = False

    def asks_reason(self, kind: HazardKind) -> bool:
        """Whether an approval of this hazard needs a reason."""
        return self.require_reason if isinstance(self.require_reason, bool) else kind in self.require_reason

    @property
    def style(self) -> frozenset[HazardKind]:
        """The kinds of style that are reported."""
        if not self.severity:  # asked of every statement
            return frozenset()
        return frozenset(kind for kind in STYLE if self.weight(kind, Severity.WARNING) is not None)

    def weight(self, kind: HazardKind, own: Severity) -> Severity | None:
        """Return what a hazard weighs here; None where it is not to be reported."""
        given = (weight for each, weight in reversed(self.severity) if each is kind)
        wanted = next(given, None if kind in STYLE else own)
        if wanted is None:
            return None if kind in ADVICE else own
        return wanted if kind in ADVICE or wanted.rank > own.rank else own


@cache
def _pattern(written: str) -> re.Pattern[str]:
    """Return the expression for a pattern of paths."""
    expression = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", written.removeprefix("./").rstrip("/")):
        match part:
            case "**/":
                expression += "(?:.*/)?"
            case "**":
                expression += ".*"
            case "*":
                expression += "[^/]*"
            case "?":
                expression += "[^/]"
            case _:
                expression += re.escape(part)
    return re.compile(expression + r"(?:/.*)?", re.DOTALL)
