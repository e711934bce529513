"""The plan.

Header, source statements with their effect as written, and the ordered steps that run instead.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from migrator.plan.effect import Effect
from migrator.plan.estimate import Estimate
from migrator.plan.hazard import Hazard
from migrator.plan.step import PARTITION_WORK, Phase, Step
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.versions import ServerVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

FORMAT = 1
"""Version of the document; readers refuse others."""


class Fingerprint(msgspec.Struct, frozen=True):
    """A relation's definition when the plan was made; digest None where it does not exist."""

    relation: QualifiedName
    digest: str | None


class SourceStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement of a file, and what it would have done as written."""

    migration: str
    index: int
    """1-based, in its file."""
    file: str
    line: int
    column: int
    text: str
    checksum: str
    kind: str
    """The operation's name, e.g. `add-column`; `opaque` where not understood."""
    effect: Effect
    """As written, without this tool."""
    hazards: tuple[Hazard, ...] = ()
    as_written: bool = False
    """Runs unchanged (under timeouts and lock attempts)."""
    touches: tuple[QualifiedName, ...] = ()
    note: str | None = None


class PlannedMigration(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the plan."""

    version: str
    name: str
    file: str
    touches: tuple[QualifiedName, ...] = ()
    touches_everything: bool = False
    """An opaque statement is in it."""
    findings: tuple[Hazard, ...] = ()
    """Of the file as a whole: unused directives and the like."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is shown, saved and executed. Deterministic: no clock, no randomness went into it."""

    format: int = FORMAT
    tool_version: str = ""
    server_version: ServerVersion = ServerVersion(0)
    facts: str = "nothing"
    """Where the facts came from: database, file, shadow, nothing."""
    facts_origin: str | None = None
    """Of a file or a shadow: from where and when."""
    database: str | None = None
    live: bool = True
    journal_schema: str = "migrator"
    approvals_file: str | None = None
    """Where only that file approves what would stop a run; None where the SQL files do."""
    fingerprints: tuple[Fingerprint, ...] = ()
    migrations: tuple[PlannedMigration, ...] = ()
    statements: tuple[SourceStatement, ...] = ()
    steps: tuple[Step, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    """Of steps whose time grows with a table, where the database is in use."""

    def only(self, version: str) -> Plan:
        """Return the part of one migration, as the journal stores it."""
        migrations = tuple(m for m in self.migrations if m.version == version)
        touched = {name for m in migrations for name in m.touches}
        return msgspec.structs.replace(
            self,
            fingerprints=tuple(f for f in self.fingerprints if f.relation in touched),
            migrations=migrations,
            statements=self.statements_of(version),
            steps=self.steps_of(version),
            estimates=self._estimates.get(version, ()),
        )

    @property
    def passing(self) -> frozenset[QualifiedName]:
        """Partitions that may come and go without making the plan stale: no step or statement names them."""
        known = {n for s in self.steps if isinstance(s.work, PARTITION_WORK) for n in s.work.known}
        fixed = {n for statement in self.statements for n in statement.touches}
        fixed |= {lock.relation for s in self.steps for lock in s.effect.locks}
        return frozenset(known - fixed)

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """Every hazard, of statements and files."""
        of_files = tuple(h for m in self.migrations for h in m.findings)
        return (*of_files, *(h for s in self.statements for h in s.hazards))

    def estimate_of(self, step: Step) -> Estimate | None:
        """Return the estimate of a step, None where its time does not grow with a table."""
        of_migration = self._estimates.get(step.migration, ())
        return next((each for each in of_migration if each.step == step.id), None)

    def statements_of(self, version: str) -> tuple[SourceStatement, ...]:
        """Return the statements of a migration in their order."""
        return self._statements.get(version, ())

    def steps_of(self, version: str, phase: Phase | None = None) -> tuple[Step, ...]:
        """Return the steps of a migration in their order, of one phase if named."""
        steps = self._steps.get(version, ())
        return steps if phase is None else tuple(step for step in steps if step.phase is phase)

    @cached_property
    def _statements(self) -> dict[str, tuple[SourceStatement, ...]]:
        return _by_migration(self.statements)

    @cached_property
    def _steps(self) -> dict[str, tuple[Step, ...]]:
        return _by_migration(self.steps)

    @cached_property
    def _estimates(self) -> dict[str, tuple[Estimate, ...]]:
        return _by_migration(self.estimates)


class _OfMigration(Protocol):
    @property
    def migration(self) -> str: ...


_Part = TypeVar("_Part", bound=_OfMigration)


def _by_migration(parts: Iterable[_Part]) -> dict[str, tuple[_Part, ...]]:
    found: dict[str, list[_Part]] = {}
    for part in parts:
        found.setdefault(part.migration, []).append(part)
    return {version: tuple(each) for version, each in found.items()}
