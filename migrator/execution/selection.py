"""Which migrations a run takes on, in which order, and which have to stand back.

Those that have begun come first, in the order in which they began; then those of the plan that are new. A
new one that touches what an unfinished one touches stands back, and so does everything after it that touches
the same.
"""

from collections.abc import Iterable, Mapping

import msgspec

from migrator.execution.journal import Journal
from migrator.execution.options import RunOptions
from migrator.plan.plan import Plan, PlannedMigration
from migrator.postgres.identifiers import QualifiedName

_CODE = frozenset({"create-extension", "create-function", "create-type", "drop-object", "other-form"})
"""Operations on what is no relation, where they lock none: the value of a backfill may depend on it."""


class Touching(msgspec.Struct, frozen=True, kw_only=True):
    """A migration that is not finished, and the relations nobody else may touch meanwhile."""

    version: str
    relations: frozenset[QualifiedName]
    everything: bool = False
    """It has a statement that may touch anything."""
    code: bool = False
    """It has a statement that changes a function, a type or the like, which a walk may compute with."""
    walked: bool = False
    """Another run is in the middle of its backfill."""


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Why a migration stands back."""

    by: str
    relations: tuple[str, ...]
    """() where one of the two may touch anything."""


def going_on(journal: Journal, options: RunOptions) -> tuple[str, ...]:
    """Return the versions that have begun and are to go on."""
    return tuple(m.version for m in journal.unfinished if _asked(m.version, options))


def beginning(journal: Journal, plan: Plan, options: RunOptions) -> tuple[PlannedMigration, ...]:
    """Return the migrations of the plan that are new, up to the one asked for."""
    chosen: list[PlannedMigration] = []
    for migration in plan.migrations:
        if journal.get(migration.version) is None and _asked(migration.version, options):
            chosen.append(migration)
        if migration.version == options.to_version:
            break
    return tuple(chosen)


def touching(migration: PlannedMigration, plan: Plan | None = None) -> Touching:
    """Return what a migration touches; with its `plan` also whether it changes what is no relation."""
    statements = () if plan is None else plan.statements
    return Touching(
        version=migration.version,
        relations=frozenset(migration.touches),
        everything=migration.touches_everything,
        code=any(
            s.migration == migration.version and s.kind in _CODE and not s.effect.locks for s in statements
        ),
    )


def unfinished(journal: Journal) -> tuple[Touching, ...]:
    """Return what the unfinished migrations of the journal touch."""
    elsewhere = leased(journal)
    return tuple(
        Touching(
            version=m.version,
            relations=m.touches,
            everything=m.touches_everything,
            walked=m.version in elsewhere,
        )
        for m in journal.unfinished
    )


def leased(journal: Journal) -> Mapping[str, str]:
    """Return the versions whose backfill goes on in another run, and who that is."""
    return {lease.version: str(lease) for lease in journal.leases}


def conflict(wanted: Touching, others: Iterable[Touching]) -> Conflict | None:
    """Return the first of `others` that `wanted` has to wait for, None where it may begin."""
    for other in others:
        if other.version == wanted.version:
            continue
        common = sorted(str(name) for name in wanted.relations & other.relations)
        if common or wanted.everything or other.everything or (wanted.code and other.walked):
            return Conflict(by=other.version, relations=tuple(common))
    return None


def _asked(version: str, options: RunOptions) -> bool:
    return options.only is None or version in options.only
