"""Builders of hazards: one for each way in which a hazard weighs.

A hazard that the plan rewrites away is info; one that needs an approval, or that no approval can mend, is an
error; trouble that the plan cannot see is a warning.
"""

from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.postgres.identifiers import QualifiedName


def answered(
    kind: HazardKind, message: str, instead: str, relation: QualifiedName | None, source: str | None = None
) -> Hazard:
    """A danger of the statement as written that the plan does not run into."""
    return Hazard(
        kind=kind,
        severity=Severity.INFO,
        message=message,
        instead=instead,
        relation=relation,
        source=source,
    )


def needs_approval(
    kind: HazardKind,
    message: str,
    instead: str | None,
    relation: QualifiedName | None = None,
    source: str | None = None,
) -> Hazard:
    """A danger that only a person can accept."""
    return Hazard(
        kind=kind,
        severity=Severity.ERROR,
        message=message,
        instead=instead,
        relation=relation,
        source=source,
    )


def wrong(
    kind: HazardKind,
    message: str,
    instead: str | None = None,
    relation: QualifiedName | None = None,
    source: str | None = None,
) -> Hazard:
    """Wrong input, which no approval can make right."""
    return Hazard(
        kind=kind,
        severity=Severity.ERROR,
        message=message,
        instead=instead,
        relation=relation,
        source=source,
        approvable=False,
    )


def warning(
    kind: HazardKind,
    message: str,
    instead: str | None = None,
    relation: QualifiedName | None = None,
    source: str | None = None,
) -> Hazard:
    """Possible trouble that the plan cannot see."""
    return Hazard(
        kind=kind,
        severity=Severity.WARNING,
        message=message,
        instead=instead,
        relation=relation,
        source=source,
    )


def good_to_know(
    kind: HazardKind, message: str, instead: str | None = None, relation: QualifiedName | None = None
) -> Hazard:
    """Nothing to do about it, or the plan reports it when it happens."""
    return Hazard(kind=kind, severity=Severity.INFO, message=message, instead=instead, relation=relation)
