"""Facts without a database: a file that was written from one, a shadow that replays the files, or nothing."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from migrator.cli.failure import say
from migrator.cli.project import Project
from migrator.cli.signals import ending
from migrator.errors import ConfigurationError, InputError, UsageError
from migrator.history import list_files, read_files, read_text
from migrator.planner import fold
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.facts_document import FactsDocument, decode
from migrator.reports.words import counted
from migrator.sql.migration import Migration

Source = Callable[[Project, Sequence[Migration]], tuple[Facts, tuple[str, ...]]]
"""Gives the facts that some files are planned for where no database is asked, and what to say of them."""


class FactsFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that `migrate facts export` wrote."""

    path: Path
    document: FactsDocument

    @property
    def begun(self) -> frozenset[str] | None:
        """Versions that the database had begun; None where it had no journal."""
        found = self.document.server.begun
        return None if found is None else frozenset(found)

    def before(self, project: Project, chosen: Sequence[Migration]) -> tuple[Facts, tuple[str, ...]]:
        """Return the facts that the chosen files are planned for: with the files that come before them.

        Files that the database had not begun, and that nobody asked for, will have run by then: what they
        make is in use, and of unknown size.
        """
        facts = self.document.facts
        between = self._between(project, chosen)
        if between:
            facts = _in_use(fold(between, facts, project.policy))
        # Not among the notes: reports hold those, and do not change from one day to the next.
        say(f"the facts are {self.age()} old ({self.path})", label="note", color="cyan")
        if not between:
            return facts, ()
        return facts, (f"the facts are as they will be after {_names(between)}, which they do not have yet",)

    def age(self) -> str:
        """Return the age in days, or hours."""
        try:
            hours = (datetime.now(UTC) - datetime.fromisoformat(self.document.made_at)).total_seconds() / 3600
        except (ValueError, TypeError):
            return "of unknown age, not"
        return f"{hours / 24:.0f} days" if hours >= 2 * 24 else f"{max(hours, 0):.0f} hours"

    def _between(self, project: Project, chosen: Sequence[Migration]) -> tuple[Migration, ...]:
        if self.begun is None or not project.directory.is_dir() or not chosen:
            return ()
        before = files_before(list_files(project.directory), chosen)
        return read_files(file for file in before if file.version not in self.begun)


class Versioned(Protocol):
    """A migration, read or not."""

    @property
    def version(self) -> str:
        """Its version."""


File = TypeVar("File", bound=Versioned)


def files_before(history: Sequence[File], chosen: Sequence[Versioned]) -> tuple[File, ...]:
    """Return the files of the folder up to the last of the chosen ones, without those."""
    versions = {migration.version for migration in chosen}
    places = [place for place, file in enumerate(history) if file.version in versions]
    end = places[-1] if places else len(history)
    return tuple(file for file in history[:end] if file.version not in versions)


def facts_file(path: Path) -> FactsFile:
    """Read a facts file; raises InputError where it is none."""
    return FactsFile(path=path, document=decode(read_text(path), file=str(path)))


def check_source(project: Project, *, offline: bool, facts: Path | None) -> None:
    """Raise UsageError where the options name more than one source of facts."""
    if offline and project.database_was_given:
        raise UsageError("--offline and --database exclude each other")
    if facts is not None and (offline or project.database_was_given):
        other = "--offline" if offline else "--database"
        raise UsageError(f"--facts and {other} both say what is known: give one of the two")


def source_for(
    project: Project, given: FactsFile | None, *, offline: bool, ask: bool, shadow: str
) -> Source | None:
    """Return where facts come from, in the order of trust: a file, the database (None), a shadow, nothing.

    The database is asked only with `ask`.
    """
    if given is not None:
        return given.before
    if offline:
        return nothing
    return None if ask and project.has_database else Replayed(shadow)


def nothing(project: Project, chosen: Sequence[Migration]) -> tuple[Facts, tuple[str, ...]]:  # noqa: ARG001  # a Source
    """Return no facts: every table is taken to be large and in use."""
    return project.facts_without_database, ()


class Replayed(msgspec.Struct, frozen=True):
    """A shadow server on which the files before the chosen ones are run; a Source."""

    shadow: str

    def __call__(self, project: Project, chosen: Sequence[Migration]) -> tuple[Facts, tuple[str, ...]]:
        """Return the definitions that the files make; sizes stay unknown.

        Where there is no such server, or the files do not run on it, there are no facts, and a note says why.
        """
        history = project.migrations() if project.directory.is_dir() else ()
        before = files_before(history, chosen)
        if not before:
            return project.facts_without_database, ()
        try:
            return _replayed(project, before, self.shadow), ()
        except (ConfigurationError, InputError) as error:
            place = "" if error.at is None else f"{error.at}: "
            note = f"nothing is known of the tables, so all count as large: {place}{error.message}"
            return project.facts_without_database, (note,)


def _replayed(project: Project, before: Sequence[Migration], shadow: str) -> Facts:
    from migrator.shadow.servers import shadow_server
    from migrator.verification.planning import facts_after

    files = counted(len(before), "file")
    with ending("the plan"), shadow_server(shadow) as server:
        say(f"replaying {files} on {server.name}; --offline does without", label="plan", color="cyan")
        facts = facts_after(server, before, project.policy)
    origin = f"{files} replayed on {server.name}"
    return msgspec.structs.replace(facts, origin=origin)


def _in_use(facts: Facts) -> Facts:
    """Return facts in which what files are expected to have made is there, in use, and of unknown size."""
    relations = tuple(_used(r) if r.created_in_plan else r for r in facts.relations)
    functions = tuple(msgspec.structs.replace(f, created_in_plan=False) for f in facts.functions)
    return msgspec.structs.replace(facts, relations=relations, functions=functions, new_types=())


def _used(relation: Relation) -> Relation:
    return msgspec.structs.replace(relation, created_in_plan=False, rows=None, bytes=None)


def _names(migrations: Sequence[Migration]) -> str:
    some = ", ".join(m.file for m in migrations[:3])
    return some if len(migrations) <= 3 else f"{some} and {len(migrations) - 3} more"  # noqa: PLR2004  # as many as fit
