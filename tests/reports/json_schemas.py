"""What SARIF and GitLab ask of a document."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SARIF = Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json"

GITLAB: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1, "pattern": r"^[^\r\n]*$"},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {
                            "begin": {"type": "integer", "minimum": 1},
                            "end": {"type": "integer", "minimum": 1},
                        },
                        "additionalProperties": False,
                    },
                },
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    },
}
"""GitLab's manual, "Code Quality", "Code Quality report format": no schema of it is published."""


@cache
def _sarif() -> jsonschema.Draft4Validator:
    schema = json.loads(SARIF.read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def valid_sarif(report: str) -> dict[str, Any]:
    """The one run of a log that keeps to the schema, and to what the specification asks beyond it."""
    log = json.loads(report)
    _sarif().validate(log)
    assert len(log["runs"]) == 1
    run: dict[str, Any] = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        for location in result["locations"]:
            _check_region(location["physicalLocation"]["region"])
    fingerprints = [each for result in run["results"] for each in result["partialFingerprints"].values()]
    assert len(fingerprints) == len(set(fingerprints))
    return run


def _check_region(region: dict[str, int]) -> None:
    begin = (region["startLine"], region["startColumn"])
    end = (region.get("endLine", region["startLine"]), region.get("endColumn", region["startColumn"]))
    assert begin <= end


def valid_gitlab(report: str) -> list[dict[str, Any]]:
    """The issues of a report that keeps to GitLab's documentation."""
    issues: list[dict[str, Any]] = json.loads(report)
    jsonschema.validate(issues, GITLAB)
    fingerprints = [issue["fingerprint"] for issue in issues]
    assert len(fingerprints) == len(set(fingerprints))
    return issues
