"""What is written beside what runs: for each statement its effect as written, and a diff; folded."""

from __future__ import annotations

from collections import defaultdict
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from migrator.plan.hazard import Severity
from migrator.reports.markdown.escape import code, fence, fold, text
from migrator.reports.text import work_sql
from migrator.reports.words import locks, whom, work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migrator.plan.plan import SourceStatement
    from migrator.plan.step import Step

_EXCERPT = 80

_LONGEST = 2_000
"""Lines of a statement that are compared line by line; longer ones are shown whole, one after the other."""


_TITLE = "What is written, and what runs"


def lines(statements: Sequence[SourceStatement], steps: Sequence[Step]) -> Iterator[str]:
    """Give the lines; none where the file holds no statement."""
    if statements:
        of_statement: dict[int, list[Step]] = defaultdict(list)
        for step in steps:
            of_statement[step.statement].append(step)
        told = [line for each in statements for line in ("", *_statement(each, of_statement[each.index]))]
        yield ""
        unchanged = all(each.as_written for each in statements)
        yield from fold("All of it runs as written" if unchanged else _TITLE, told[1:])


def _statement(statement: SourceStatement, steps: Sequence[Step]) -> Iterator[str]:
    place = code(f"{statement.line}:{statement.column}")
    word = f"{code(statement.text, _EXCERPT)} runs as written" if statement.as_written else "as written"
    effect = statement.effect
    parts = [locks(effect), work(effect), whom(effect)] if effect.locks or effect.long else ["no lock"]
    yield f"{place} {word}: {text(', '.join(part for part in parts if part), 600)}"
    remarks = list(_remarks(statement))
    if remarks:
        yield from ("", *remarks)
    if not statement.as_written:
        yield ""
        yield from fence("diff", "\n".join(_diff(statement.text, steps)))


def _remarks(statement: SourceStatement) -> Iterator[str]:
    """Say what the plan avoids; what needs a person stands above."""
    for hazard in statement.hazards:
        if hazard.severity is Severity.INFO:
            instead = f" Instead: {text(hazard.instead)}." if hazard.instead else ""
            yield f"- {code(hazard.kind)} {text(hazard.message)}.{instead}"
    if statement.note:
        yield f"- note: {text(statement.note)}"


def _diff(written: str, steps: Sequence[Step]) -> list[str]:
    old, new = f"{written};".splitlines(), [line for step in steps for line in _run(step)]
    if len(old) + len(new) > _LONGEST:
        return [*(f"- {line}" for line in old), *(f"+ {line}" for line in new)]
    compared = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            compared += [f"  {line}" for line in old[a:b]]
        else:
            compared += [*(f"- {line}" for line in old[a:b]), *(f"+ {line}" for line in new[c:d])]
    return compared


def _run(step: Step) -> list[str]:
    statements = "\n".join(f"{statement};" for statement in work_sql(step.work))
    return [f"-- {step.id}, {step.phase}", *statements.splitlines()]
