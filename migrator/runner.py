"""The loop of a run: decide, perform, record; and reconnect where that is safe.

It may assume that the plan was shown and accepted. What it raises is in `run`; the journal has everything
that was done, and the same call goes on from there.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from migrator.database.beginning import begin_migration, change_state, read_journal, read_record
from migrator.database.open_run import open_run
from migrator.database.perform import perform
from migrator.database.session import Connector
from migrator.database.standing_back import blocked, left_alone, overtaken
from migrator.database.unattended import Together, new_record, run_together
from migrator.database.workbench import Workbench, failed
from migrator.errors import CannotConnect, ConnectionLost
from migrator.execution import events
from migrator.execution.decide import AskPerson, Conclude, Perform, next_action
from migrator.execution.events import Event, Observer
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import MigrationRecord, MigrationState
from migrator.execution.options import Outcome, RunOptions, RunResult
from migrator.execution.selection import (
    beginning,
    conflict,
    going_on,
    leased,
    touching,
    unfinished,
)
from migrator.plan.plan import Plan, PlannedMigration
from migrator.plan.step import Step
from migrator.policy import Policy

_LOSSES = 3
"""So many connections may be lost with no step or batch in between: a step may crash the server."""


def run(
    connector: Connector,
    plan: Plan,
    policy: Policy,
    options: RunOptions,
    observer: Observer,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> RunResult:
    """Carry out what is pending of `plan`, and go on with what has begun, with the plan it began with.

    `plan` may be empty (`migrate contract`). The journal is made if the database has none. Raises RunnerBusy,
    StoppedSafely (LockDeadline, ConnectionLost, Paused), StepFailed, DriftError, PreflightError,
    CannotConnect, Interrupted and Terminated; the journal then has everything that was done.
    """
    course = _Course(
        connector=connector, plan=plan, policy=policy, options=options, observer=observer, sleep=sleep
    )
    while True:
        try:
            return course.once()
        except ConnectionLost as error:
            if not course.may_reconnect:
                raise
            observer.event(events.Reconnected(error=error.message))
        except CannotConnect as error:
            if course.number is None:
                raise
            if not course.may_reconnect:
                raise ConnectionLost(f"the connection was lost, and lost again: {error.message}") from error


@dataclass(slots=True, kw_only=True)
class _Course:
    """One run over as many connections as it takes; also the observer that notes whether it gets on."""

    connector: Connector
    plan: Plan
    policy: Policy
    options: RunOptions
    observer: Observer
    sleep: Callable[[float], None]
    number: int | None = None
    """Of the run in the journal; None before the first connection."""
    losses: int = 0
    deadline: float | None = None

    def event(self, event: Event) -> None:
        """Pass an event on; after a finished batch or step the connection may be lost again."""
        if isinstance(event, (events.BatchDone, events.StepFinished)):
            self.losses = 0
        self.observer.event(event)

    @property
    def may_reconnect(self) -> bool:
        """Whether to go on after a lost connection; notes the loss."""
        self.losses += 1
        return self.number is not None and self.losses <= _LOSSES and not self.options.stop.requested

    def once(self) -> RunResult:
        """Go through the plan on one connection."""
        with open_run(
            self._connector(),
            self.policy,
            self.options,
            self,
            plan=self.plan,
            run=self.number,
            sleep=self.sleep,
        ) as bench:
            if bench.session.overtaken:
                return RunResult(overtaken=True)
            self.number = bench.commands.run
            outcomes = tuple(_outcomes(bench, self.plan, self.options))
            return RunResult(outcomes=outcomes, overtaken=bench.session.overtaken)

    def _connector(self) -> Connector:
        """Return the connector, after a lost connection only when the server answers again."""
        if self.number is None:
            return self.connector
        try:
            Retrying(
                retry=retry_if_exception(self._worth_waiting),
                stop=stop_after_delay(self.options.reconnect_s),
                wait=wait_random_exponential(0.1, max=2.0),
                sleep=self.sleep,
                reraise=True,
            )(lambda: self.connector.connect("reconnecting").close())
        except CannotConnect as error:
            raise ConnectionLost(f"the connection was lost and did not come back: {error.message}") from error
        return self.connector

    def _worth_waiting(self, error: BaseException) -> bool:
        return isinstance(error, CannotConnect) and not self.options.stop.requested


def _outcomes(bench: Workbench, plan: Plan, options: RunOptions) -> Iterator[Outcome]:
    """Go through the plan; from the beginning where the runner lock was given up for a while."""
    told: dict[str, Outcome] = {}
    while True:
        bench.session.away = False
        for outcome in _through(bench, plan, options, told):
            told[outcome.version] = outcome
            if bench.session.away:
                break
        else:
            yield from told.values()
            return


def _through(
    bench: Workbench, plan: Plan, options: RunOptions, told: Mapping[str, Outcome]
) -> Iterator[Outcome]:
    """Go on with what has begun, then begin what is new and touches nothing unfinished."""
    journal = read_journal(bench)
    elsewhere = leased(journal)
    for version in going_on(journal, options):
        if version in told:
            continue
        yield left_alone(bench, journal, version) if version in elsewhere else _go_on(bench, version, options)
    new = [m for m in beginning(journal, plan, options) if m.version not in told]
    if new and told and overtaken(bench, options):
        return
    yield from _new(bench, plan, options, new, told)


def _new(
    bench: Workbench,
    plan: Plan,
    options: RunOptions,
    new: Sequence[PlannedMigration],
    told: Mapping[str, Outcome],
) -> Iterator[Outcome]:
    journal = read_journal(bench)
    standing = list(unfinished(journal))
    standing += [touching(m) for m in plan.migrations if m.version in told and told[m.version].blocked_by]
    for migration in new:
        wanted = touching(migration, plan if journal.leases else None)
        found = conflict(wanted, standing)
        if found is not None:
            yield blocked(bench, migration, found, journal)
            standing.append(wanted)
            continue
        bench.stop.check()
        outcome = _begin(bench, plan, migration.version, options)
        standing += [] if outcome.state is MigrationState.APPLIED else [wanted]
        yield outcome


def _begin(bench: Workbench, plan: Plan, version: str, options: RunOptions) -> Outcome:
    """Begin a migration and run its steps; where nothing is live its first steps go with its beginning."""
    first = None if plan.live else run_together(bench, new_record(plan, version), options, begins=True)
    if first is not None and first.record.state is MigrationState.APPLIED:
        return _conclude(bench, first.record, Conclude(state=MigrationState.APPLIED), first.steps)
    if first is None or not first.begun:
        bench.check_stop()
        begin_migration(bench, plan, version)
    return _go_on(bench, version, options, after=first)


def _go_on(bench: Workbench, version: str, options: RunOptions, *, after: Together | None = None) -> Outcome:
    """Run the steps of one migration until it comes to rest, `after` those that went with its beginning."""
    started = after is not None
    steps_run, refused = (0, False) if after is None else (after.steps, not after.complete)
    while True:
        record = read_record(bench, version)
        bench.commands.attended = record.live
        found = None if refused or not started else run_together(bench, record, options)
        if found is not None:
            steps_run, refused = steps_run + found.steps, not found.complete
            continue
        action = next_action(record, options)
        match action:
            case Conclude():
                return _conclude(bench, record, action, steps_run)
            case AskPerson(step=step):
                raise _ask_person(bench, record, step)
            case Perform(step=step, resumed=resumed):
                if not started:
                    _start(bench, record)
                    started = True
                    continue
                _perform(bench, record, step, resumed=resumed)
                steps_run += 1
            case _:
                assert_never(action)


def _start(bench: Workbench, record: MigrationRecord) -> None:
    change_state(bench, record, MigrationState.BEGUN)
    steps = record.plan.steps if record.plan else ()
    done = sum(1 for s in steps if s.id in record.steps and record.steps[s.id].done)
    bench.observer.event(
        events.MigrationStarted(version=record.version, name=record.name, steps=len(steps), done=done)
    )


def _perform(bench: Workbench, record: MigrationRecord, step: Step, *, resumed: bool) -> None:
    steps = record.plan.steps if record.plan else ()
    number = [s.id for s in steps].index(step.id) + 1
    bench.check_stop()
    bench.observer.event(events.StepStarted(step=step, number=number, steps=len(steps), resumed=resumed))
    began = time.monotonic()
    done = perform(bench, step, record.steps.get(step.id))
    bench.observer.event(
        events.StepFinished(
            step=step,
            number=number,
            steps=len(steps),
            seconds=time.monotonic() - began,
            attempts=done.attempts,
            found_done=done.found_done,
            rows=done.rows,
        )
    )


def _conclude(bench: Workbench, record: MigrationRecord, action: Conclude, steps_run: int) -> Outcome:
    change_state(bench, record, action.state)
    bench.faults(FaultPoint.MIGRATION_ENDED)
    bench.observer.event(
        events.MigrationFinished(
            version=record.version,
            name=record.name,
            state=action.state,
            waiting=action.waiting,
            held_before=action.held_before,
        )
    )
    return Outcome(
        version=record.version,
        name=record.name,
        state=action.state,
        steps_run=steps_run,
        waiting=action.waiting,
        held_before=action.held_before,
    )


def _ask_person(bench: Workbench, record: MigrationRecord, step: Step) -> Exception:
    change_state(bench, record, MigrationState.FAILED)
    return failed(
        step,
        "a run was interrupted while this statement ran outside a transaction; nothing proves its outcome",
        hint=f"look, then: migrate resolve {step.migration} --applied | --rolled-back --reason …",
    )
