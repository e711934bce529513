"""`python -m tests.support.table > docs/support.md`: every statement of `statements.sql`, planned by itself.

Planned for the oldest and the newest server; where that makes a difference, both are shown.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migrator.plan.hazard import Hazard, Severity
from migrator.plan.plan import Plan
from migrator.plan.step import Phase
from migrator.planner import plan
from migrator.policy import Policy
from migrator.reports import words
from migrator.sql.migration import read_migration
from tests.golden.case_file import Case
from tests.golden.planning import folded_facts

HERE = Path(__file__).parent
OLDEST, NEWEST = 13, 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A statement and the cells beside it."""

    section: str
    statement: str
    operation: str
    cells: tuple[str, str, str]


def statements() -> Iterator[tuple[str, str]]:
    """Return each statement of the file, with the directives before it, and its section."""
    section = ""
    text = (HERE / "statements.sql").read_text(encoding="utf-8")
    for part in re.split(r"(?<=;)\n", text):
        lines = part.strip().splitlines()
        if lines and lines[0].startswith("-- # "):
            section = lines.pop(0).removeprefix("-- # ")
        if lines:
            yield section, "\n".join(lines)


def planned(statement: str, version: int) -> Plan:
    """Return the plan of one statement."""
    schema = (HERE / "schema.sql").read_text(encoding="utf-8")
    case = Case(path=HERE, title="", settings={}, schema=schema, migration="", plan="")
    migration = read_migration(statement, file="0001_table.sql", version="0001", name="table")
    return plan([migration], folded_facts(case, version), Policy(), tool_version="table")


def rows() -> Iterator[Row]:
    """Return the rows of the table."""
    for section, statement in statements():
        old, new = planned(statement, OLDEST), planned(statement, NEWEST)
        before, now = _cells(old), _cells(new)
        cells = [_both(*pair) for pair in zip(before, now, strict=True)]
        yield Row(
            section=section,
            statement=statement,
            operation=new.statements[0].kind,
            cells=(cells[0], cells[1], cells[2]),
        )


def _both(old: str, new: str) -> str:
    return new if old == new else f"13: {old}<br>18: {new}"


def _cells(made: Plan) -> tuple[str, str, str]:
    source = made.statements[0]
    hazards = [h for m in made.migrations for h in m.findings] + list(source.hazards)
    return _as_written(made), _steps(made), _approvals(hazards)


def _as_written(made: Plan) -> str:
    effect = made.statements[0].effect
    if effect.unknown:
        return "cannot be known"
    work = words.work(effect).replace("changes the catalog only", "")
    parts = [words.locks(effect), work, words.whom(effect).replace(", once it has the lock", "")]
    return _plain("; ".join(part for part in parts if part))


def _steps(made: Plan) -> str:
    if made.statements[0].as_written and len(made.steps) == 1 and made.steps[0].phase is Phase.EXPAND:
        return "as written"
    lines = [f"{step.phase}: {_plain(step.title)}" for step in made.steps]
    return "<br>".join(lines) or made.statements[0].note or "nothing"


def _approvals(hazards: list[Hazard]) -> str:
    errors = [h for h in hazards if h.severity is Severity.ERROR]
    names = dict.fromkeys(
        f"[{h.kind}](hazards/{h.kind}.md){'' if h.approvable else ' (cannot be approved)'}" for h in errors
    )
    return "<br>".join(names)


def _plain(text: str) -> str:
    return text.replace("public.", "").replace("|", "\\|")


def page() -> str:
    """Return the page."""
    lines, section = [(HERE / "head.md").read_text(encoding="utf-8")], ""
    for row in rows():
        if row.section != section:
            section = row.section
            lines.append(f"## {section}\n")
            lines.append("| statement | as written | what runs | approval |\n|---|---|---|---|")
        statement = "<br>".join(
            f"`{line.rstrip(';')}`" for line in row.statement.replace("|", "\\|").splitlines()
        )
        link = f"[{row.operation}](operations/{row.operation}.md)"
        lines.append(f"| {statement}<br>{link} | {' | '.join(row.cells)} |")
        lines.append("")
    text = "\n".join(lines)
    return re.sub(r"\|\n\n\|", "|\n|", text).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
