"""Findings as a code quality report of GitLab: a list of issues in JSON.

Each has what GitLab's documentation asks for: `description`, `check_name`, a `fingerprint` that no other
issue has, one of five severities, and a path from the root of the repository with the line where it begins.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from migrator.plan.hazard import Hazard, Severity
from migrator.reports.approving import terms
from migrator.reports.characters import one_line
from migrator.reports.findings import FAILED, failure_fingerprint, findings

if TYPE_CHECKING:
    from migrator.errors import MigrateError
    from migrator.reports.findings import Finding
    from migrator.reports.subject import Subject


def render(subject: Subject) -> str:
    """Return the document."""
    if subject.failure is not None:
        issues = [_of_failure(subject.failure, subject)]
    else:
        issues = [_issue(finding) for finding in findings(subject)]
    return json.dumps(issues, indent=2, ensure_ascii=False) + "\n"


def severity_of(hazard: Hazard) -> str:
    """Return GitLab's word: what can only be mended is a blocker, what asks for an approval critical."""
    if hazard.approved is not None:
        return "info"
    match hazard.severity:
        case Severity.ERROR:
            return "critical" if hazard.approvable else "blocker"
        case Severity.WARNING:
            return "major"
        case Severity.INFO:
            return "info"


def _issue(finding: Finding) -> dict[str, Any]:
    region = finding.region
    return {
        "description": _description(finding.hazard),
        "check_name": str(finding.hazard.kind),
        "fingerprint": finding.fingerprint,
        "severity": severity_of(finding.hazard),
        "location": {
            "path": finding.path or finding.file,
            "lines": {"begin": region.line, "end": region.end_line},
        },
    }


def _description(hazard: Hazard) -> str:
    """Return one line: the interface shows no more."""
    said = one_line(hazard.message)
    if hazard.approved is not None:
        return f"{said} (approved: {one_line(hazard.approved + terms(hazard))})"
    return f"{said} (instead: {one_line(hazard.instead)})" if hazard.instead else said


def _of_failure(failure: MigrateError, subject: Subject) -> dict[str, Any]:
    place = failure.at
    path = subject.name if place is None else subject.path(place.file)
    return {
        "description": one_line(failure.message),
        "check_name": FAILED,
        "fingerprint": failure_fingerprint(path, failure.message),
        "severity": "blocker",
        "location": {"path": path, "lines": {"begin": 1 if place is None else place.line}},
    }
