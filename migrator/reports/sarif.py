"""Findings as SARIF 2.1.0 (OASIS), which code scanning services read.

One run. Every result has a rule with the hazard's page as its help, a region in UTF-16 code units, a path
from the root of the repository, and a fingerprint that stays when lines move. A hazard that the file approves
is suppressed there, with the reason as the justification. No time and no place of a machine is in it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from migrator.plan.hazard import ApprovedIn, Hazard, HazardKind, Severity
from migrator.reports.approving import terms
from migrator.reports.characters import one_line, visible
from migrator.reports.findings import FAILED, failure_fingerprint, failure_text, findings, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.errors import MigrateError
    from migrator.reports.findings import Finding, Region
    from migrator.reports.subject import Subject

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

HOME = "https://migrator.invalid/"
"""Where the documentation stands, as the published JSON schemas name it."""

ROOT = "SRCROOT"
"""The name of the repository's root, which the reader knows."""

FINGERPRINT = "migrateHazard/v1"

_LONGEST_SNIPPET = 4_000
"""Characters; a longer statement is read in its file."""

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}

_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\s]*\)")


def render(subject: Subject) -> str:
    """Return the log."""
    found = () if subject.failure is not None else findings(subject)
    kinds = sorted({finding.hazard.kind for finding in found})
    rules = [_rule(kind, subject.pages.get(kind.value)) for kind in kinds]
    results = [_result(finding, kinds, subject) for finding in found]
    if subject.failure is not None:
        rules, results = [_failed_rule()], [_of_failure(subject.failure, subject)]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(rules, results, subject)]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _run(rules: list[Any], results: list[Any], subject: Subject) -> dict[str, Any]:
    driver = {
        "name": "migrate plan",
        "version": subject.plan.tool_version,
        "informationUri": HOME,
        "rules": rules,
    }
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"migrate-plan/{visible(subject.name)}/"},
        "invocations": [{"executionSuccessful": subject.failure is None}],
        "originalUriBaseIds": {ROOT: {"description": {"text": "the root of the repository"}}},
        "newlineSequences": ["\r\n", "\n", "\r"],
        "columnKind": "utf16CodeUnits",
        "results": results,
    }


def _rule(kind: HazardKind, page: str | None) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": kind.value, "name": _camel(kind.value)}
    if page is not None:
        plain = _LINK.sub(r"\1", page).strip()
        rule["shortDescription"] = {"text": _first_sentence(plain)}
        rule["fullDescription"] = {"text": _first_paragraph(plain)}
        rule["help"] = {"text": plain, "markdown": plain}
    else:
        rule["shortDescription"] = {"text": kind.value}
    rule["helpUri"] = f"{HOME}docs/hazards/{kind.value}.md"
    return rule


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _first_paragraph(page: str) -> str:
    """Return what stands below the heading."""
    parts = [" ".join(part.split()) for part in page.split("\n\n") if not part.startswith("#")]
    return next((part for part in parts if part), page)


def _first_sentence(page: str) -> str:
    return f"{_first_paragraph(page).split('. ')[0].rstrip('.')}."


def _result(finding: Finding, kinds: Sequence[HazardKind], subject: Subject) -> dict[str, Any]:
    hazard = finding.hazard
    return {
        "ruleId": hazard.kind.value,
        "ruleIndex": kinds.index(hazard.kind),
        "level": _LEVELS[hazard.severity],
        "message": {"text": visible(message(finding, subject.plan))},
        "locations": _locations(finding, subject),
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "suppressions": _suppressions(hazard),
    }


def _suppressions(hazard: Hazard) -> list[dict[str, str]]:
    """Return the approval; an empty list says that there is none, which no list would leave open."""
    if hazard.approved is None:
        return []
    elsewhere = hazard.approval is not None and hazard.approval.by is ApprovedIn.FILE
    reason = one_line(f"{hazard.approved}{terms(hazard)}")
    return [{"kind": "external" if elsewhere else "inSource", "status": "accepted", "justification": reason}]


def _locations(finding: Finding, subject: Subject) -> list[dict[str, Any]]:
    if finding.path is None:
        return []
    source = subject.sources.get(finding.file)
    region = finding.region if source is None else finding.region.utf16(source)
    return [_location(finding.path, _region(region))]


def _location(path: str, region: dict[str, Any]) -> dict[str, Any]:
    artifact = {"uri": quote(path, safe="/", errors="replace"), "uriBaseId": ROOT}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _region(region: Region) -> dict[str, Any]:
    written: dict[str, Any] = {
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }
    if 0 < len(region.text) <= _LONGEST_SNIPPET:
        written["snippet"] = {"text": visible(region.text)}
    return written


def _failed_rule() -> dict[str, Any]:
    return {
        "id": FAILED,
        "name": _camel(FAILED),
        "shortDescription": {"text": "The files cannot be planned."},
        "helpUri": f"{HOME}docs/exit-codes.md",
    }


def _of_failure(failure: MigrateError, subject: Subject) -> dict[str, Any]:
    locations, path = [], subject.name
    if failure.at is not None and failure.at.file in subject.paths:
        path = subject.paths[failure.at.file]
        locations = [_location(path, {"startLine": failure.at.line, "startColumn": failure.at.column})]
    return {
        "ruleId": FAILED,
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": visible(failure_text(failure))},
        "locations": locations,
        "partialFingerprints": {FINGERPRINT: failure_fingerprint(path, failure.message)},
    }
