"""A relation that is not what the plan was made for: found, named and left alone."""

from collections.abc import Sequence

from migrator.database.patience import patiently
from migrator.database.workbench import Workbench
from migrator.errors import DriftError
from migrator.plan.step import Step
from migrator.postgres.identifiers import QualifiedName

_HINT = (
    "undo the change and run again, or record that it is right: "
    "migrate resolve {version} --accept-drift --reason …"
)


def drift_error(bench: Workbench, step: Step) -> DriftError:
    """Return the error that names the relations which are not as the step expects them."""
    return _error(step.migration, f"before step {step.id} ({step.title})", _drifted(bench, step.migration))


def check_drift(bench: Workbench, version: str, relations: Sequence[QualifiedName] | None = None) -> None:
    """Raise DriftError where a relation of the migration (or of those named) is not as expected.

    Takes ACCESS SHARE for an instant, and raises psycopg's error where that is not to be had.
    """
    found = [row for row in _drifted(bench, version) if relations is None or row[0] in relations]
    if found:
        raise _error(version, "since it was planned", found)


def check_drift_patiently(
    bench: Workbench, version: str, relations: Sequence[QualifiedName] | None = None
) -> None:
    """As `check_drift`, outside a transaction: tried again while somebody holds ACCESS EXCLUSIVE."""
    patiently(bench, lambda: check_drift(bench, version, relations), f"looking at the relations of {version}")


def _drifted(bench: Workbench, version: str) -> list[tuple[QualifiedName, bool, bool]]:
    """Return the relations that are not as expected; whether they should be absent, whether they are."""
    rows = bench.execute(bench.commands.query("drifted", version=version)).fetchall()
    return [(QualifiedName(str(row[0]), str(row[1])), bool(row[2]), bool(row[3])) for row in rows]


def _error(version: str, when: str, found: list[tuple[QualifiedName, bool, bool]]) -> DriftError:
    named = [_what(*row) for row in found]
    return DriftError(
        f"migration {version}: the database was changed {when}: {'; '.join(named) or 'and changed back'}",
        hint=_HINT.format(version=version),
    )


def _what(name: QualifiedName, was_absent: bool, is_absent: bool) -> str:  # noqa: FBT001  # a row
    if was_absent:
        return f"{name} exists already"
    return f"{name} is gone" if is_absent else f"{name} has another definition"
