"""A run beside an application that goes on working: `beside(url, tables, load, work)`.

The application and the sampler are programs of their own, so that neither waits for this one; the
application works for a moment before the run begins and after it has ended. For scratch databases only.
What the run itself fails with is told in `Traffic.stopped`; `CompanionLost` is a bug.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psycopg

from migrator.database.session import Connection
from migrator.database.translate import message_of
from migrator.errors import MigrateError
from migrator.execution import events
from migrator.execution.events import Event
from migrator.plan.proof import Stretch, Traffic
from migrator.plan.step import Step
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.traffic import recording
from migrator.shadow.traffic.application import AFTER, NOTES
from migrator.shadow.traffic.companion import Companion
from migrator.shadow.traffic.sampler import DATABASE
from migrator.shadow.traffic.sightings import Sampled
from migrator.shadow.traffic.summary import Clock, Observed, traffic

_PROBES = 20

_SAMPLED = "sampled.json"

_MARGIN_S = 0.5
"""The application works alone for so long, before the run and after it."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How much traffic."""

    readers: int = 2
    writers: int = 2
    rate: float = 100.0
    """Actions of each of them in a second, at most; an action is a statement, or a transaction of a few."""
    seed: int = 0


@dataclass(slots=True)
class Diary:
    """Where the run notes what it is at; an observer of the runner, too."""

    zero_s: float
    """When the run began, in seconds of the monotonic clock."""
    stretches: list[Stretch] = field(default_factory=list)
    open: tuple[Step, float] | None = None
    """The step that has not finished."""

    @contextlib.contextmanager
    def at(self, name: str, title: str) -> Iterator[None]:
        """Note a stretch of time."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._note(name, title, began)

    def event(self, event: Event) -> None:
        """Note the steps."""
        match event:
            case events.StepStarted(step=step):
                self.open = step, time.monotonic()
            case events.StepFinished(step=step, seconds=seconds):
                self.open = None
                self._note(step.id, step.title, time.monotonic() - seconds)
            case _:
                pass

    def close(self) -> None:
        """Note the step at which the run ended."""
        if self.open is not None:
            step, began = self.open
            self._note(step.id, step.title, began)

    def _note(self, name: str, title: str, began: float) -> None:
        ended = time.monotonic() - self.zero_s
        self.stretches.append(Stretch(id=name, title=title, began_s=began - self.zero_s, ended_s=ended))


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """A run and what was beside it."""

    traffic: Traffic
    notes: tuple[str, ...]
    """What the application did not do, because it could not learn it."""


def beside(
    url: str,
    tables: Collection[QualifiedName],
    load: Load,
    work: Callable[[Diary], None],
    *,
    after: str | None = None,
    journal_schema: str = "migrator",
) -> Beside:
    """Do the work while the application uses the tables; `after` is a database with the change made."""
    with tempfile.TemporaryDirectory(prefix="migrate-traffic-") as name:
        folder = Path(name)
        secrets = {DATABASE: url, AFTER: after or ""}
        programs = (
            _application(folder, tables, load, secrets),
            _sampler(folder, journal_schema, secrets),
        )
        with psycopg.connect(url, autocommit=True, application_name="migrate verify clock") as connection:
            clock, diary, stopped = _run(connection, programs, work)
        return _put_together(folder, load, clock, diary, stopped)


def _application(
    folder: Path, tables: Collection[QualifiedName], load: Load, secrets: Mapping[str, str]
) -> Companion:
    options = {
        "output": folder,
        "tables": msgspec.json.encode(sorted(tables)).decode(),
        "readers": load.readers,
        "writers": load.writers,
        "rate": load.rate,
        "seed": load.seed,
    }
    return Companion("migrator.shadow.traffic.application", options, environment=secrets)


def _sampler(folder: Path, journal_schema: str, secrets: Mapping[str, str]) -> Companion:
    options = {"output": folder / _SAMPLED, "without": msgspec.json.encode([journal_schema]).decode()}
    return Companion("migrator.shadow.traffic.sampler", options, environment=secrets)


def _run(
    connection: Connection, programs: tuple[Companion, Companion], work: Callable[[Diary], None]
) -> tuple[Clock, Diary, str | None]:
    application, sampler = programs
    with sampler, application:
        application.tell("go")
        application.await_answer("going")
        time.sleep(_MARGIN_S)
        offset = _offset(connection)
        began = time.monotonic()
        diary = Diary(began)
        stopped = _refusal(work, diary)
        diary.close()
        ended = time.monotonic()
        time.sleep(_MARGIN_S)
    return Clock(offset_s=offset, began_s=began + offset, ended_s=ended + offset), diary, stopped


def _refusal(work: Callable[[Diary], None], diary: Diary) -> str | None:
    try:
        work(diary)
    except MigrateError as error:
        return error.message
    except psycopg.Error as error:
        return message_of(error)
    return None


def _offset(connection: Connection) -> float:
    """Return what the server's clock is ahead of the monotonic one, by the quickest of some answers."""
    found = []
    for _ in range(_PROBES):
        asked = time.monotonic()
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        answered = time.monotonic()
        found.append((answered - asked, (0.0 if row is None else float(row[0])) - (asked + answered) / 2))
    return min(found)[1]


def _put_together(folder: Path, load: Load, clock: Clock, diary: Diary, stopped: str | None) -> Beside:
    observed = Observed(
        recording=recording.read(folder),
        sampled=msgspec.json.decode((folder / _SAMPLED).read_bytes(), type=Sampled),
        clock=clock,
        readers=load.readers,
        writers=load.writers,
        stretches=tuple(diary.stretches),
        stopped=stopped,
    )
    notes = msgspec.json.decode((folder / NOTES).read_bytes(), type=tuple[str, ...])
    return Beside(traffic=traffic(observed), notes=notes)
