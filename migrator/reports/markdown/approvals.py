"""What needs a person: what to mend or approve with the line to write, what was approved, warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.approving import directive, entry, terms
from migrator.reports.findings import is_error, is_warning
from migrator.reports.markdown.escape import code, fence, fold, html_code, table, text
from migrator.reports.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from migrator.plan.hazard import Hazard
    from migrator.plan.plan import Plan
    from migrator.reports.findings import Finding
    from migrator.reports.markdown.detail import Detail

_PATH = 120
"""Characters of a place; a file's name is needed whole."""


def lines(findings: Sequence[Finding], plan: Plan, detail: Detail) -> Iterator[str]:
    """Give the lines; none where nothing was found."""
    found = sorted(findings, key=lambda finding: finding.weight)
    waiting = [finding for finding in found if is_error(finding.hazard)]
    approved = [finding for finding in found if finding.hazard.approved is not None]
    warned = [finding for finding in found if is_warning(finding.hazard)]
    if waiting:
        yield from ("", "### What it needs from you", "")
        yield from _waiting(waiting, plan, detail)
    if approved:
        yield from ("", "### Approved in the files", "")
        head = ("Where", "Hazard", "What happens", "Reason")
        yield from _table(
            head, approved, detail, lambda hazard: text(f"{hazard.approved}{terms(hazard)}", detail.width)
        )
    if warned:
        yield ""
        yield from fold(counted(len(warned), "warning"), _warnings(warned, detail))


def _waiting(waiting: Sequence[Finding], plan: Plan, detail: Detail) -> Iterator[str]:
    head = ("Where", "Hazard", "What happens", "What to do")
    yield from _table(head, waiting, detail, lambda hazard: _answer(hazard, plan, detail.width))
    entries = [] if plan.approvals_file is None else list(_entries(waiting[: detail.items]))
    if entries:
        yield ""
        yield from fold(
            f"What to write in {html_code(plan.approvals_file, _PATH)}", fence("toml", "\n".join(entries[1:]))
        )


def _entries(waiting: Sequence[Finding]) -> Iterator[str]:
    """Give the entries of the approvals file, with a blank line between them."""
    for finding in waiting:
        if finding.hazard.blocks and finding.hazard.approvable and finding.statement is not None:
            reason = finding.hazard.requested or "…"
            yield from ("", *entry(finding.statement, finding.hazard, reason))


def _warnings(warned: Sequence[Finding], detail: Detail) -> Iterator[str]:
    head = ("Where", "Hazard", "What may happen", "Instead")
    yield from _table(head, warned, detail, lambda hazard: text(hazard.instead or "", detail.width))


def _table(
    head: tuple[str, ...], found: Sequence[Finding], detail: Detail, last: Callable[[Hazard], str]
) -> Iterator[str]:
    shown = found[: detail.items]
    yield from table(head, [[*_cells(finding, detail.width), last(finding.hazard)] for finding in shown])
    if len(found) > len(shown):
        yield ""
        yield f"… and {len(found) - len(shown):,} more."


def _cells(finding: Finding, width: int) -> tuple[str, str, str]:
    hazard, region = finding.hazard, finding.region
    place = f"{finding.path or finding.file}:{region.line}:{region.column}"
    return code(place, max(width, _PATH)), code(hazard.kind), text(hazard.message, width)


def _answer(hazard: Hazard, plan: Plan, width: int) -> str:
    instead = text(hazard.instead, width) if hazard.instead else ""
    if not hazard.blocks:
        return f"{instead}; the plan runs all the same" if instead else "the plan runs all the same"
    if not hazard.approvable:
        return instead or "mend the file; nobody can approve it"
    how = f"in {code(plan.approvals_file, _PATH)}, as below"
    if plan.approvals_file is None:
        how = f"on a line before the statement: {code(directive(hazard))}"
    asked = f" (asked for in the file: {text(hazard.requested, width)})" if hazard.requested else ""
    return f"{f'{instead}; or a' if instead else 'A'}pprove it {how}{asked}"
