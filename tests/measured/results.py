"""What was measured, as it is kept beside the cases: `results.json`, written by `tests.measured.table`."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.measured.case_file import Case, span
from tests.measured.measuring import Found

FILE = Path(__file__).parent / "results.json"


class Line(NamedTuple):
    """A line of the page: some versions on which a case does the same."""

    versions: str
    outcome: str
    operation: str
    plan: str


def line_of(case: Case, found: Found) -> tuple[str, str, str]:
    """Return what is kept of a case on one version; the steps are only of interest where it is a trap."""
    ready = ("as written", "nothing", "asks", "refused", "not read")
    plan = found.plan if case.trap or found.plan.startswith(ready) else "safe steps"
    return str(found.outcome), found.operation, plan


def joined(lines: Mapping[int, tuple[str, str, str]]) -> list[Line]:
    """Join the versions that are equal."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for version, line in sorted(lines.items()):
        groups.setdefault(line, []).append(version)
    return [Line(span(versions), *line) for line, versions in groups.items()]


def write(cases: Iterable[Case], found: Mapping[str, Mapping[int, tuple[str, str, str]]]) -> None:
    """Keep what was measured, in the order of the cases."""
    kept = {case.name: joined(found[case.name]) for case in cases if found.get(case.name)}
    lines = [
        f" {json.dumps(name, ensure_ascii=False)}: {json.dumps(of, ensure_ascii=False)}"
        for name, of in kept.items()
    ]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read() -> dict[str, list[Line]]:
    """Return what was measured, by the names of the cases."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: [Line(*line) for line in lines] for name, lines in kept.items()}


def on(lines: Iterable[Line], version: int) -> tuple[str, str, str] | None:
    """Return what was measured on one version."""
    for line in lines:
        for part in line.versions.split(", "):
            first, _, last = part.partition("–")
            if int(first) <= version <= int(last or first):
                return line.outcome, line.operation, line.plan
    return None
