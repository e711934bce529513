"""The safe sequence of an index of a partitioned table (R19), and of a constraint that rests on one (R9p).

The index of the table alone comes first: from then on new partitions get theirs by themselves. Then one step
builds those of the partitions CONCURRENTLY and attaches them; the partitions are looked up when it runs. It
may assume a table in use, and no partition that is a foreign table.
"""

import msgspec

from migrator.operations.base import Context
from migrator.operations.index_build import unhurried
from migrator.operations.partition_tree import below, partitioned, quick_limits
from migrator.operations.steps import step
from migrator.plan.ddl import Sql
from migrator.plan.ddl_each_partition import attach_index, drop_leaf_index, index_on_leaf
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.partition_template import Template
from migrator.plan.step import Diagnosis, PartitionIndexes, Phase, Recovery, Step, Transaction
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


class PartitionedIndex(msgspec.Struct, frozen=True, kw_only=True):
    """An index that a partitioned table and all its partitions get."""

    table: QualifiedName
    index: QualifiedName
    body: Sql
    """What stands after the table's name."""
    unique: bool
    label: str
    """idx, key or pkey."""
    on_only: Sql
    """Makes it on the table alone."""
    branch: Template
    """Makes it on a partition alone that is partitioned itself."""
    constrain: Template | None = None
    mode: LockMode = LockMode.SHARE
    """The lock of `on_only`."""
    recipe: str
    undo: tuple[str, ...]
    diagnoses: tuple[Diagnosis, ...] = ()


def index_steps(wanted: PartitionedIndex, context: Context) -> tuple[Step, ...]:
    """Return the two steps; neither holds a lock that blocks writes while it scans."""
    return (_alone(wanted, context), _below_it(wanted, context))


def _alone(wanted: PartitionedIndex, context: Context) -> Step:
    """Nothing is taken beforehand: LOCK TABLE would lock the partitions too."""
    words = "ADD CONSTRAINT" if wanted.constrain else "CREATE INDEX"
    return step(
        context,
        f"{words} {wanted.index.name} ON ONLY {wanted.table}",
        Transaction(statements=(wanted.on_only,)),
        Recovery.TRANSACTIONAL,
        Effect(locks=(RelationLock(wanted.table, wanted.mode),)),
        phase=Phase.VALIDATE,
        recipe=wanted.recipe,
        undo=wanted.undo,
    )


def _below_it(wanted: PartitionedIndex, context: Context) -> Step:
    table = wanted.table
    work = PartitionIndexes(
        table=table,
        index=wanted.index,
        unique=wanted.unique,
        label=wanted.label,
        definition=wanted.body,
        build=index_on_leaf(wanted.body, unique=wanted.unique),
        drop=drop_leaf_index(),
        constrain=wanted.constrain,
        branch=wanted.branch,
        attach=attach_index(),
        quick=quick_limits(context),
        known=below(table, context.facts),
    )
    lock = RelationLock(table, _strongest_mode(wanted, context))
    return step(
        context,
        f"INDEX {wanted.index.name} of every partition of {table}",
        work,
        Recovery.PROBED,
        Effect(locks=(lock,), scans=(table,), index_builds=(table,)),
        phase=Phase.VALIDATE,
        recipe=wanted.recipe,
        undo_note=f"the indexes of the partitions go with {wanted.index}",
        diagnoses=wanted.diagnoses,
        timeouts=unhurried(context),
    )


def _strongest_mode(wanted: PartitionedIndex, context: Context) -> LockMode:
    """Return the strongest lock that a partition gets: for an instant, not while its index is built.

    A constraint takes its finished index over under ACCESS EXCLUSIVE; a partition that is partitioned itself
    gets an index of its own, without rows to read.
    """
    if wanted.constrain:
        return LockMode.ACCESS_EXCLUSIVE
    relations = map(context.facts.relation, below(wanted.table, context.facts))
    return LockMode.SHARE if any(map(partitioned, relations)) else LockMode.SHARE_UPDATE_EXCLUSIVE
