"""What a person writes to approve a hazard: a directive, or an entry of the approvals file."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING

from migrator.plan.hazard import ApprovedIn

if TYPE_CHECKING:
    from datetime import date

    from migrator.plan.hazard import Hazard
    from migrator.plan.plan import Plan, SourceStatement


def directive(hazard: Hazard) -> str:
    """Return the comment that approves the hazard."""
    return f'-- migrate: allow {hazard.kind} reason="…"'


def instruction(hazard: Hazard, statement: SourceStatement, plan: Plan) -> tuple[str, ...]:
    """Return what to write to approve a hazard that needs it: a sentence, then the lines to paste."""
    if plan.approvals_file is None:
        return (f"approve it: {directive(hazard)}",)
    return (
        f"approve it in {plan.approvals_file} (migrate approve writes it):",
        *entry(statement, hazard, hazard.requested or "…"),
    )


def entry(
    statement: SourceStatement,
    hazard: Hazard,
    reason: str,
    *,
    until: date | None = None,
    approved_by: str | None = None,
) -> tuple[str, ...]:
    """Return the entry of the approvals file for a hazard of a statement, line by line."""
    optional = (
        *(() if until is None else (f"until = {until.isoformat()}",)),
        *(() if approved_by is None else (f"approved_by = {_quoted(approved_by)}",)),
    )
    return (
        "[[approvals]]",
        f"file = {_quoted(PurePath(statement.file).name)}",
        f"statement = {_quoted(statement.checksum)}",
        f"hazard = {_quoted(hazard.kind)}",
        f"reason = {_quoted(reason)}",
        *optional,
    )


def terms(hazard: Hazard) -> str:
    """Say how long an approval counts, and who gave it where it does not stand in the SQL file."""
    given = hazard.approval
    if given is None:
        return ""
    until = f" until {given.until}" if given.until else ""
    if given.by is ApprovedIn.DIRECTIVE:
        return f" ({until.strip()})" if until else ""
    by = f" by {given.approved_by}" if given.approved_by else ""
    return f" (approved{by}{until} in {given.file}:{given.line})"


def _quoted(text: str) -> str:
    """Return a basic string of TOML; JSON writes the same but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
