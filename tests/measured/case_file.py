"""The cases: one file for each chapter of the catalogue, which begins with the schema that its cases share.

A case begins with `# ROW title` and holds, in this order:
- `@outside`: its statement cannot run in a transaction; `@needs NAME`: an extension;
  `@trap [GOLDEN …]`: a trap, and the golden plans that show what the tool does about it
- SQL that exists beforehand, ended by a line `--`, where the shared schema does not do
- the statements
- `= 13-17: OUTCOME`: what the catalogue says, for some versions (without them: all); others have no such form
  Of locks on indexes and sequences it tells in some rows only; the others are written down as measured
- `! 13-17: OUTCOME: why`: what is measured where that is something else
- `> 13-17: why`: the tool declares more than is measured there; less it never may
A row without a case has one line `~ reason`.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.measured.outcome import Outcome, read
from tests.servers import SUPPORTED

CASES = Path(__file__).parent / "cases"

_CLAIM = re.compile(r"(?:(\d\d)(?:-(\d\d))?: )?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    chapter: str
    row: int
    title: str
    before: str
    shared: str
    """The schema of the chapter."""
    statements: str
    directives: dict[str, str]
    claims: dict[int, Outcome]
    """What the catalogue says, by version."""
    corrections: dict[int, Correction] = field(default_factory=dict)
    careful: dict[int, str] = field(default_factory=dict)
    """Why the tool declares more than is measured, by version."""
    reason: str | None = None
    """Why there is nothing to measure."""

    @property
    def name(self) -> str:
        return f"{self.row} {self.title}"

    @property
    def outside(self) -> bool:
        """Whether it cannot run in a transaction."""
        return "outside" in self.directives

    @property
    def needs(self) -> str:
        """The extension that its schema needs."""
        return self.directives.get("needs", "")

    @property
    def trap(self) -> bool:
        """Whether it is one of those that are easily taken for harmless."""
        return "trap" in self.directives

    @property
    def goldens(self) -> list[str]:
        """Of a trap, the golden plans that show what the tool does about it."""
        return self.directives.get("trap", "").split()

    def expected(self, version: int) -> Outcome | None:
        """Return what is to be measured; None where the version has no such form."""
        correction = self.corrections.get(version)
        return self.claims.get(version) if correction is None else correction.outcome


def read_chapter(path: Path) -> list[Case]:
    head, *blocks = re.split(r"^# ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    title, _, shared = head.partition("\n")
    return [_read(block, title.strip("= "), shared.strip()) for block in blocks]


def _read(block: str, chapter: str, shared: str) -> Case:
    heading, *lines = block.rstrip().splitlines()
    row, _, title = heading.partition(" ")
    marked = {mark: [line[2:] for line in lines if line.startswith(f"{mark} ")] for mark in "=!>~"}
    sql = [line for line in lines if line[:1] not in set("=!>~@")]
    cut = sql.index("--") if "--" in sql else -1
    directives = [line[1:].partition(" ") for line in lines if line.startswith("@")]
    return Case(
        chapter=chapter,
        row=int(row),
        title=title,
        before="\n".join(sql[: max(cut, 0)]).strip(),
        shared=shared,
        statements="\n".join(sql[cut + 1 :]).strip(),
        directives={name: value for name, _, value in directives},
        claims={v: read(text) for line in marked["="] for v, text in _by_version(line)},
        corrections={v: _correction(text) for line in marked["!"] for v, text in _by_version(line)},
        careful=dict(pair for line in marked[">"] for pair in _by_version(line)),
        reason=next(iter(marked["~"]), None),
    )


def _by_version(line: str) -> list[tuple[int, str]]:
    found = _CLAIM.fullmatch(line)
    assert found is not None, line

    first, last, text = found.groups()
    versions = SUPPORTED if first is None else range(int(first), int(last or first) + 1)
    return [(version, text) for version in versions]


def _correction(text: str) -> Correction:
    outcome, _, why = text.partition(": ")
    return Correction(outcome=read(outcome), why=why)


def all_cases() -> list[Case]:
    return [case for path in sorted(CASES.glob("*.txt")) for case in read_chapter(path)]


def span(versions: list[int]) -> str:
    """Return `13–17`, or `13, 15–18` where one is missing."""
    runs: list[list[int]] = []
    for version in sorted(versions):
        if runs and runs[-1][-1] == version - 1:
            runs[-1].append(version)
        else:
            runs.append([version])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
