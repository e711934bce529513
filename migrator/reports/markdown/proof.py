"""What a scratch server proved of the plan, where it was asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.markdown.escape import table, text
from migrator.reports.proof import verdict
from migrator.reports.proof_traffic import traffic_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migrator.reports.markdown.detail import Detail
    from migrator.reports.subject import Subject


def lines(subject: Subject, detail: Detail) -> Iterator[str]:
    """Give the lines; none without a proof."""
    proof = subject.proof
    if proof is None:
        return
    yield from ("", "### Proof", "", f"{'✅' if proof.holds else '❌'} {text(verdict(proof))}")
    failed = [
        (step, said) for step in proof.steps for said in (*step.differences, *filter(None, [step.error]))
    ]
    rows = [(step.id, text(step.title, 160), text(said, detail.width)) for step, said in failed]
    if rows:
        yield ""
        yield from table(("Step", "What", "Not as declared"), rows[: detail.items])
    yield from _items("Beside an application:", [line.strip() for line in traffic_lines(proof)][2:], detail)
    yield from _items("The schema differs:", proof.schema_differences, detail)
    yield from _items("The rows differ:", proof.row_differences, detail)
    yield from _items("Not proved:", (*proof.unfilled, *proof.unproved), detail)


def _items(title: str, items: Sequence[str], detail: Detail) -> Iterator[str]:
    if not items:
        return
    yield from ("", title, "")
    yield from (f"- {text(item, detail.width)}" for item in items[: detail.items])
    if len(items) > detail.items:
        yield f"- … and {len(items) - detail.items:,} more"
