"""VALIDATE CONSTRAINT of a partitioned table: of each partition, then of the table, which reads nothing.

All at once it would hold SHARE UPDATE EXCLUSIVE on every partition until the last one is read, so that none
can be vacuumed, and would begin anew after an interruption.
"""

from typing import Unpack

from msgspec.structs import replace

from migrator.operations.base import Context
from migrator.operations.partition_tree import below, partitioned, quick_limits
from migrator.operations.steps import Details, step, validate
from migrator.plan.ddl_each_partition import validate_on_partition
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import PartitionConstraints, Recovery, Step
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


def validations(
    context: Context,
    table: QualifiedName,
    constraint: str,
    *,
    partners: tuple[QualifiedName, ...] = (),
    **details: Unpack[Details],
) -> tuple[Step, ...]:
    """Return VALIDATE CONSTRAINT, of a partitioned table in two steps."""
    whole = validate(context, table, constraint, partners=partners, **details)
    if not partitioned(context.facts.relation(table)):
        return (whole,)
    locks = [RelationLock(table, LockMode.SHARE_UPDATE_EXCLUSIVE)]
    locks += [RelationLock(partner, LockMode.ROW_SHARE) for partner in partners]
    work = PartitionConstraints(
        table=table,
        constraint=constraint,
        validate=validate_on_partition(constraint),
        quick=quick_limits(context),
        known=below(table, context.facts),
    )
    details["phase"] = whole.phase
    details["timeouts"] = whole.timeouts
    each = step(
        context,
        f"VALIDATE CONSTRAINT {constraint} of every partition of {table}",
        work,
        Recovery.PROBED,
        Effect(locks=tuple(locks), scans=(table, *partners)),
        **details,
    )
    if not partners:  # CHECK and NOT NULL
        return (each, replace(whole, effect=replace(whole.effect, scans=())))
    return (each, replace(whole, effect=_of_validated_foreign_key(table, context)))


def _of_validated_foreign_key(table: QualifiedName, context: Context) -> Effect:
    """Return the effect where every partition has validated its own: only those above others are locked."""
    relations = [(name, context.facts.relation(name)) for name in below(table, context.facts)]
    branches = [name for name, relation in relations if partitioned(relation)]
    return Effect(locks=tuple(RelationLock(n, LockMode.SHARE_UPDATE_EXCLUSIVE) for n in (table, *branches)))
