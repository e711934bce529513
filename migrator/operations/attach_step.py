"""ATTACH PARTITION as a step: its locks, the helper CHECKs that go with it, the facts after it.

It may assume that nothing is left to be scanned or built that would be felt: the table is empty, small, or
prepared by `attach_partition`, and the default partition by `default_proof`.
"""

import msgspec
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.base import Context
from migrator.operations.partition_facts import cloned
from migrator.operations.steps import locks_on, transaction
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_partition import detach
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Constraint, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode


class Helper(msgspec.Struct, frozen=True, kw_only=True):
    """A CHECK that has proved what it should, and goes."""

    table: QualifiedName
    name: str


def attach_effect(root: Relation, partition: QualifiedName, context: Context) -> Effect:
    """Return the locks of ATTACH PARTITION (catalogue 137; those of foreign keys measured on 13 to 18)."""
    facts = context.facts
    shared = {c.references: _mode_on(c, facts.relation(partition)) for c in root.constraints if c.references}
    if facts.server_version.attach_locks_referencing_tables:
        shared |= {name: LockMode.SHARE_ROW_EXCLUSIVE for name in root.referenced_by if name not in shared}
    others = {name: mode for name, mode in shared.items() if name not in {root.name, partition}}
    default = root.default_partition
    locks = [
        RelationLock(root.name, LockMode.SHARE_UPDATE_EXCLUSIVE),
        *(lock for name, mode in others.items() for lock in locks_on(name, mode, facts)),
        *locks_on(partition, LockMode.ACCESS_EXCLUSIVE, facts),
        *(() if default is None else locks_on(default, LockMode.ACCESS_EXCLUSIVE, facts)),
    ]
    return Effect(locks=tuple(dict.fromkeys(locks)))


def _mode_on(key: Constraint, partition: Relation | None) -> LockMode:
    """Return the lock on the table that a foreign key refers to.

    Where the partition has an equal one already its triggers on that table go, under ACCESS EXCLUSIVE.
    """
    own = () if partition is None else partition.constraints
    equal = any(each.references == key.references and each.columns == key.columns for each in own)
    return LockMode.ACCESS_EXCLUSIVE if equal else LockMode.SHARE_ROW_EXCLUSIVE


def attach_step(
    root: Relation,
    partition: QualifiedName,
    sql: Sql,
    context: Context,
    *,
    helpers: tuple[Helper, ...] = (),
    effect: Effect,
    phase: Phase = Phase.EXPAND,
) -> Step:
    """Return ATTACH PARTITION (`sql` as written), with the end of the helper CHECKs in its transaction."""
    drops = [ddl.alter_table(each.table, ddl.drop_constraint(each.name)) for each in helpers]
    return transaction(
        context,
        f"ATTACH PARTITION {partition} to {root.name}",
        (sql, *drops),
        effect,
        phase=phase,
        recipe="R17",
        undo=(detach(root.name, partition),),
        undo_note="the rows are no longer seen in the partitioned table",
    )


def facts_after(
    root: Relation, partition: QualifiedName, context: Context, *, default: bool, helpers: tuple[Helper, ...]
) -> Facts:
    """Return the facts with the partition in use, and without the helpers."""
    facts = context.facts
    for helper in helpers:
        facts = folding.without_constraint(facts, helper.table, helper.name)
    facts = folding.with_partition(facts, root.name, partition, default=default)
    facts = cloned(facts, root.name, partition)
    return facts.changed(partition, lambda r: changed(r, created_in_plan=root.created_in_plan))
