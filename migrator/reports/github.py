"""Findings as workflow commands of GitHub Actions, which shows them beside the lines of a pull request.

    ::error file=migrations/1_a.sql,line=3,endLine=3,col=1,endColumn=20,title=data-loss::message

A step of a job shows 10 errors, 10 warnings and 10 notices and drops the rest, so the worst come first and a
last one of each level sums up what is left out. Values are escaped as the runner reads them: `%`, CR and LF
everywhere, `:` and `,` in properties too; no text can begin a command of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.characters import visible
from migrator.reports.findings import failure_text, findings, is_error, is_warning, message
from migrator.reports.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migrator.errors import MigrateError
    from migrator.plan.hazard import Hazard
    from migrator.plan.plan import Plan
    from migrator.reports.findings import Finding
    from migrator.reports.subject import Subject

LEVELS = ("error", "warning", "notice")

SHOWN = 10
"""Annotations of one level that a step of a job shows."""

_LONGEST = 2_000
"""Characters of a message; the interface shows few lines of it."""


def render(subject: Subject) -> str:
    """Return the commands, one a line; nothing where nothing was found."""
    if subject.failure is not None:
        return _of_failure(subject.failure, subject) + "\n"
    found = sorted(findings(subject), key=lambda finding: finding.weight)
    lines = [line for level in LEVELS for line in _of_level(level, found, subject.plan)]
    return "".join(f"{line}\n" for line in lines)


def level_of(hazard: Hazard) -> str:
    """Return the level of a hazard; what is approved is a notice."""
    if is_error(hazard):
        return "error"
    return "warning" if is_warning(hazard) else "notice"


def _of_level(level: str, found: Sequence[Finding], plan: Plan) -> Iterator[str]:
    mine = [finding for finding in found if level_of(finding.hazard) == level]
    shown = mine if len(mine) <= SHOWN else mine[: SHOWN - 1]
    yield from (_command(level, _properties(finding), message(finding, plan)) for finding in shown)
    if len(mine) > len(shown):
        rest = counted(len(mine) - len(shown), f"more {level}")
        title = f"migrate plan: {rest}"
        yield _command(level, {"title": title}, f"{rest}, which are not shown here: see the whole report")


def _properties(finding: Finding) -> dict[str, str]:
    """Columns only within one line: across lines they are refused."""
    title = {"title": str(finding.hazard.kind)}
    if finding.path is None:
        return title
    region = finding.region
    place = {"file": finding.path, "line": str(region.line), "endLine": str(region.end_line)}
    if region.line == region.end_line:
        place |= {"col": str(region.column), "endColumn": str(max(region.column, region.end_column))}
    return place | title


def _of_failure(failure: MigrateError, subject: Subject) -> str:
    place: dict[str, str] = {}
    if failure.at is not None and failure.at.file in subject.paths:
        at = failure.at
        place = {"file": subject.paths[at.file], "line": str(at.line), "col": str(at.column)}
    return _command("error", place | {"title": "migrate plan"}, failure_text(failure))


def _command(level: str, properties: dict[str, str], text: str) -> str:
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {written}::{_data(text)}"


def _data(value: str) -> str:
    cut = value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
    return visible(cut).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
