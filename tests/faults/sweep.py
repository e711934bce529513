"""A fault at every boundary of a scenario, one run each; after it runs until it is done, and the comparison.

The boundaries are those of an undisturbed run, which is recorded. What every run begins and ends with is
swept once, in the scenario of a database's first run.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random

from migrator.database.journal_store import FileEntry, JournalStore
from migrator.database.session import Connector
from migrator.errors import MigrateError
from migrator.execution.options import Provenance
from tests.faults.injection import Fault, Injection
from tests.faults.proxy import Boundary, Link, Position
from tests.faults.stage import NAME, Stage
from tests.faults.state import State, differences
from tests.faults.victim import Ended

AGAIN = frozenset({-9, 7})
"""Exit codes after which the same command is given again."""

CANNOT_CONNECT = 9
"""Also one of those, where the first connection of a run was the one that was lost."""

MOST_RUNS = 6

NEEDS_PERSON = 8

_BEGUN = 'INSERT INTO "migrator".migration '
"""It is among what every run begins with."""

_ENDED = 'UPDATE "migrator".migration SET state'
"""What every run ends with begins here, or where the migration has failed."""


@dataclass(frozen=True, slots=True)
class Point:
    """A boundary, and where in its life."""

    boundary: Boundary
    position: Position

    def __str__(self) -> str:
        b = self.boundary
        return f"{b.number} (connection {b.link}, {b.kind.decode()} {b.text[:80]!r}), {self.position.value}"


@dataclass(slots=True, kw_only=True)
class Swept:
    """What came of a scenario and a fault."""

    scenario: str
    fault: Fault
    points: int = 0
    of: int = 0
    """So many there are."""
    runs: int = 0
    resolved: int = 0
    """Times that a person had to look at a statement that nothing proves, as documented."""
    named: int = 0
    """Times that a run left an invalid index which its role may not remove, and named it."""
    losses: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        counts = [self.points, self.of, self.runs, self.resolved, self.named]
        return json.dumps([self.scenario, self.fault.name, *counts, self.losses])

    @staticmethod
    def from_json(text: str) -> "Swept":
        scenario, fault, points, of, runs, resolved, named, losses = json.loads(text)
        return Swept(
            scenario=scenario,
            fault=Fault[fault],
            points=points,
            of=of,
            runs=runs,
            resolved=resolved,
            named=named,
            losses=losses,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """An undisturbed run."""

    boundaries: tuple[Boundary, ...]
    state: State

    def points(self, fault: Fault) -> tuple[Point, ...]:
        """Where the fault is tried."""
        return tuple(
            Point(boundary, position)
            for boundary in self.boundaries
            if not boundary.asks_again
            for position in fault.positions
            if fault.strikes(boundary, position)
        )


def record(stage: Stage) -> Recording:
    """Carry the plan out undisturbed."""
    found: list[Boundary] = []
    stage.prepare()
    with stage.companion() as companion:

        def gate(link: Link, boundary: Boundary, position: Position) -> None:
            companion(link, boundary, position)
            if position is Position.BEFORE:
                found.append(boundary)

        ended = stage.run(gate)
    assert ended.code == stage.scenario.ends, ended

    whole = _from_the_beginning(stage)
    return Recording(boundaries=tuple(found) if whole else _own(found), state=stage.state(whole=True))


def _from_the_beginning(stage: Stage) -> bool:
    return stage.scenario.fresh or not stage.scenario.live


def _own(found: Sequence[Boundary]) -> tuple[Boundary, ...]:
    """Leave out what is the same in every run: up to the COMMIT of its beginning, and after its end."""
    begun = next(n for n, b in enumerate(found) if b.text.startswith(_BEGUN))
    first = next(n for n, b in enumerate(found) if n > begun and b.text.startswith("COMMIT"))
    last = next((n for n, b in enumerate(found) if b.text.startswith(_ENDED)), len(found))
    return tuple(found[first:last])


def sweep(stage: Stage, fault: Fault, recording: Recording, points: Sequence[Point]) -> Swept:
    """Try the fault at each of the points."""
    swept = Swept(scenario=stage.scenario.name, fault=fault, of=len(recording.points(fault)))
    for number, point in enumerate(points, start=1):
        stage.prepare()
        _try(stage, fault, recording, point, swept, whole=number == len(points))
    return swept


def some(points: Sequence[Point], number: int, seed: int) -> list[Point]:
    """So many of the points, by chance."""
    return list(points) if len(points) <= number else Random(seed).sample(list(points), number)


def _try(
    stage: Stage, fault: Fault, recording: Recording, point: Point, swept: Swept, *, whole: bool
) -> None:
    injection = Injection(
        server=stage.server,
        database=NAME,
        fault=fault,
        boundary=point.boundary,
        position=point.position,
        victim=lambda: stage.victims.pid,
        quickly=fault is not Fault.COMMIT and not stage.scenario.locked,
    )
    codes: list[str] = []
    try:
        ended = _until_done(stage, injection, codes, swept)
    finally:
        injection.end()
    swept.points += 1
    swept.named += bool(ended.named)
    wrong = _wrong(stage, injection, recording, ended, whole=whole)
    swept.losses += [f"{point}: {line} [{'; '.join(codes)}]" for line in wrong]


def _until_done(stage: Stage, injection: Injection, codes: list[str], swept: Swept) -> Ended:
    """Run, with the fault, and again as long as the exit code asks for it."""
    with stage.companion() as companion:

        def gate(link: Link, boundary: Boundary, position: Position) -> None:
            companion(link, boundary, position)
            injection.gate(link, boundary, position)

        ended = Ended(code=0, trouble="")
        for _ in range(MOST_RUNS):
            before = ended
            ended = stage.run(gate, strict=not (injection.struck and injection.quickly))
            ended = replace(ended, named=ended.named | before.named)
            swept.runs += 1
            codes.append(f"{ended.code} {ended.trouble[:300]}")
            if ended.code == NEEDS_PERSON and stage.scenario.unproved:
                _resolve(stage)
                swept.resolved += 1
            elif not (ended.code in AGAIN or (ended.code == CANNOT_CONNECT and _from_the_beginning(stage))):
                break
    return ended


def _wrong(
    stage: Stage, injection: Injection, recording: Recording, ended: Ended, *, whole: bool
) -> list[str]:
    if not injection.struck:
        return ["the run ended before this boundary"]
    if ended.code != stage.scenario.ends:
        return [f"ended with {ended.code}: {ended.trouble}"]
    found = _comparable(stage, stage.state(whole=whole))
    found["left"] = [each for each in found["left"] if each.removeprefix("invalid index ") not in ended.named]
    return [*ended.left, *differences(found, _comparable(stage, recording.state))]


def _comparable(stage: Stage, state: State) -> State:
    """A person's word takes the place of a step's own."""
    if not stage.scenario.unproved:
        return dict(state)
    steps = [(version, step, "done") for version, step, _ in state["steps"]]
    return {**state, "steps": steps, "steps done": None, "ends": None}


def _resolve(stage: Stage) -> None:
    """What a person does who has looked: the statement has taken effect, or it is carried out by hand."""
    with Connector(conninfo=stage.url).session("resolve") as connection:
        connection.execute(stage.scenario.unproved.encode())
        entry = FileEntry(version="1", name="faults", file="1_faults.sql", checksums=())
        with suppress(MigrateError):
            JournalStore(connection, "migrator", Provenance(tool_version="test")).resolve_applied(
                entry, "seen"
            )
