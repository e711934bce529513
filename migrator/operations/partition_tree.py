"""The partitions below a table as facts know them, and the timeouts of what is done to each of them."""

from collections.abc import Iterator

from migrator.operations.base import Context
from migrator.operations.hazards import needs_approval
from migrator.operations.partition_facts import cloned
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Timeouts
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName


def partitioned(relation: Relation | None) -> bool:
    """Whether the relation is known to be a partitioned table."""
    return relation is not None and relation.kind is RelationKind.PARTITIONED_TABLE


def below(name: QualifiedName, facts: Facts) -> tuple[QualifiedName, ...]:
    """Return the partitions at every level, those above before those below."""
    return tuple(_below(name, facts))


def _below(name: QualifiedName, facts: Facts) -> Iterator[QualifiedName]:
    relation = facts.relation(name)
    partitions = () if relation is None else relation.partitions
    yield from partitions
    for partition in partitions:
        yield from _below(partition, facts)


def spread(facts: Facts, table: QualifiedName) -> Facts:
    """Return the facts in which every partition has what its table has got: an index, a constraint."""
    for partition in below(table, facts):
        relation = facts.relation(partition)
        if relation is not None and relation.partition_of is not None:
            facts = cloned(facts, relation.partition_of, partition)
    return facts


def foreign_partition(name: QualifiedName, what: str, facts: Facts) -> Hazard | None:
    """Return the refusal where a partition's rows are on another server."""
    for partition in below(name, facts):
        relation = facts.relation(partition)
        if relation is not None and relation.kind is RelationKind.FOREIGN_TABLE:
            message = f"{partition} is a foreign table below {name}: {what}"
            instead = "detach it first, or run the statement when the table is idle"
            return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, name, "R19")
    return None


def quick_limits(context: Context) -> Timeouts:
    """Return the timeouts of a short transaction on one partition: the lock budget."""
    policy = context.policy
    return Timeouts(
        lock_ms=policy.lock_budget_ms,
        statement_ms=policy.lock_budget_ms,
        deadline_s=policy.lock_deadline_s,
    )
