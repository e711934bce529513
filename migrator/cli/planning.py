"""Which statements `migrate plan` plans, and from what facts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migrator import __version__
from migrator.cli.git import new_files
from migrator.errors import UsageError
from migrator.history import list_files, read_files
from migrator.plan.plan import Plan
from migrator.planner import plan as make_plan
from migrator.postgres.facts import Facts
from migrator.sql.migration import Migration

if TYPE_CHECKING:  # some of these load the driver, which planning offline does without
    from collections.abc import Sequence

    from migrator.cli.facts_file import FactsFile, Source
    from migrator.cli.project import Project
    from migrator.execution.journal import MigrationRecord  # noqa: TC004  # an annotation of a dataclass

STANDARD_INPUT = "-"


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A plan to be shown, and what should be said beside it."""

    plan: Plan
    migrations: tuple[Migration, ...] = ()
    """The files that the plan is of."""
    facts: Facts = msgspec.field(default_factory=Facts)
    """What it was made from."""
    unfinished: tuple[MigrationRecord, ...] = ()
    """Begun migrations with something left before contract."""
    notes: tuple[str, ...] = ()


def plan_pending(project: Project) -> Planned:
    """Plan what the journal lacks, from the facts of the database."""
    from migrator import workflow

    observation = workflow.observe(project.connector, project.policy)
    files = project.migrations()
    agenda = workflow.prepare(files, observation, project.policy)
    unfinished = workflow.going_on_with(agenda)
    notes = [*agenda.notes, *(_going_on(record) for record in unfinished)]
    if observation.needs_baseline:
        notes.append(
            "this database has tables and no journal: migrate apply will ask for migrate baseline VERSION"
        )
    plan = agenda.plan
    versions = {migration.version for migration in plan.migrations}
    return Planned(
        plan=plan,
        migrations=tuple(migration for migration in files if migration.version in versions),
        facts=observation.facts,
        unfinished=unfinished,
        notes=tuple(notes),
    )


def plan_new(project: Project, base: str | None, source: Source) -> Planned:
    """Plan the files that this branch adds, without a database."""
    migrations = project.read(new_files(project.existing_directory(), base))
    facts, notes = source(project, migrations)
    return _planned(project, migrations, facts, notes)


def plan_files(project: Project, files: Sequence[str], source: Source | None) -> Planned:
    """Plan these files, whatever a journal says of them; without a `source` the database gives the facts."""
    if STANDARD_INPUT in files and len(files) > 1:
        raise UsageError("- is standard input, and stands alone")
    migrations = (project.standard_input(),) if STANDARD_INPUT in files else project.read(map(Path, files))
    if source is None:
        from migrator import workflow

        observation = workflow.observe(project.connector, project.policy)
        return _planned(project, migrations, observation.facts)
    facts, notes = source(project, migrations)
    return _planned(project, migrations, facts, notes)


def plan_from_file(project: Project, given: FactsFile) -> Planned:
    """Plan what the database that a facts file describes has not begun."""
    begun = given.begun
    if begun is None:
        return plan_new(project, None, given.before)
    files = list_files(project.existing_directory())
    pending = read_files(f for f in files if f.version not in begun)
    facts, notes = given.before(project, pending)
    return _planned(project, pending, facts, notes)


def _planned(
    project: Project, migrations: Sequence[Migration], facts: Facts, notes: tuple[str, ...] = ()
) -> Planned:
    plan = make_plan(migrations, facts, project.policy, tool_version=__version__)
    return Planned(plan=plan, migrations=tuple(migrations), facts=facts, notes=notes)


def _going_on(record: MigrationRecord) -> str:
    return (
        f"{record.version} {record.name} has begun and goes on with the plan it began with (migrate status)"
    )
