"""A plan as GitHub-flavoured Markdown for a comment of a pull request.

The verdict comes first, then what needs a person, then for each file its steps, and at the end what the plan
was made from. It always fits into a comment: where it would not, it tells less (`detail`) and says what is
left out. The first line is a comment that nobody sees, by which the next run finds the one to replace. What a
migration says cannot become markup (`escape`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.markdown import approvals, basis, diagrams, files, head, proof
from migrator.reports.markdown.detail import LEVELS, Detail
from migrator.reports.markdown.escape import code, comment, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.errors import MigrateError
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
        return _joined(_failed(subject.failure, subject))
    told = _told(subject, limit)
    if told is None:
        return _joined([marker(subject.name), *head.lines(subject, ("all but this",))])
    detail, written = told
    return _with_diagrams(subject, detail, written, limit)


def _told(subject: Subject, limit: int) -> tuple[Detail, str] | None:
    """Return the fullest report without diagrams that fits."""
    for detail in LEVELS:
        written = _report(subject, detail, ())
        if len(written.encode()) <= limit:
            return detail, written
    return None


def _with_diagrams(subject: Subject, detail: Detail, written: str, limit: int) -> str:
    """Add the diagrams where all else is told and there is room: they are the first to go."""
    drawn = diagrams.lines(subject) if detail is LEVELS[0] else None
    if drawn is not None:
        complete = _report(subject, detail, drawn)
        if len(complete.encode()) <= limit:
            return complete
    less = _report(subject, detail, (), also=(_DIAGRAMS,))
    return less if len(less.encode()) <= limit else written


def _report(subject: Subject, detail: Detail, drawn: Iterable[str], *, also: tuple[str, ...] = ()) -> str:
    return _joined(
        [
            marker(subject.name),
            *head.lines(subject, (*also, *detail.left_out)),
            *approvals.lines(subject, detail),
            *files.lines(subject, detail),
            *drawn,
            *proof.lines(subject, detail),
            *basis.lines(subject, detail),
        ]
    )


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
