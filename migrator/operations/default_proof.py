"""The proof that a default partition has no row of a new partition, so that attaching it scans nothing.

A helper CHECK is added NOT VALID to the default partition and validated while reads and writes go on; the
step that attaches the new partition trusts it and drops it. It may assume that the default partition is an
ordinary or partitioned table in use.
"""

import msgspec

from migrator.operations.base import Context
from migrator.operations.hazards import answered, good_to_know, warning
from migrator.operations.helper_check import helper_check
from migrator.operations.liveness import endangered
from migrator.operations.names import constraint_name
from migrator.plan.ddl import Sql
from migrator.plan.ddl_partition import outside, rows_that
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Step
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName

RECIPE = "R17"


class DefaultProof(msgspec.Struct, frozen=True, kw_only=True):
    """A default partition, and the condition that none of its rows may satisfy."""

    table: QualifiedName
    name: str
    """Of the helper CHECK."""
    condition: Sql


def large_default(root: Relation, context: Context) -> QualifiedName | None:
    """Return the default partition if reading it under a lock would be felt."""
    default = root.default_partition
    if default is None or not endangered(context.facts.relation(default), context):
        return None
    return default


def default_read(root: Relation, context: Context) -> tuple[QualifiedName, ...]:
    """Return the default partition, which the server reads for rows that belong elsewhere from now on."""
    name = root.default_partition
    relation = None if name is None else context.facts.relation(name)
    stored = relation is None or relation.kind is not RelationKind.FOREIGN_TABLE
    return () if name is None or not stored else (name,)


def default_proof(
    root: Relation, condition: Sql | None, context: Context
) -> tuple[DefaultProof | None, str | None]:
    """Return the proof that is needed, None where none is; and why one that is needed cannot be had."""
    table = large_default(root, context)
    if table is None:
        return None, None
    relation = context.facts.relation(table)
    if relation is not None and relation.kind is RelationKind.FOREIGN_TABLE:
        return None, f"its default partition {table} is a foreign table, where no CHECK proves anything"
    if condition is None:
        return None, (
            f"its default partition {table} is read under ACCESS EXCLUSIVE, and no CHECK that would spare "
            "that can be derived from this bound"
        )
    name = constraint_name(table, None, "migrator_default", context.facts)
    return DefaultProof(table=table, name=name, condition=condition), None


def steps_and_facts(proof: DefaultProof, context: Context) -> tuple[tuple[Step, ...], Facts]:
    """Return the helper CHECK, NOT VALID and then validated, and the facts after that."""
    table = proof.table
    relation = context.facts.relation(table)
    key = () if relation is None else relation.primary_key
    message = f"rows of the default partition {table} belong to the new partition; move them first"
    in_the_way = rows_that(table, key, proof.condition, message)
    return helper_check(proof.table, proof.name, outside(proof.condition), in_the_way, context)


def hazards(proof: DefaultProof, root: QualifiedName) -> tuple[Hazard, ...]:
    """Return what the proof answers, and what it cannot help."""
    scan = answered(
        HazardKind.SCAN_UNDER_LOCK,
        f"the default partition {proof.table} of {root} is read from end to end under ACCESS EXCLUSIVE",
        "a helper CHECK is validated first while reads and writes go on",
        proof.table,
        "catalogue 136, 137, R17",
    )
    may_fail = good_to_know(
        HazardKind.MAY_FAIL_ON_DATA,
        f"rows of {proof.table} that belong to the new partition make the step fail; it names them",
        relation=proof.table,
    )
    writers = warning(
        HazardKind.MAY_BREAK_WRITERS,
        f"while {proof.table} is validated, a write that would put a row of the new partition there fails",
        "add the partition before rows of it are written",
        proof.table,
        "catalogue 85, R17",
    )
    return (scan, may_fail, writers)
