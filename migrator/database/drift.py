"""A relation that is not what the plan was made for: found, named and left alone.

Definitions are looked at under no lock but ACCESS SHARE for an instant, each with its stamp. Under a step's
own lock only the stamps are compared; where one has changed, its definition is looked at again, outside.
"""

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from migrator.database import commands as sql
from migrator.database.journal_commands import relations_of
from migrator.database.patience import patiently
from migrator.database.workbench import Seen, Workbench
from migrator.errors import DriftError, StoppedSafely
from migrator.plan.step import Step
from migrator.postgres.identifiers import QualifiedName

_HINT = (
    "undo the change and run again, or record that it is right: "
    "migrate resolve {version} --accept-drift --reason …"
)

FRESH_S = 1.0
"""A look is so old at most when an attempt for a lock begins."""

_LOOKS = 10
"""So often definitions are looked at that change meanwhile."""

_PATIENCE_MS = 1_000
"""lock_timeout of a look: whoever holds ACCESS EXCLUSIVE keeps it waiting, and nobody waits behind it."""


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a look has to say of one relation."""

    relation: QualifiedName
    as_expected: bool
    stamp: str
    steady: bool
    left_by: str | None
    """The step that left it, where it was changed before anybody could look."""
    was_absent: bool
    is_absent: bool

    def __str__(self) -> str:
        """What is wrong with it."""
        if self.left_by is not None:
            return f"{self.relation} was changed right after step {self.left_by}"
        if self.was_absent:
            return f"{self.relation} exists already"
        return f"{self.relation} is gone" if self.is_absent else f"{self.relation} has another definition"


def check_drift(bench: Workbench, version: str, relations: Sequence[QualifiedName] | None = None) -> None:
    """Raise DriftError where a relation of the migration (or of those named) is not as expected.

    Takes ACCESS SHARE for an instant, and raises psycopg's error where that is not to be had.
    """
    _compare(bench, version, relations, "since it was planned")


def check_drift_patiently(
    bench: Workbench,
    version: str,
    relations: Sequence[QualifiedName] | None = None,
    *,
    when: str = "since it was planned",
) -> None:
    """As `check_drift`, outside a transaction: tried again while somebody holds ACCESS EXCLUSIVE."""
    doing = f"looking at the relations of {version}"
    patiently(bench, lambda: _compare(bench, version, relations, when), doing)


def check_drift_lately(bench: Workbench, version: str) -> None:
    """As `check_drift_patiently`, unless all relations of the migration were looked at a moment ago."""
    seen = bench.session.seen
    if seen is None or not seen.whole or seen.version != version or not _fresh(seen):
        check_drift_patiently(bench, version)


def accept_what_is_left(bench: Workbench, version: str) -> None:
    """Compute the digests of what a step has left, which is what the next one expects.

    Raises DriftError where somebody was quicker; a crash before it leaves it to the next look.
    """
    if bench.commands.attended:
        check_drift_patiently(bench, version)


def stamps_for(bench: Workbench, step: Step) -> Mapping[QualifiedName, str]:
    """Return the stamps that the step's relations had a moment ago, when they were as expected.

    Raises DriftError, and psycopg's error where ACCESS SHARE is not to be had.
    """
    relations = relations_of(step)
    if not bench.commands.attended or not relations:
        return MappingProxyType({})
    seen = bench.session.seen
    if seen is None or seen.version != step.migration or not _fresh(seen):
        when = f"before step {step.id} ({step.title})"
        _compare(bench, step.migration, relations, when)
    return stamps_seen(bench, step)


def stamps_seen(bench: Workbench, step: Step) -> Mapping[QualifiedName, str]:
    """Return the stamps that the step's relations had at the last look; none if there was none."""
    seen = bench.session.seen
    if seen is None or seen.version != step.migration:
        return MappingProxyType({})
    return {relation: seen.stamps[relation] for relation in relations_of(step) if relation in seen.stamps}


def forget_seen(bench: Workbench) -> None:
    """Have the next attempt look at the definitions again: a stamp has changed."""
    bench.session.seen = None


def _fresh(seen: Seen) -> bool:
    return time.monotonic() - seen.at < FRESH_S


def _compare(bench: Workbench, version: str, relations: Sequence[QualifiedName] | None, when: str) -> Seen:
    """Look, and note what was seen. Raises DriftError."""
    bench.session.seen = None
    at, found = _steady_look(bench, version, relations)
    drifted = [one for one in found if not one.as_expected]
    if drifted:
        raise _error(version, when, drifted)
    stamps = {one.relation: one.stamp for one in found}
    bench.session.seen = seen = Seen(version=version, at=at, stamps=stamps, whole=relations is None)
    return seen


def _steady_look(
    bench: Workbench, version: str, relations: Sequence[QualifiedName] | None
) -> tuple[float, list[_Found]]:
    """Return what was found when nothing changed meanwhile, and since when it holds."""
    unsteady: list[str] = []
    for _ in range(_LOOKS):
        at = time.monotonic()
        found = _look(bench, version, relations)
        unsteady = [str(one.relation) for one in found if not one.steady]
        if not unsteady:
            return at, found
    raise StoppedSafely(f"migration {version}: somebody keeps changing {', '.join(unsteady)}")


def _look(bench: Workbench, version: str, relations: Sequence[QualifiedName] | None) -> list[_Found]:
    with bench.connection.transaction():
        bench.execute(sql.set_local({"lock_timeout": _PATIENCE_MS}))
        rows = bench.execute(bench.commands.look(version, relations)).fetchall()
    return [
        _Found(
            relation=QualifiedName(str(row[0]), str(row[1])),
            as_expected=bool(row[2]),
            stamp=str(row[3]),
            steady=bool(row[4]),
            left_by=None if row[5] is None else str(row[5]),
            was_absent=bool(row[6]),
            is_absent=bool(row[7]),
        )
        for row in rows
    ]


def _error(version: str, when: str, found: Sequence[_Found]) -> DriftError:
    return DriftError(
        f"migration {version}: the database was changed {when}: {'; '.join(map(str, found))}",
        hint=_HINT.format(version=version),
    )
