"""The hazards of a plan with their places, for formats that list findings rather than steps.

Lines and columns count from 1, a region's end is exclusive. Columns are in characters; `utf16` counts them in
UTF-16 code units, as editors and SARIF do.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from migrator.plan.hazard import Hazard, Severity
from migrator.plan.plan import SourceStatement
from migrator.reports.approving import instruction, terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.errors import MigrateError
    from migrator.plan.plan import Plan
    from migrator.reports.subject import Subject

_LINE_END = re.compile(r"\r\n|\n|\r")

_CUT = 40
"""Hexadecimal digits of a fingerprint."""


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a file."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str = ""

    def utf16(self, source: str) -> Region:
        """Return it with columns in UTF-16 code units; `source` is the whole file."""
        lines = _LINE_END.split(source)
        return Region(
            line=self.line,
            column=_units(lines, self.line, self.column),
            end_line=self.end_line,
            end_column=_units(lines, self.end_line, self.end_column),
            text=self.text,
        )


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A hazard, where it stands, and who it is from one report to the next."""

    hazard: Hazard
    statement: SourceStatement | None
    """None where it is of the file as a whole."""
    file: str
    """As the plan names it."""
    path: str | None
    """From the root of the repository; None where it is in none."""
    region: Region
    fingerprint: str
    """Of the hazard and its statement: it stays when lines move, and no other finding has it."""

    @property
    def weight(self) -> tuple[int, int]:
        """What is to be mended comes first, then what is to be approved, then by severity."""
        return (-_waiting(self.hazard), -self.hazard.severity.rank)


def findings(subject: Subject) -> tuple[Finding, ...]:
    """Return every hazard of the plan by file, place and kind."""
    sources, seen = subject.sources, Counter[str]()
    found = [
        _finding(hazard, statement, file, subject, sources, seen)
        for hazard, statement, file in _placed(subject)
    ]
    return tuple(sorted(found, key=_order))


def _placed(subject: Subject) -> Iterator[tuple[Hazard, SourceStatement | None, str]]:
    for migration in subject.plan.migrations:
        yield from ((hazard, None, hazard.file or migration.file) for hazard in migration.findings)
    for statement in subject.plan.statements:
        yield from ((hazard, statement, statement.file) for hazard in statement.hazards)


def _finding(  # noqa: PLR0917  # one for each thing a finding is made of
    hazard: Hazard,
    statement: SourceStatement | None,
    file: str,
    subject: Subject,
    sources: dict[str, str],
    seen: Counter[str],
) -> Finding:
    path = subject.paths.get(file)
    what = statement.checksum if statement is not None else hazard.message
    return Finding(
        hazard=hazard,
        statement=statement,
        file=file,
        path=path,
        region=_region(hazard, statement, sources.get(file)),
        fingerprint=_fingerprint(seen, path or file, hazard.kind, what, str(hazard.relation or "")),
    )


def _fingerprint(seen: Counter[str], *parts: str) -> str:
    """Digest the parts; equal ones are numbered in the order of the file."""
    digest = _digest(parts)
    seen[digest] += 1
    return digest if seen[digest] == 1 else _digest((*parts, str(seen[digest])))


def _digest(parts: tuple[str, ...]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        encoded = part.encode(errors="surrogatepass")
        whole.update(b"%d:%b" % (len(encoded), encoded))
    return whole.hexdigest()[:_CUT]


def _region(hazard: Hazard, statement: SourceStatement | None, source: str | None) -> Region:
    """Return the statement, or for a directive the rest of its line."""
    line, column = hazard.line or 1, hazard.column or 1
    if statement is not None and (statement.line, statement.column) == (line, column):
        return spanned(line, column, statement.text)
    lines = [] if source is None else _LINE_END.split(source)
    rest = lines[line - 1][column - 1 :].rstrip() if line <= len(lines) else ""
    return spanned(line, column, rest)


def spanned(line: int, column: int, text: str) -> Region:
    """Return the region that begins there and holds this text."""
    lines = _LINE_END.split(text)
    first = column if len(lines) == 1 else 1
    return Region(
        line=line,
        column=column,
        end_line=line + len(lines) - 1,
        end_column=first + len(lines[-1]),
        text=text,
    )


def _units(lines: list[str], line: int, column: int) -> int:
    before = lines[line - 1][: column - 1] if line <= len(lines) else ""
    return column + sum(character > "\uffff" for character in before)


def _waiting(hazard: Hazard) -> int:
    """2 where the file has to be changed, 1 where it has to be approved, else 0."""
    if not hazard.blocks:
        return 0
    return 1 if hazard.approvable else 2


def _order(finding: Finding) -> tuple[str, int, int, str, str, str]:
    region, hazard = finding.region, finding.hazard
    return (
        finding.path or finding.file,
        region.line,
        region.column,
        hazard.kind,
        hazard.message,
        finding.fingerprint,
    )


def is_error(hazard: Hazard) -> bool:
    """Whether it stops the plan, or whoever reads it (`--fail-on`), and nobody has said that it is known."""
    return hazard.severity is Severity.ERROR and hazard.approved is None


def is_warning(hazard: Hazard) -> bool:
    """Whether it warns, and nobody has said that it is known."""
    return hazard.severity is Severity.WARNING and hazard.approved is None


def message(finding: Finding, plan: Plan) -> str:
    """Return what a hazard is, and what to do about it, in a line or a few."""
    hazard = finding.hazard
    parts = [hazard.message]
    if hazard.instead:
        parts.append(f"Instead: {hazard.instead}")
    if hazard.approved is not None:
        parts.append(f"Approved: {hazard.approved}{terms(hazard)}")
    elif hazard.blocks and hazard.approvable and finding.statement is not None:
        sentence, *lines = instruction(hazard, finding.statement, plan)
        parts += [f"Or {sentence}", *lines]
    return "\n".join(parts)


FAILED = "cannot-be-planned"
"""The kind of what is said where there is no plan."""


def failure_text(failure: MigrateError) -> str:
    """Return why there is no plan, and what to do."""
    return failure.message if failure.hint is None else f"{failure.message}\n{failure.hint}"


def failure_fingerprint(path: str, message: str) -> str:
    """Return the fingerprint of a file that cannot be planned."""
    return _digest((path, message))
