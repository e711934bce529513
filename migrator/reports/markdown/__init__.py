"""A plan as GitHub-flavoured Markdown for a comment of a pull request.

The verdict comes first, then what needs a person, then for each file its steps, and at the end what the plan
was made from. It always fits into a comment: where it would not, it tells less (`detail`) and says what is
left out. The first line is a comment that nobody sees, by which the next run finds the one to replace. What a
migration says cannot become markup (`escape`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.findings import findings
from migrator.reports.markdown import approvals, basis, diagrams, files, head, proof
from migrator.reports.markdown.detail import LEVELS, Detail
from migrator.reports.markdown.escape import code, comment, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from migrator.errors import MigrateError
    from migrator.reports.findings import Finding
    from migrator.reports.subject import Subject

LIMIT = 65_000
"""Bytes; GitHub refuses a comment of more than 65,536 characters."""

_DIAGRAMS = "the diagrams of the tables"


def marker(name: str) -> str:
    """Return the first line of the report of that name."""
    return comment(f"migrator:plan {name}")


def render(subject: Subject, *, limit: int = LIMIT) -> str:
    """Return the report, in at most `limit` bytes of UTF-8."""
    if subject.failure is not None:
        return _within(limit, _failed(subject.failure, subject)) or marker(subject.name)
    found = findings(subject)
    for detail in LEVELS:
        written = _within(limit, _report(subject, found, detail, ()))
        if written is not None:
            return _with_diagrams(subject, found, detail, limit) or written
    least = [marker(subject.name), *head.lines(subject, ("all but this",))]
    return _joined(least)


def _with_diagrams(subject: Subject, found: Sequence[Finding], detail: Detail, limit: int) -> str | None:
    """Add the diagrams where all else is told and there is room: they are the first to go."""
    drawn = diagrams.lines(subject) if detail is LEVELS[0] else None
    complete = None if drawn is None else _within(limit, _report(subject, found, detail, drawn))
    return complete or _within(limit, _report(subject, found, detail, (), also=(_DIAGRAMS,)))


def _report(
    subject: Subject,
    found: Sequence[Finding],
    detail: Detail,
    drawn: Sequence[str],
    *,
    also: tuple[str, ...] = (),
) -> Iterator[str]:
    yield marker(subject.name)
    yield from head.lines(subject, (*also, *detail.left_out))
    yield from approvals.lines(found, subject.plan, detail)
    yield from files.lines(subject, detail)
    yield from drawn
    yield from proof.lines(subject, detail)
    yield from basis.lines(subject, detail)


def _within(limit: int, lines: Iterable[str]) -> str | None:
    """Return the lines as one text, or None as soon as there are too many."""
    told, size = [], 0
    for line in lines:
        told.append(line)
        size += len(line.encode()) + 1
        if size > limit:
            return None
    return _joined(told)


def _failed(failure: MigrateError, subject: Subject) -> list[str]:
    place = ""
    if failure.at is not None:
        path = subject.path(failure.at.file)
        place = f"{code(f'{path}:{failure.at.line}:{failure.at.column}')}: "
    hint = ["", f"What to do: {text(failure.hint)}"] if failure.hint else []
    return [
        marker(subject.name),
        "## ❌ migrate plan: there is no plan",
        "",
        place + text(failure.message),
        *hint,
    ]


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
