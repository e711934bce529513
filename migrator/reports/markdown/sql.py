"""The SQL of a file's steps, as it will be sent, with limits and undo; folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.plan.partition_text import partitions_known
from migrator.plan.step import PartitionConstraints, PartitionIndexes
from migrator.reports.markdown.escape import fence, fold, text
from migrator.reports.text import work_sql
from migrator.reports.words import RECOVERY, limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migrator.plan.step import Step


def lines(steps: Sequence[Step]) -> Iterator[str]:
    """Give the lines; none where nothing runs."""
    if steps:
        told = [line for step in steps for line in ("", *_step(step))]
        yield ""
        yield from fold("SQL of the steps", told[1:])


def _step(step: Step) -> Iterator[str]:
    yield f"**{step.id}** {text(step.title, 300)}"
    yield ""
    yield from _block(work_sql(step.work))
    yield ""
    if isinstance(step.work, PartitionIndexes | PartitionConstraints):
        yield f"{text(partitions_known(step.work), 600)}  "
        yield f"All but the slow work in short transactions: {limits(step.work.quick)}.  "
    yield f"{limits(step.timeouts)}; {RECOVERY[step.recovery]}.".capitalize()
    yield from _undo(step)


def _undo(step: Step) -> Iterator[str]:
    if step.undo:
        note = f" ({text(step.undo_note, 300)})" if step.undo_note else ""
        yield from ("", f"Undo{note}:", "")
        yield from _block(step.undo)
    elif step.undo_note:
        yield from ("", f"Undo: {text(step.undo_note, 300)}.")


def _block(statements: Sequence[str]) -> list[str]:
    return fence("sql", "\n".join(f"{statement};" for statement in statements))
