"""What a report of a plan tells of: the plan, what it was made from, and where its files stand.

Plain values; whoever reads files, clocks and repositories does it before. Two equal subjects give equal
reports, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from migrator.errors import MigrateError
from migrator.plan.plan import Plan
from migrator.plan.proof import Proof
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.sql.migration import Migration


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A plan and its surroundings."""

    plan: Plan
    proof: Proof | None = None
    """What a scratch server proved of it, if it was asked."""
    migrations: tuple[Migration, ...] = ()
    """The files that were planned, as they were read; those of a saved plan are not known."""
    facts: Facts = msgspec.field(default_factory=Facts)
    """What was known of the database before the first step."""
    policy: Policy = msgspec.field(default_factory=Policy)
    paths: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Of each file, by its name in the plan: its path from the root of the repository, with slashes.

    A file that is not listed (standard input) is in no repository.
    """
    name: str = "migrations"
    """Tells this report from others of the same pull request; it does not change with what is pending."""
    pages: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The documentation's page of each hazard, by its name."""
    notes: tuple[str, ...] = ()
    """What should be said beside the plan."""
    failure: MigrateError | None = None
    """Why there is no plan: the files, or something else that was given, cannot be read."""

    def path(self, file: str) -> str:
        """Return the path of a file as a report names it."""
        return self.paths.get(file, file)

    @property
    def sources(self) -> dict[str, str]:
        """The text of each file by its name in the plan."""
        return {migration.file: migration.text for migration in self.migrations}
