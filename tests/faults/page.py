"""The matrix of faults as a part of docs/faults.md, between two marks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.injection import Fault
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import Swept

MATRIX = "matrix"

HEADINGS = {
    Fault.KILL: "kill -9",
    Fault.CUT: "reset",
    Fault.SILENT: "half-open",
    Fault.COMMIT: "lost COMMIT",
    Fault.CRASH: "crash",
    Fault.TERMINATE: "terminate",
    Fault.ROLE: "role timeouts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What was found on the embedded server, and on others by samples."""

    whole: Sequence[Swept]
    sampled: Mapping[int, Sequence[Swept]]

    @property
    def losses(self) -> int:
        return sum(len(s.losses) for s in (*self.whole, *(s for each in self.sampled.values() for s in each)))

    def summary(self) -> Iterator[str]:
        yield f"PostgreSQL 18: {_counts(self.whole)}"
        for version, found in self.sampled.items():
            yield f"PostgreSQL {version}, sampled: {_counts(found)}"

    def table(self) -> Iterator[str]:
        """Points by scenario and fault."""
        yield "| scenario | " + " | ".join(HEADINGS.values()) + " | losses |"
        yield "|---|" + "---:|" * (len(HEADINGS) + 1)
        for scenario in SCENARIOS:
            row = [s for s in self.whole if s.scenario == scenario.name]
            cells = [_cell([s for s in row if s.fault is fault]) for fault in HEADINGS]
            yield f"| {scenario.name} | {' | '.join(cells)} | {sum(len(s.losses) for s in row)} |"
        cells = [_cell([s for s in self.whole if s.fault is fault]) for fault in HEADINGS]
        yield f"| **all** | {' | '.join(cells)} | {sum(len(s.losses) for s in self.whole)} |"


def _cell(found: Sequence[Swept]) -> str:
    """The points; where not all were tried, of how many."""
    points, of = sum(s.points for s in found), sum(s.of for s in found)
    return str(points) if points == of else f"{points} of {of}"


def _counts(found: Sequence[Swept]) -> str:
    points, runs = sum(s.points for s in found), sum(s.runs for s in found)
    looked, named = sum(s.resolved for s in found), sum(s.named for s in found)
    losses = sum(len(s.losses) for s in found)
    faults = len({s.fault for s in found})
    of = sum(s.of for s in found)
    return (
        f"{points} of {of} points, {faults} faults, {runs} runs, {looked} resolved by hand, "
        f"{named} with an index of TOAST left and named, {losses} losses"
    )


def text(results: Results, command: str) -> str:
    """The table, what it adds up to, and how it came about."""
    lines = [*results.table(), "", *(f"- {line}" for line in results.summary())]
    return "\n".join([*lines, f"- `{command}`"])


def write(page: Path, results: Results, command: str) -> None:
    replace_part(page, MATRIX, text(results, command))


def replace_part(page: Path, name: str, lines: str) -> None:
    """Put the lines between the marks of that name."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not (begin and end):
        raise ValueError(f"{page} has no marks for {name}")
    page.write_text(f"{before}{begin}{lines}\n{end}{after}", encoding="utf-8")
