"""The partitions below a table as the catalogs have them now, and what of them a step's journal rows tell.

Only catalogs are read, and no partition is locked: one may be gone by the time the answer is used.
"""

from itertools import count
from typing import Any

import msgspec

from migrator.database.commands import journal_query
from migrator.database.workbench import Workbench
from migrator.execution.journal import Backend, StepRecord, StepState
from migrator.plan.step import PART, PartitionIndexes, Phase, Step
from migrator.postgres.identifiers import QualifiedName, fold, quote
from migrator.postgres.object_names import joined_columns, object_name

_FILE = "partitions.sql"

_PARTITIONED, _FOREIGN = "p", "f"


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """A partition, told by its OID from a later one of the same name."""

    oid: int
    parent: int
    """The OID of the table right above it."""
    name: QualifiedName
    kind: str
    """pg_class.relkind."""

    @property
    def branch(self) -> bool:
        """It is partitioned itself."""
        return self.kind == _PARTITIONED

    @property
    def foreign(self) -> bool:
        """Its rows are on another server."""
        return self.kind == _FOREIGN


class Fitting(msgspec.Struct, frozen=True, kw_only=True):
    """An index that is part of the one above it, or fits it; or the one that all are below."""

    oid: int
    table: int
    """The OID of its table."""
    name: QualifiedName
    valid: bool
    attached: bool = False
    constrained: bool = False
    """A constraint of the same kind as the one above has it."""
    columns: tuple[str, ...] = ()
    """Their names in the index."""


def tree(bench: Workbench, table: QualifiedName) -> tuple[Partition, ...]:
    """Return the partitions at every level, those above before those below."""
    rows = _rows(bench, "tree", schema=table.schema, name=table.name)
    return tuple(
        Partition(oid=oid, parent=parent, name=QualifiedName(schema, name), kind=kind)
        for oid, parent, schema, name, kind in rows
    )


def top(bench: Workbench, work: PartitionIndexes) -> Fitting | None:
    """Return the index of the table itself; None where it is gone."""
    rows = _rows(bench, "root", schema=work.index.schema, name=work.index.name, table=work.table.name)
    return next(
        (
            Fitting(oid=oid, table=table, name=work.index, valid=valid, columns=tuple(columns))
            for oid, table, valid, columns in rows
        ),
        None,
    )


def fitting(bench: Workbench, partition: Partition, above: int) -> tuple[Fitting, ...]:
    """Return the attached index of the partition, then those that could be, the oldest first."""
    rows = _rows(bench, "indexes", partition=partition.oid, above=above)
    return tuple(
        Fitting(
            oid=oid,
            table=partition.oid,
            name=QualifiedName(schema, name),
            valid=valid,
            attached=attached,
            constrained=constrained,
        )
        for oid, schema, name, valid, attached, constrained in rows
    )


def has_index(bench: Workbench, partition: Partition, name: str) -> bool:
    """Whether the partition has an index of that name, in whatever state."""
    ((found,),) = _rows(bench, "has index", partition=partition.oid, name=name)
    return bool(found)


def chosen_name(bench: Workbench, partition: Partition, columns: tuple[str, ...], label: str) -> str:
    """Return the name that the server would choose for the partition's index now."""
    addition = None if label == "pkey" else joined_columns(columns)
    for attempt in count():
        name = object_name(partition.name.name, addition, label if attempt == 0 else f"{label}{attempt}")
        if not taken(bench, QualifiedName(partition.name.schema, name), constraints=label != "idx"):
            return name
    raise AssertionError


def taken(bench: Workbench, name: QualifiedName, *, constraints: bool) -> bool:
    """Whether a relation, or a constraint, has the name."""
    ((found,),) = _rows(bench, "taken", schema=name.schema, name=name.name, constraints=constraints)
    return bool(found)


def constraint_state(bench: Workbench, partition: Partition, name: str) -> bool | None:
    """Return whether the partition's constraint of that name is validated; None where it has none."""
    rows = _rows(bench, "constraint", partition=partition.oid, name=name)
    return next((bool(validated) for validated, _ in rows), None)


# --- the journal


def part_id(step: Step, partition: Partition, what: str) -> str:
    """Return the id of what the step does for one partition."""
    return f"{step.id}{PART}{partition.name.quoted}{PART}{what}"


def begun_builds(bench: Workbench, step: Step, partition: Partition) -> dict[str, StepRecord]:
    """Return the indexes that the step set out to build there, by their last names, the latest last."""
    prefix = part_id(step, partition, "")
    rows = _rows(bench, "parts", version=step.migration, prefix=prefix)
    records = (_record(step, row) for row in rows)
    builds = [r for r in records if r.id.startswith(f'{prefix}"')]
    return {fold(r.id.removeprefix(prefix)): r for r in builds}


def part_done(bench: Workbench, step: Step, identity: str) -> bool:
    """Whether the journal has that part as done."""
    rows = _rows(bench, "parts", version=step.migration, prefix=identity)
    return any(row[0] == identity and row[1] == StepState.DONE for row in rows)


def build_id(step: Step, partition: Partition, name: str) -> str:
    """Return the id of an index build; of all parts it alone ends with a quoted name."""
    return part_id(step, partition, quote(name))


def _record(step: Step, row: Any) -> StepRecord:  # noqa: ANN401  # a row
    identity, state, pid, start, title, phase = row
    return StepRecord(
        version=step.migration,
        id=identity,
        state=StepState(state),
        phase=Phase(phase),
        title=title,
        backend=Backend(pid=pid, start=start) if pid else None,
    )


def _rows(bench: Workbench, name: str, /, **parameters: Any) -> list[Any]:  # noqa: ANN401  # what psycopg sends
    return bench.execute(journal_query(_FILE, name, bench.schema, parameters)).fetchall()
