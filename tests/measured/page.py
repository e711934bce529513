"""The page `docs/measured.md`, made of the cases and the results."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from tests.measured.case_file import Case, all_cases, span
from tests.measured.outcome import Outcome, read
from tests.measured.results import Line
from tests.measured.results import read as read_results

HEAD = Path(__file__).parent / "head.md"

_COLUMNS = ("#", "statement", "PostgreSQL", "locks", "scan", "rewrite", "index build", "`migrate`")

_TABLE = f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|"


class Page:
    """Lines and footnotes, as they come."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._notes: list[str] = []
        self._results = read_results()

    def text(self) -> str:
        """Return the page."""
        cases = all_cases()
        parts = [HEAD.read_text(encoding="utf-8").rstrip()]
        for chapter, each in itertools.groupby(cases, key=lambda case: case.chapter):
            rows = [row for case in each if case.reason is None for row in self._rows(case)]
            parts.append(f"## {chapter.partition('. ')[2]}\n\n{_TABLE}\n" + "\n".join(rows))
        parts.append(self._traps(cases))
        rest = [f"- {case.row}, {case.title}: {case.reason}" for case in cases if case.reason is not None]
        parts.append("## Not measured\n\n" + "\n".join(rest))
        parts.append("\n".join(self._notes))
        return "\n\n".join(parts) + "\n"

    def _rows(self, case: Case) -> Iterator[str]:
        heading = f"{case.title}<br>{_code(case)}{self._footnotes(case)}"
        for line in self._results.get(case.name, []):
            cells = [*_cells(read(line.outcome)), _tool(line)]
            yield f"| {case.row} | {heading} | {line.versions} | {' | '.join(cells)} |"
            heading = ""

    def _footnotes(self, case: Case) -> str:
        found = [
            *_by_text({v: _corrected(case, v) for v in case.corrections}),
            *_by_text({v: f"`migrate` declares more: {why}" for v, why in case.careful.items()}),
        ]
        return "".join(self._note(versions, text) for versions, text in found)

    def _note(self, versions: str, text: str) -> str:
        number = next(self._numbers)
        self._notes.append(f"[^{number}]: {versions}: {text}.")
        return f"[^{number}]"

    def _traps(self, cases: list[Case]) -> str:
        lines = [
            "## Traps\n\n| trap | PostgreSQL | measured | what `migrate` makes of it |\n|---|---|---|---|"
        ]
        for case in cases:
            if not case.trap:
                continue
            heading = f"{case.row} {case.title}"
            for line in self._results.get(case.name, []):
                lines.append(f"| {heading} | {line.versions} | {line.outcome} | {line.plan} |")
                heading = ""
        return "\n".join(lines)


def _corrected(case: Case, version: int) -> str:
    correction = case.corrections[version]
    return (
        f"the catalogue says `{case.claims[version]}`, measured is `{correction.outcome}`; {correction.why}"
    )


def _by_text(texts: dict[int, str]) -> list[tuple[str, str]]:
    versions: dict[str, list[int]] = {}
    for version, text in texts.items():
        versions.setdefault(text, []).append(version)
    return [(span(each), text) for text, each in versions.items()]


def _code(case: Case) -> str:
    return "<br>".join(f"`{line.strip()}`" for line in case.statements.splitlines())


def _cells(outcome: Outcome) -> list[str]:
    if outcome.error is not None:
        return [str(outcome), "", "", ""]
    scan, rewrite, index, empty = (
        ", ".join(sorted(outcome.work.get(kind, ()))) for kind in ("scan", "rewrite", "index", "empty")
    )
    return [outcome.locks_text, scan, rewrite or (f"{empty} (emptied)" if empty else ""), index]


def _tool(line: Line) -> str:
    links = " + ".join(f"[{name}](operations/{name}.md)" for name in line.operation.split(" + "))
    plan = (
        line.plan
        if line.plan.startswith(("as written", "nothing", "asks", "refused", "not read"))
        else "safe steps"
    )
    return f"{links}: {plan}"
