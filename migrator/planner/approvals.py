"""`-- migrate: allow HAZARD reason="…"`: which hazards a file approves, and which directives have no effect.

A directive before a statement is for that statement, one at the head of the file for all of them. It fails
with DirectiveError on a name that is no hazard.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import msgspec

from migrator.errors import DirectiveError
from migrator.operations.base import Context
from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.sql.migration import Allow, Directive, Migration

_NAMES = [kind.value for kind in HazardKind]


def checked_names(migration: Migration) -> None:
    """Refuse directives that name no hazard."""
    for directive in _all(migration):
        if isinstance(directive, Allow) and directive.hazard not in _NAMES:
            near = get_close_matches(directive.hazard, _NAMES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the hazards are: {', '.join(_NAMES)}"
            raise DirectiveError(f"there is no hazard {directive.hazard}", at=directive.at, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The hazards of a statement with their place and approval, and the directives that were used."""

    hazards: tuple[Hazard, ...]
    used: tuple[Directive, ...]

    @classmethod
    def of(cls, hazards: tuple[Hazard, ...], context: Context) -> "Approvals":
        """Apply the directives of the statement and of its file."""
        allows = [directive for directive in context.directives if isinstance(directive, Allow)]
        found: list[Hazard] = []
        used: list[Directive] = []
        for hazard in dict.fromkeys(hazards):
            allow = next((each for each in allows if each.hazard == hazard.kind.value), None)
            placed = _placed(hazard, context)
            if allow is None or not hazard.approvable or hazard.severity is Severity.INFO:
                found.append(placed)
                continue
            used.append(allow)
            found += _approved(placed, allow, required=context.policy.require_reason)
        return cls(hazards=tuple(dict.fromkeys(found)), used=tuple(used))


def _placed(hazard: Hazard, context: Context) -> Hazard:
    at = context.statement.at
    placed = msgspec.structs.replace(hazard, file=context.migration.file, line=at.line, column=at.column)
    if context.policy.disposable and hazard.severity is Severity.ERROR:  # the server is the judge there
        return msgspec.structs.replace(placed, severity=Severity.WARNING)
    return placed


def _approved(hazard: Hazard, allow: Allow, *, required: bool) -> list[Hazard]:
    if allow.reason or not required:
        return [msgspec.structs.replace(hazard, approved=allow.reason or "no reason given")]
    if hazard.severity is not Severity.ERROR:
        return [hazard]
    missing = Hazard(
        kind=HazardKind.MISSING_REASON,
        severity=Severity.ERROR,
        message=f"{allow.hazard} is approved without a reason",
        instead=f'write: -- migrate: allow {allow.hazard} reason="…"',
        approvable=False,
        file=allow.at.file,
        line=allow.at.line,
        column=allow.at.column,
    )
    return [hazard, missing]


def unused(migration: Migration, used: Iterable[Directive]) -> tuple[Hazard, ...]:
    """Return a warning for each directive that had no effect."""
    effective = set(used)
    return tuple(
        Hazard(
            kind=HazardKind.UNUSED_DIRECTIVE,
            severity=Severity.WARNING,
            message=f"the directive has no effect: {_shown(directive)}",
            instead="remove it",
            approvable=False,
            file=directive.at.file,
            line=directive.at.line,
            column=directive.at.column,
        )
        for directive in _all(migration)
        if directive not in effective
    )


def _shown(directive: Directive) -> str:
    if isinstance(directive, Allow):
        return f"there is no {directive.hazard} here to allow"
    return f"nothing is backfilled {'and kept filled ' if directive.keep_filled else ''}here"


def _all(migration: Migration) -> list[Directive]:
    own = [directive for statement in migration.statements for directive in statement.directives]
    return [*migration.directives, *own]
