"""Which hazards are approved, by `-- migrate: allow HAZARD reason="…"` or by the approvals file.

A directive before a statement is for that statement, one at the head of the file for all of them. Where the
policy reads the approvals file, only an entry there approves what would stop a run; a directive then asks
for it. Other hazards (warnings, advice) may be answered by a directive everywhere. Fails with DirectiveError
on a name that is no hazard.
"""

from collections.abc import Iterable
from pathlib import PurePath

import msgspec

from migrator.errors import DirectiveError
from migrator.operations.base import Context
from migrator.plan.hazard import Approval, ApprovedIn, Hazard, HazardKind, Severity
from migrator.plan.hazard_groups import near_hazard
from migrator.planner.weights import remark, reported
from migrator.policy import FileApproval
from migrator.sql.migration import Allow, Directive, Migration

_NAMES = [kind.value for kind in HazardKind]


def checked_names(migration: Migration) -> None:
    """Refuse directives that name no hazard."""
    for directive in directives_of(migration):
        if isinstance(directive, Allow) and directive.hazard not in _NAMES:
            hint = near_hazard(directive.hazard) or f"the hazards are: {', '.join(_NAMES)}"
            raise DirectiveError(f"there is no hazard {directive.hazard}", at=directive.at, hint=hint)


def directives_of(migration: Migration) -> list[Directive]:
    """Return all directives of a file, its own first."""
    own = [directive for statement in migration.statements for directive in statement.directives]
    return [*migration.directives, *own]


class Approvals(msgspec.Struct, frozen=True, kw_only=True):
    """The hazards of a statement with their place and approval, and what was used for that."""

    hazards: tuple[Hazard, ...]
    used: tuple[Directive, ...]
    entries: tuple[FileApproval, ...] = ()
    """Of the approvals file."""

    @classmethod
    def of(cls, hazards: tuple[Hazard, ...], context: Context) -> "Approvals":
        """Apply the directives of the statement and of its file, or the approvals file."""
        rulings = [_ruling(hazard, context) for hazard in dict.fromkeys(hazards)]
        return cls(
            hazards=tuple(dict.fromkeys(hazard for ruling in rulings for hazard in ruling.hazards)),
            used=tuple(directive for ruling in rulings for directive in ruling.used),
            entries=tuple(entry for ruling in rulings for entry in ruling.entries),
        )


def _ruling(hazard: Hazard, context: Context) -> Approvals:
    """Return what is to be said of one hazard."""
    allow = _allow_for(hazard.kind, context)
    asked = () if allow is None else (allow,)
    placed = reported(hazard, context)
    if placed is None:
        return Approvals(hazards=(), used=asked)
    if not placed.approvable or (placed.severity is Severity.INFO and not placed.advisory):
        return Approvals(hazards=(placed,), used=())
    if context.policy.approvals is not None and placed.blocks:
        return _by_file(placed, allow, context)
    if allow is None:
        return Approvals(hazards=(placed,), used=())
    required = context.policy.asks_reason(hazard.kind)
    return Approvals(hazards=_by_directive(placed, allow, required=required), used=asked)


def _allow_for(kind: HazardKind, context: Context) -> Allow | None:
    allows = (each for each in context.directives if isinstance(each, Allow))
    return next((allow for allow in allows if allow.hazard == kind.value), None)


def _by_file(hazard: Hazard, allow: Allow | None, context: Context) -> Approvals:
    """Approve by the entry of the approvals file; a directive that stands in the SQL file asks for one."""
    asked = () if allow is None else (allow,)
    entry = next((each for each in entries_for(context) if each.hazard is hazard.kind), None)
    if entry is None:
        wish = None if allow is None else allow.reason or ""
        return Approvals(hazards=(msgspec.structs.replace(hazard, requested=wish),), used=asked)
    reason = entry.reason or "no reason given"
    approved = msgspec.structs.replace(hazard, approved=reason, approval=entry.approval)
    return Approvals(hazards=(approved,), used=asked, entries=(entry,))


def entries_for(context: Context) -> tuple[FileApproval, ...]:
    """Return the entries of the approvals file that are about the statement."""
    approvals = context.policy.approvals
    if approvals is None:
        return ()
    name, checksum = file_name(context.migration), context.statement.checksum
    return tuple(each for each in approvals.entries if (each.file, each.statement) == (name, checksum))


def file_name(migration: Migration) -> str:
    """Return the name by which the approvals file knows a migration file."""
    return PurePath(migration.file).name


def _by_directive(hazard: Hazard, allow: Allow, *, required: bool) -> tuple[Hazard, ...]:
    approval = Approval(
        by=ApprovedIn.DIRECTIVE,
        file=allow.at.file,
        line=allow.at.line,
        column=allow.at.column,
        until=allow.until,
    )
    if allow.reason or not required:
        reason = allow.reason or "no reason given"
        return (msgspec.structs.replace(hazard, approved=reason, approval=approval),)
    return (hazard, _missing_reason(allow)) if hazard.severity is Severity.ERROR else (hazard,)


def _missing_reason(allow: Allow) -> Hazard:
    return Hazard(
        kind=HazardKind.MISSING_REASON,
        severity=Severity.ERROR,
        message=f"{allow.hazard} is approved without a reason",
        instead=f'write: -- migrate: allow {allow.hazard} reason="…"',
        approvable=False,
        file=allow.at.file,
        line=allow.at.line,
        column=allow.at.column,
    )


def unused(migration: Migration, used: Iterable[Directive]) -> tuple[Hazard, ...]:
    """Return a warning for each directive that had no effect."""
    effective = set(used)
    return tuple(
        remark(
            HazardKind.UNUSED_DIRECTIVE,
            f"the directive has no effect: {_shown(directive)}",
            "remove it",
            directive.at,
        )
        for directive in directives_of(migration)
        if directive not in effective
    )


def _shown(directive: Directive) -> str:
    if isinstance(directive, Allow):
        return f"there is no {directive.hazard} here to allow"
    return f"nothing is backfilled {'and kept filled ' if directive.keep_filled else ''}here"
