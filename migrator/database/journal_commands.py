"""What a run writes into the journal, as commands for the transaction that each belongs to."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from migrator.database.commands import Command, journal_query, names_of
from migrator.execution.journal import MigrationState
from migrator.execution.options import Provenance
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.plan import Plan
from migrator.plan.step import (
    PART,
    PARTITION_WORK,
    Backfill,
    BuildIndex,
    DropIndex,
    Step,
)
from migrator.postgres.identifiers import QualifiedName

FILE = "journal_write.sql"

CHANGED = "MG001"
"""SQLSTATE: a relation is no longer what was looked at; not yet drift, its definition may be the same."""


def encode_plan(plan: Plan) -> str:
    """Return the plan as the journal stores it."""
    return msgspec.json.encode(plan).decode()


def decode_plan(text: str) -> Plan:
    """Return the plan that the journal stores."""
    return msgspec.json.decode(text, type=Plan)


def relations_of(step: Step) -> tuple[QualifiedName, ...]:
    """Return the relations that the step touches, as its effect and its work name them.

    None of a part: partitions come and go, so their definitions are neither expected nor written down.
    """
    if PART in step.id:
        return ()
    named = [lock.relation for lock in step.effect.locks]
    if isinstance(step.work, (BuildIndex, DropIndex, RebuildIndexes, Backfill, *PARTITION_WORK)):
        named.append(step.work.table)
    return tuple(dict.fromkeys(named))


class JournalCommands:
    """Commands on the journal of one schema, in the name of one run."""

    def __init__(self, schema: str, provenance: Provenance | None = None) -> None:
        self.schema = schema
        self.run: int | None = None
        self.attended = True
        """Whether definitions are watched: not where nothing was live when the migration began."""
        self._provenance = _who(provenance)

    def query(self, name: str, /, **parameters: Any) -> Command:  # noqa: ANN401  # whatever psycopg can send
        """Return a named query of `journal_write.sql`."""
        return journal_query(FILE, name, self.schema, parameters or None)

    def recorded_query(self, file: str, name: str, /, **parameters: Any) -> Command:  # noqa: ANN401  # as above
        """Return a named query of another file that writes down an event of this run."""
        return journal_query(file, name, self.schema, {**parameters, **self._provenance, "run": self.run})

    def begin_run(self, plan: Plan) -> Command:
        """Return what numbers a run, with what it sets out to begin."""
        versions = [m.version for m in plan.migrations]
        return self.query("begin run", live=plan.live, versions=versions, **self._provenance)

    def event(self, kind: str, version: str | None = None, **details: Any) -> Command:  # noqa: ANN401  # JSON
        """Return the record of something that happened."""
        known: Mapping[str, Any] = {k: v for k, v in details.items() if v is not None}
        return self.query(
            "event",
            kind=kind,
            version=version,
            run=self.run,
            details=json.dumps(known, default=str),
            **self._provenance,
        )

    def begin_migration(self, plan: Plan, version: str) -> Command:
        """Return the row of a migration that begins with its part of `plan`."""
        header = next(m for m in plan.migrations if m.version == version)
        return self.query(
            "begin migration",
            version=version,
            name=header.name,
            file=header.file,
            plan=encode_plan(plan),
            checksums=checksums_of(plan, version),
            live=plan.live,
        )

    def set_migration(self, version: str, state: MigrationState, error: str | None = None) -> Command:
        """Return the new state of a migration."""
        return self.query("set migration", version=version, state=state.value, error=error)

    def begin_step(self, step: Step, pid: int | None) -> Command:
        """Return the intent: the server process `pid` (None: no particular one) is about to run the step."""
        return self._step("begin step", step, phase=step.phase.value, title=step.title, run=self.run, pid=pid)

    def step_done(self, step: Step) -> Command:
        """Return what records a step that is done, and was not announced, in its own transaction."""
        return self._step("step done", step, phase=step.phase.value, title=step.title, run=self.run)

    def end_step(self, step: Step, attempts: int, seconds: float, *, defines: bool = True) -> list[Command]:
        """Return what records a step as done, with what it left behind where it `defines` something."""
        named = _names_or_none(relations_of(step) if defines and self.attended else None)
        return [self._step("end step", step, run=self.run, attempts=attempts, seconds=seconds, **named)]

    def warm_end_step(self) -> Command:
        """Return what makes the server plan the end of a step without writing anything."""
        none: dict[str, Any] = {"version": None, "step": None, "run": None, "attempts": 0, "seconds": 0.0}
        return self.query("end step", **none, schemas=[], names=[])

    def fail_step(self, step: Step, error: str, attempts: int, seconds: float) -> list[Command]:
        """Return what records that the server refused a step."""
        return [
            self._step("fail step", step, error=error, attempts=attempts),
            self.attempt(step, "failed", attempts, seconds, error),
            self.set_migration(step.migration, MigrationState.FAILED, f"step {step.id}: {error}"),
            self.event("step.failed", step.migration, step=step.id, title=step.title, error=error),
        ]

    def fail_whole(self, step: Step, error: str) -> Command:
        """Return what records a step as failed because a part of it has, whose row says more."""
        return self._step("fail step", step, error=error, attempts=0)

    def step_waits(self, step: Step, waits_for: str | None) -> Command:
        """Return the note of what a step waits for; of a part it is the step that waits."""
        whole = step.id.partition(PART)[0]
        return self.query("step waits", version=step.migration, step=whole, waits_for=waits_for)

    def confirm(self, step: Step) -> Command:
        """Return a write whose commit waits for synchronous standbys."""
        return self._step("confirm", step)

    def attempt(
        self, step: Step, outcome: str, attempts: int, seconds: float, error: str | None = None
    ) -> Command:
        """Return the record of this run's try of a step."""
        return self._step(
            "attempt", step, run=self.run, outcome=outcome, attempts=attempts, seconds=seconds, error=error
        )

    def expect_fingerprints(self, plan: Plan, version: str) -> Command:
        """Return what writes down the definitions that the migration's first step expects."""
        base = plan.only(version).fingerprints
        earlier = [m.version for m in plan.migrations if m.version != version]
        return self.query(
            "expect fingerprints",
            version=version,
            earlier=earlier,
            digests=[f.digest for f in base],
            **names_of([f.relation for f in base]),
        )

    def check_stamps(self, stamps: Mapping[QualifiedName, str]) -> Command:
        """Return a query that fails (`CHANGED`) where a relation has another stamp."""
        return self.query("check stamps", stamps=list(stamps.values()), **names_of(list(stamps)))

    def look(self, version: str, relations: Sequence[QualifiedName] | None = None) -> Command:
        """Return what compares definitions with what is expected; None: all of the migration."""
        return self.query("look", version=version, **_names_or_none(relations))

    def backfill(self, name: str, step: Step, /, **parameters: Any) -> Command:  # noqa: ANN401  # as in query
        """Return a named query on the checkpoint of a walk."""
        return self._step(name, step, **parameters)

    def _step(self, name: str, step: Step, /, **parameters: Any) -> Command:  # noqa: ANN401  # as in query
        return self.query(name, version=step.migration, step=step.id, **parameters)


def _names_or_none(relations: Sequence[QualifiedName] | None) -> dict[str, Any]:
    return {"schemas": None, "names": None} if relations is None else names_of(relations)


def checksums_of(plan: Plan, version: str) -> list[str]:
    """Return the checksums of a migration's statements, in their order."""
    return [s.checksum for s in plan.statements if s.migration == version]


def _who(provenance: Provenance | None) -> dict[str, str | None]:
    if provenance is None:
        return {"os_user": None, "host": None, "tool_version": None, "commit": None, "ci_url": None}
    return {
        "os_user": provenance.os_user,
        "host": provenance.host,
        "tool_version": provenance.tool_version,
        "commit": provenance.commit,
        "ci_url": provenance.ci_url,
    }
