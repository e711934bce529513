"""A golden case: one readable file with a title and sections, each begun by a line `-- name --`.

settings, optional lines `name: value`:
- `servers: 13-17`: the servers it is for (default 13-18); the plan shown is that of the newest
- `rows: users=0 orders=?`: rows of tables (default 5000000 and 1 GB); `?` is unknown
- `live: no`: nothing is live (default yes)
- `facts: nothing`: no facts at all (default: those of the schema)
- `run: no, why`: the plan is not carried out on a server
- `volatile: users.token`: columns whose values differ from run to run; compared are NULLs and their number

schema: SQL that exists beforehand. migration: the file to plan. plan: what `tests.golden.render` makes of it;
`python -m tests.golden.update [WORDS]` writes it anew.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

CASES = Path(__file__).parent / "cases"

_HEADING = re.compile(r"^-- (settings|schema|migration|plan) --\n", re.MULTILINE)

_SETTINGS = {"servers", "rows", "live", "facts", "run", "volatile"}

_WAITS = re.compile(r"^ *error [a-z-]+(?: \(not approvable\))?: ", re.MULTILINE)
"""An error that nobody approved, as `render` writes it."""

NEWEST = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    path: Path
    title: str
    settings: dict[str, str]
    schema: str
    migration: str
    plan: str

    @property
    def name(self) -> str:
        return str(self.path.relative_to(CASES).with_suffix(""))

    @property
    def servers(self) -> range:
        first, _, last = self.settings.get("servers", "13-18").partition("-")
        return range(int(first), int(last or first) + 1)

    @property
    def live(self) -> bool:
        return self.settings.get("live", "yes") == "yes"

    @property
    def knows_schema(self) -> bool:
        return self.settings.get("facts") != "nothing"

    @property
    def runs(self) -> bool:
        """Whether the plan can be carried out; by design some have no facts or wait for an approval."""
        return "run" not in self.settings and self.knows_schema and not _WAITS.search(self.plan)

    @property
    def volatile(self) -> frozenset[str]:
        return frozenset(self.settings.get("volatile", "").split())

    @property
    def rows(self) -> dict[str, int | None]:
        pairs = [pair.split("=") for pair in self.settings.get("rows", "").split()]
        return {name: None if rows == "?" else int(rows) for name, rows in pairs}

    def with_plan(self, plan: str) -> "Case":
        return replace(self, plan=plan)

    def text(self) -> str:
        settings = "".join(f"{name}: {value}\n" for name, value in self.settings.items())
        parts = [self.title, f"-- settings --\n{settings}" if settings else ""]
        parts += [f"-- schema --\n{self.schema}", f"-- migration --\n{self.migration}"]
        return "".join([*parts, f"-- plan --\n{self.plan}"])


def read(path: Path) -> Case:
    title, *rest = _HEADING.split(path.read_text())
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    lines = [line.partition(": ") for line in sections.get("settings", "").splitlines() if line]
    settings = {name: value for name, _, value in lines}
    assert settings.keys() <= _SETTINGS, f"{path}: unknown settings {settings.keys() - _SETTINGS}"
    return Case(
        path=path,
        title=title,
        settings=settings,
        schema=sections.get("schema", ""),
        migration=sections["migration"],
        plan=sections.get("plan", ""),
    )


def all_cases() -> list[Case]:
    return [read(path) for path in sorted(CASES.rglob("*.txt"))]
