"""The safe sequence of a foreign key of a partitioned table before PostgreSQL 18: R7p.

Such a foreign key cannot be NOT VALID there. So each partition that holds rows gets an equal one, NOT VALID
and then validated; the table's own takes them over and reads nothing. It may assume a table in use.
"""

import msgspec

from migrator.operations.base import Context
from migrator.operations.hazards import needs_approval
from migrator.operations.partition_tree import below, foreign_partition, partitioned, quick_limits
from migrator.operations.steps import step
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_each_partition import add_on_partition, all_have_foreign_key, validate_on_partition
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Diagnosis, PartitionConstraints, Phase, Recovery, Step, Timeouts, Transaction
from migrator.postgres.facts import ConstraintKind, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


class PartitionedForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign key that a partitioned table and all its partitions get."""

    table: QualifiedName
    columns: tuple[str, ...]
    parent: QualifiedName
    name: str
    body: Sql
    """FOREIGN KEY (…) REFERENCES …"""
    diagnoses: tuple[Diagnosis, ...]


def foreign_key_step(key: PartitionedForeignKey, context: Context) -> Step:
    """Return the one step: partition by partition, then the table's own."""
    locks = (
        RelationLock(key.table, LockMode.SHARE_ROW_EXCLUSIVE),
        RelationLock(key.parent, LockMode.ACCESS_EXCLUSIVE),
    )
    return step(
        context,
        f"ADD FOREIGN KEY {key.name} to each partition, then to {key.table}",
        _work(key, context),
        Recovery.PROBED,
        Effect(locks=locks, scans=(key.table, key.parent)),
        phase=Phase.VALIDATE,
        recipe="R7p",
        undo=(ddl.alter_table(key.table, ddl.drop_constraint(key.name)),),
        diagnoses=key.diagnoses,
        timeouts=_unhurried(context),
    )


def _work(key: PartitionedForeignKey, context: Context) -> PartitionConstraints:
    """LOCK TABLE on a partitioned table takes its partitions too, whichever there are."""
    close = (
        all_have_foreign_key(key.table, key.name, key.columns, key.parent),
        ddl.alter_table(key.table, ddl.add_constraint(key.name, key.body)),
    )
    strong = (
        RelationLock(key.parent, LockMode.ACCESS_EXCLUSIVE),
        RelationLock(key.table, LockMode.SHARE_ROW_EXCLUSIVE),
    )
    return PartitionConstraints(
        table=key.table,
        constraint=key.name,
        add=add_on_partition(key.name, key.body),
        add_acquire=(RelationLock(key.parent, LockMode.SHARE_ROW_EXCLUSIVE),),
        validate=validate_on_partition(key.name),
        close=Transaction(statements=close, acquire=strong),
        close_locks=strong,
        quick=quick_limits(context),
        known=below(key.table, context.facts),
    )


def _unhurried(context: Context) -> Timeouts:
    policy = context.policy
    return Timeouts(lock_ms=policy.statement_timeout_ms, statement_ms=None, deadline_s=policy.long_deadline_s)


def refusal(
    table: QualifiedName, columns: tuple[str, ...], parent: QualifiedName, name: str, context: Context
) -> Hazard | None:
    """Return what stands in the way: a foreign table, or an equal foreign key under another name."""
    foreign = foreign_partition(table, "it cannot have a foreign key", context.facts)
    if foreign is not None:
        return foreign
    for partition in below(table, context.facts):
        relation = context.facts.relation(partition)
        equal = None if relation is None or partitioned(relation) else _equal(relation, columns, parent)
        if equal not in {None, name}:
            message = f"{partition} has an equal foreign key already, {equal}: the server would take that one"
            instead = f"rename it to {name}, which this one is to have, or drop it"
            return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, table, "catalogue 96, R7p")
    return None


def _equal(relation: Relation, columns: tuple[str, ...], parent: QualifiedName) -> str | None:
    return next(
        (
            c.name
            for c in relation.constraints
            if c.kind is ConstraintKind.FOREIGN_KEY and c.references == parent and c.columns == columns
        ),
        None,
    )
