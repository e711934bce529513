"""What a check of style sees: a statement, the facts around it, and the facts when all files are applied.

A check is pure and speaks of what its statement makes or changes, never of what was there before. What a
later statement of the plan drops or changes again is passed over, and so is what cannot be known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from migrator.operations.base import Context
from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.identifiers import QualifiedName

if TYPE_CHECKING:
    from migrator.sql.syntax import Command

_SHOWN = 3


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A statement and what stands around it."""

    context: Context
    """Facts and names as they are before the statement."""
    after: Facts
    """As they are after it."""
    end: Facts
    """As they are when all files of the plan are applied."""
    plan: tuple[Context, ...]
    """Every statement of the plan, in its order."""
    found: tuple[HazardKind, ...] = ()
    """What is said of the statement already."""

    @property
    def command(self) -> Command:
        """What the statement says."""
        return self.context.statement.command

    @property
    def begin(self) -> Facts:
        """The facts before the first file."""
        return self.plan[0].facts

    @property
    def later(self) -> Iterator[Context]:
        """The statements after this one, in this file and the next ones."""
        here = (self.context.migration.version, self.context.index)
        places = [(each.migration.version, each.index) for each in self.plan]
        return iter(self.plan[places.index(here) + 1 :])

    def lasting(self, table: QualifiedName) -> Relation | None:
        """Return what is known of a table in the end; None where unknown, gone, or like another's."""
        relation = self.end.relation(table)
        if relation is None or relation.partition_of is not None or relation.inherits:
            return None
        return relation


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What a check says: the trouble, and what to write instead."""

    message: str
    instead: str
    relation: QualifiedName | None = None


class StyleCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check; instances stand in the CHECKS tuple."""

    kind: HazardKind
    find: Callable[[Scene], Iterable[Advice]]

    def hazards(self, scene: Scene) -> Iterator[Hazard]:
        """Return what the check says as hazards, which never keep a plan from running."""
        for advice in self.find(scene):
            yield Hazard(
                kind=self.kind,
                severity=Severity.WARNING,
                message=advice.message,
                instead=advice.instead,
                relation=advice.relation,
                advisory=True,
            )


def listed(names: Iterable[str]) -> str:
    """Return `a, b, c and 2 more`."""
    every = list(dict.fromkeys(names))
    rest = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + rest
