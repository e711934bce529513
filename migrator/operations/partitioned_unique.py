"""The safe sequence of UNIQUE and PRIMARY KEY of a partitioned table: R9p, and R5 before a primary key.

The constraint of the table alone comes first; then each partition gets a unique index CONCURRENTLY, a
constraint over it, and is attached. It may assume a table in use, and no partition that is a foreign table.
"""

from migrator.operations.base import Context
from migrator.operations.hazards import answered
from migrator.operations.index_build import build_hazards
from migrator.operations.partitioned_index import PartitionedIndex, index_steps
from migrator.operations.unique_sequence import Key, after, duplicate_rows, index_body, not_null_first, undo
from migrator.plan import ddl
from migrator.plan.ddl_each_partition import constraint_on_branch, constraint_over_index
from migrator.plan.ddl_index import deferral
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Step
from migrator.postgres.facts import Facts
from migrator.postgres.lock_modes import LockMode


def partitioned_unique_steps(
    key: Key, context: Context
) -> tuple[tuple[Step, ...], Facts, tuple[Hazard, ...]]:
    """Return the steps, the facts after them, and the hazards they answer or cannot see."""
    draft: Context = context
    steps: tuple[Step, ...] = ()
    if key.constraint.primary:
        draft, steps = not_null_first(key, context)
    built = index_steps(_wanted(key), draft)
    relation = context.facts.relation(key.table)
    hazards = (_answered(key), *build_hazards(key.table, relation, context, unique=True))
    return (*steps, *built), after(key, draft), hazards


def _wanted(key: Key) -> PartitionedIndex:
    constraint = key.constraint
    body = ddl.verbatim(constraint.text)
    return PartitionedIndex(
        table=key.table,
        index=key.index,
        body=index_body(key),
        unique=True,
        label="pkey" if constraint.primary else "key",
        on_only=ddl.alter_table(key.table, ddl.add_constraint(key.name, body), only=True),
        branch=constraint_on_branch(body),
        constrain=constraint_over_index(
            primary=constraint.primary,
            attributes=deferral(deferrable=constraint.deferrable, deferred=constraint.initially_deferred),
        ),
        mode=LockMode.ACCESS_EXCLUSIVE,
        recipe="R9p",
        undo=undo(key),
        diagnoses=(duplicate_rows(key),),
    )


def _answered(key: Key) -> Hazard:
    message = (
        f"ADD {key.words} builds the index of every partition of {key.table} under ACCESS EXCLUSIVE: "
        "no reads, no writes"
    )
    return answered(
        HazardKind.INDEX_BUILD_BLOCKS_WRITES,
        message,
        "the index of each partition is built CONCURRENTLY; its constraint takes it over and is attached",
        key.table,
        "catalogue 100, 105, R9p",
    )
