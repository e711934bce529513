"""Builders of hazards: one for each way in which a hazard weighs.

A hazard that the plan rewrites away is info; one that needs an approval, or that no approval can mend, is an
error; trouble that the plan cannot see is a warning.
"""

from typing import Protocol

from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.postgres.identifiers import QualifiedName


class Builder(Protocol):
    """Makes hazards of one weight; `source` is a row of the catalogue or a section of the manual."""

    def __call__(
        self,
        kind: HazardKind,
        message: str,
        instead: str | None = None,
        relation: QualifiedName | None = None,
        source: str | None = None,
    ) -> Hazard:
        """Return the hazard."""


def _weighing(severity: Severity, *, approvable: bool = True, answered: bool = False) -> Builder:
    def build(
        kind: HazardKind,
        message: str,
        instead: str | None = None,
        relation: QualifiedName | None = None,
        source: str | None = None,
    ) -> Hazard:
        return Hazard(
            kind=kind,
            severity=severity,
            message=message,
            instead=instead,
            relation=relation,
            approvable=approvable,
            answered=answered,
            source=source,
        )

    return build


answered = _weighing(Severity.INFO, answered=True)
"""A danger of the statement as written that the plan does not run into."""

good_to_know = _weighing(Severity.INFO)
"""Nothing to do about it, or the plan reports it when it happens."""

warning = _weighing(Severity.WARNING)
"""Possible trouble that the plan cannot see."""

needs_approval = _weighing(Severity.ERROR)
"""A danger that only a person can accept."""

wrong = _weighing(Severity.ERROR, approvable=False)
"""Wrong input, which no approval can make right."""
