"""Steps of a migration where nothing is live, together: one message to the server, one answer.

Nobody can be stalled there, so no lock is tried for first, and nobody is expected to change definitions
meanwhile. What stays is that each step is a transaction of its own that commits with its journal row: a run
may be killed anywhere. The server skips all that comes after a step it refuses; that step, and the rest of
its migration, are then carried out one by one in the ordinary way, which says what went wrong.

The session state is set for the session, anew after every statement that may have changed it. Commits do not
wait for the disk: what a crash of the server takes away it takes together with the journal rows.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace
from psycopg import pq

from migrator.database import commands as sql
from migrator.database.commands import journal_query
from migrator.database.journal_commands import checksums_of
from migrator.database.message import Line, exchange
from migrator.database.pipeline import Part, Placed
from migrator.database.steps_session import UNKNOWN, entered, learn
from migrator.database.workbench import Workbench
from migrator.execution.decide import Conclude, Perform, next_action
from migrator.execution.events import MigrationStarted, StepFinished, StepStarted
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationRecord, MigrationState, StepRecord, StepState
from migrator.execution.options import RunOptions
from migrator.plan.plan import Plan
from migrator.plan.step import Phase, Recovery, Step, Transaction

_MOST = 200
"""Steps in one message: so often a run can be asked to stop."""

_BEGINNING = 6
"""Commands up to the COMMIT with which a migration has begun."""

_KEEPS_SESSION = re.compile(r"(ALTER|COMMENT|CREATE|DROP|GRANT|LOCK|REVOKE|TRUNCATE)\b", re.IGNORECASE)
"""Statements that leave the session's settings alone; others may call set_config()."""


class Together(msgspec.Struct, frozen=True, kw_only=True):
    """What was carried out together."""

    record: MigrationRecord
    """Of the migration, as the journal now has it."""
    begun: bool
    """The migration has begun in the journal."""
    steps: int
    complete: bool
    """The server refused none of the steps."""


def new_record(plan: Plan, version: str) -> MigrationRecord:
    """Return the record of a migration that is about to begin with its part of `plan`."""
    part = plan.only(version)
    (header,) = part.migrations
    return MigrationRecord(
        version=version,
        name=header.name,
        file=header.file,
        state=MigrationState.BEGUN,
        position=0,
        plan=part,
        checksums=tuple(checksums_of(part, version)),
        live=part.live,
    )


def run_together(
    bench: Workbench, record: MigrationRecord, options: RunOptions, *, begins: bool = False
) -> Together | None:
    """Carry out the next steps together, as many as can be; None where there is none.

    `begins`: the migration is yet to be begun in the journal. Where its last step is among them it is
    recorded as applied. Raises Interrupted, Paused, and psycopg's error of a lost session.
    """
    action = next_action(record, options)
    if record.live or record.state is not MigrationState.BEGUN or not isinstance(action, Perform):
        return None
    steps = _together(bench, record, action.step, options)
    if not steps:
        return None
    shown = _Shown(bench=bench, record=record)
    if begins:
        shown.begins()
    shown.started(steps[0], resumed=action.resumed)
    placed, ends = _placed(bench, record, steps, begins=begins)
    after = next_action(_with_done(record, steps), options)
    ends_it = isinstance(after, Conclude) and after.state is MigrationState.APPLIED
    ending = _ending(bench, record) if ends_it else []
    bench.faults(FaultPoint.BEFORE_COMMIT)
    answers = _send(bench, [*placed, *ending])
    answered = len(answers)
    done = [step for step, end in zip(steps, ends, strict=True) if end < answered]
    shown.done(done, [_seconds(answers[end - 1]) for end in ends[: len(done)]])
    ended = bool(ending) and answered == len(placed) + len(ending)
    known = _with_done(record, done)
    return Together(
        record=replace(known, state=MigrationState.APPLIED) if ended else known,
        begun=not begins or answered >= _BEGINNING,
        steps=len(done),
        complete=len(done) == len(steps),
    )


def settle(bench: Workbench) -> None:
    """Give the session back what every session of ours has, where steps went together before."""
    if bench.session.state is not None:
        bench.session.state = None
        bench.session.names.forget()
        bench.connection.execute("RESET ALL")
        bench.connector.settle(bench.connection)


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the observer is told of steps that went together."""

    bench: Workbench
    record: MigrationRecord

    def begins(self) -> None:
        record = self.record
        self.bench.observer.event(
            MigrationStarted(version=record.version, name=record.name, steps=len(self._numbers), done=0)
        )

    def done(self, steps: Sequence[Step], seconds: Sequence[float]) -> None:
        for place, (step, took) in enumerate(zip(steps, seconds, strict=True)):
            if place > 0:
                self.started(step, resumed=False)
            number, steps_all = self._numbers[step.id], len(self._numbers)
            self.bench.observer.event(
                StepFinished(step=step, number=number, steps=steps_all, seconds=took, attempts=1)
            )
            self.bench.faults(FaultPoint.STEP_DONE)

    def started(self, step: Step, *, resumed: bool) -> None:
        number, steps_all = self._numbers[step.id], len(self._numbers)
        self.bench.observer.event(StepStarted(step=step, number=number, steps=steps_all, resumed=resumed))

    @property
    def _numbers(self) -> dict[str, int]:
        steps = self.record.plan.steps if self.record.plan else ()
        return {step.id: number for number, step in enumerate(steps, start=1)}


def _together(
    bench: Workbench, record: MigrationRecord, first: Step, options: RunOptions
) -> tuple[Step, ...]:
    steps = record.plan.steps if record.plan else ()
    found: list[Step] = []
    for step in steps[[s.id for s in steps].index(first.id) :][:_MOST]:
        asked_for = step.phase in options.phases and step.phase is not Phase.CONTRACT
        if not (_simple(step) and asked_for and step.session.role in {None, bench.session.role(bench)}):
            break
        found.append(step)
    return tuple(found)


def _simple(step: Step) -> bool:
    plain = isinstance(step.work, Transaction) and step.recovery is Recovery.TRANSACTIONAL
    return plain and not step.preconditions


def _with_done(record: MigrationRecord, steps: Sequence[Step]) -> MigrationRecord:
    done = {
        step.id: StepRecord(
            version=record.version, id=step.id, state=StepState.DONE, phase=step.phase, title=step.title
        )
        for step in steps
    }
    return replace(record, steps={**record.steps, **done})


# --- the message


def _placed(
    bench: Workbench, record: MigrationRecord, steps: Sequence[Step], *, begins: bool
) -> tuple[list[Placed], list[int]]:
    """Return the commands, and the place of each step's COMMIT among them."""
    asked = journal_query("journal_read.sql", "not paused", bench.schema)
    placed = [Placed(command=asked, part=Part.CHECK), *(_beginning(bench, record) if begins else ())]
    ends: list[int] = []
    state = bench.session.state
    for step in steps:
        placed += [] if step.session == state else entered(bench, step.session)
        placed += _transaction(bench, step)
        ends.append(len(placed) - 1)
        state = step.session if _keeps_session(step) else UNKNOWN
    bench.session.state = state
    return placed, ends


def _keeps_session(step: Step) -> bool:
    return isinstance(step.work, Transaction) and all(map(_KEEPS_SESSION.match, step.work.statements))


def _beginning(bench: Workbench, record: MigrationRecord) -> Iterator[Placed]:
    version, plan = record.version, record.plan or Plan()
    yield from record_together(
        bench.commands.query("remove migration", version=version),
        bench.commands.begin_migration(plan, version),
        bench.commands.event("migration.begun", version),
    )


def _ending(bench: Workbench, record: MigrationRecord) -> list[Placed]:
    state = MigrationState.APPLIED
    return record_together(
        bench.commands.set_migration(record.version, state),
        bench.commands.event(f"migration.{state}", record.version),
    )


def record_together(*commands: sql.Command) -> list[Placed]:
    """Return commands on the journal as one transaction."""
    return [Placed(command=each, part=Part.RECORD) for each in (sql.BEGIN, *commands, sql.COMMIT)]


def _transaction(bench: Workbench, step: Step) -> list[Placed]:
    statements = step.work.statements if isinstance(step.work, Transaction) else ()
    return [
        Placed(command=sql.BEGIN, part=Part.SETUP),
        *(Placed(command=sql.plain(text), part=Part.STATEMENT) for text in statements),
        Placed(command=bench.commands.step_done(step), part=Part.RECORD),
        Placed(command=sql.COMMIT, part=Part.RECORD),
    ]


def _send(bench: Workbench, placed: Sequence[Placed]) -> tuple[pq.abc.PGresult, ...]:
    """Send it all, and return the answers to the commands that were carried out."""
    lines = [Line(command=each.command, recurs=_recurs(each)) for each in placed]
    answers = exchange(bench.connection, lines, bench.session.names)
    learn(bench, placed, answers.results)
    if answers.refused is not None:
        bench.rollback()
        bench.session.names.forget()
        bench.session.state = UNKNOWN
        if bench.stop.now:
            raise bench.stop.error() from answers.refused
    return answers.results


def _recurs(placed: Placed) -> bool:
    """Whether it is one of the commands that every step or file has in common."""
    ours = placed.part in {Part.CHECK, Part.RECORD} or placed.command is sql.BEGIN
    return ours or placed.command.parameters is not None


def _seconds(answer: pq.abc.PGresult) -> float:
    return float(answer.get_value(0, 0) or 0)
