"""Which files `migrate verify` verifies, and what database they change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from migrator import workflow
from migrator.cli.facts_file import files_before
from migrator.cli.git import new_files
from migrator.cli.planning import STANDARD_INPUT
from migrator.errors import InputError, UsageError
from migrator.history import read_text
from migrator.postgres.facts_document import decode
from migrator.sql.dump import read_dump
from migrator.verification.request import Before, FactsFile, History, Request, SchemaFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.cli.project import Project
    from migrator.sql.migration import Migration


def request_for(
    project: Project,
    files: Sequence[str],
    *,
    base: str | None,
    rows: int,
    schema: Path | None = None,
    facts: Path | None = None,
    offline: bool = False,
) -> Request:
    """Return what is to be verified: the files named, else the pending ones, the new ones, or the last.

    A database is asked, read-only, for the pending files and the sizes of tables.
    """
    _check_options(project, files, base=base, offline=offline, both=bool(schema and facts))
    history = project.migrations() if project.directory.is_dir() else ()
    observed = None
    if project.has_database and not (offline or base):
        observed = workflow.observe(project.connector, project.policy)
    if files:
        chosen = _named(project, files)
    elif observed is not None:
        chosen = _pending(project, history, observed)
    else:
        chosen = _new(project, base) or history[-1:]
    if not chosen:
        raise InputError("there is no file to verify", hint="name one: migrate verify FILE")
    production = None if observed is None else observed.facts
    before: Before = History(migrations=files_before(history, chosen))
    if schema is not None:
        before = SchemaFile(file=str(schema), parts=read_dump(read_text(schema), file=str(schema)))
    elif facts is not None:
        before = FactsFile(file=str(facts), document=decode(read_text(facts), file=str(facts)))
        production = before.document.facts
    policy = project.policy
    return Request(migrations=chosen, before=before, policy=policy, rows=rows, production=production)


def _check_options(
    project: Project, files: Sequence[str], *, base: str | None, offline: bool, both: bool
) -> None:
    """Raise UsageError where options contradict each other."""
    if base and files:
        raise UsageError(f"--base {base} chooses the files, and FILES names them: give one of the two")
    if both:
        raise UsageError("--schema and --facts both say what there is before: give one of the two")
    if offline and project.database_was_given:
        raise UsageError("--offline and --database exclude each other")


def _pending(
    project: Project, history: Sequence[Migration], observed: workflow.Observation
) -> tuple[Migration, ...]:
    plan = workflow.prepare(history, observed, project.policy).plan
    versions = {migration.version for migration in plan.migrations}
    return tuple(migration for migration in history if migration.version in versions)


def _named(project: Project, files: Sequence[str]) -> tuple[Migration, ...]:
    if STANDARD_INPUT not in files:
        return project.read(map(Path, files))
    if len(files) > 1:
        raise UsageError("- is standard input, and stands alone")
    return (project.standard_input(),)


def _new(project: Project, base: str | None) -> tuple[Migration, ...]:
    """Return the files that this branch adds; none where git cannot tell and nobody asked it to."""
    try:
        return project.read(new_files(project.existing_directory(), base))
    except UsageError:
        if base:
            raise
        return ()
