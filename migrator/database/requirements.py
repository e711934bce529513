"""What the roles of a plan's steps must be allowed to do, read off the steps. Pure.

A right that the plan turns out not to need is not asked for: only what certainly fails without it.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from migrator.plan.index_work import RebuildIndexes
from migrator.plan.step import (
    Autocommit,
    Backfill,
    BuildIndex,
    DetachPartition,
    DropIndex,
    PartitionConstraints,
    PartitionIndexes,
    Transaction,
)
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.plan.plan import Plan
    from migrator.plan.step import Step


class Right(enum.Enum):
    """What may be missing."""

    OWN = enum.auto()
    """Owner of the relation, or a member of the owner; where it does not exist yet: CREATE on its schema."""
    CREATE = enum.auto()
    """CREATE on the relation's schema."""
    REFERENCE = enum.auto()
    """REFERENCES, or ownership."""
    UPDATE = enum.auto()
    """SELECT and UPDATE."""
    SEE_ALL_ROWS = enum.auto()
    """No row level security in the way."""


class Requirement(msgspec.Struct, frozen=True, order=True):
    """One right of one role on one relation; `role` None is whoever is connected."""

    role: str | None
    relation: QualifiedName
    right: Right


_OWNERS_LOCKS = {LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.SHARE, LockMode.ACCESS_EXCLUSIVE}
"""DDL under these locks is the owner's. SHARE ROW EXCLUSIVE is also taken on a foreign key's parent."""


def requirements(plan: Plan) -> tuple[Requirement, ...]:
    """Return what the steps of the plan need, each once, in the order of the steps."""
    found = (Requirement(step.session.role, *right) for step in plan.steps for right in _rights(step))
    return tuple(dict.fromkeys(found))


def builds_indexes(plan: Plan) -> bool:
    """Whether an index is built concurrently."""
    return any(isinstance(step.work, (BuildIndex, PartitionIndexes)) for step in plan.steps)


def _rights(step: Step) -> Iterator[tuple[QualifiedName, Right]]:
    match step.work:
        case BuildIndex(table=table) | PartitionIndexes(table=table):
            yield table, Right.OWN
            yield table, Right.CREATE
        case DropIndex(table=table) | RebuildIndexes(table=table) | PartitionConstraints(table=table):
            yield table, Right.OWN
        case DetachPartition(root=root):
            yield root, Right.OWN
        case Backfill(table=table):
            yield table, Right.UPDATE
            yield table, Right.SEE_ALL_ROWS
        case Transaction():
            yield from _of_ddl(step)
        case Autocommit():
            return  # what it needs is not known


def _of_ddl(step: Step) -> Iterator[tuple[QualifiedName, Right]]:
    # Only the first: dropping a foreign key, for one, locks its parent too, whoever owns that.
    owned = [lock.relation for lock in step.effect.locks if lock.mode in _OWNERS_LOCKS]
    yield from ((relation, Right.OWN) for relation in owned[:1])
    shared = [lock.relation for lock in step.effect.locks if lock.mode is LockMode.SHARE_ROW_EXCLUSIVE]
    if owned or (len(shared) == 1 and step.operation != "create-table"):
        return  # a partition gets the foreign keys of its root without a further right; a trigger has its own
    own = next((name for name in shared if _is_about(step, name)), None)
    if own is not None:
        yield own, Right.OWN
    # A foreign key: the table that it refers to is locked first; of others it is not known what they are.
    yield from ((parent, Right.REFERENCE) for parent in shared[:1] if parent != own)


def _is_about(step: Step, name: QualifiedName) -> bool:
    """Whether a statement of ours alters this table."""
    statements = step.work.statements if isinstance(step.work, Transaction) else ()
    return any(statement.startswith(f"ALTER TABLE {name.quoted} ") for statement in statements)
