"""What a step does partition by partition, as people read it: its templates, places in braces."""

from migrator.plan.effect import RelationLock
from migrator.plan.partition_template import PARTITION, shown
from migrator.plan.step import PartitionConstraints, PartitionIndexes


def lines_of(work: PartitionIndexes | PartitionConstraints) -> tuple[str, ...]:
    """Return the statements in their order, with a comment where not all partitions get them."""
    match work:
        case PartitionIndexes():
            own = (shown(work.constrain),) if work.constrain else ()
            branch = f"-- for a partition that is partitioned itself\n{shown(work.branch)}"
            return (shown(work.build), *own, shown(work.attach), branch)
        case PartitionConstraints():
            return (*_added(work), shown(work.validate), *_closed(work))


def partitions_known(work: PartitionIndexes | PartitionConstraints) -> str:
    """Return on how many partitions it is done, as far as is known."""
    number = len(work.known)
    known = "1 partition" if number == 1 else f"{number:,} partitions"
    return f"for each partition below {work.table} when it runs; {known} when planned"


def _added(work: PartitionConstraints) -> tuple[str, ...]:
    if work.add is None:
        return ()
    locks = tuple(map(_lock, work.add_acquire))
    own = f"LOCK TABLE {shown((PARTITION,))} IN {work.add_mode} MODE"
    return (*locks, own, shown(work.add))


def _closed(work: PartitionConstraints) -> tuple[str, ...]:
    if work.close is None:
        return ()
    first, *rest = (*map(_lock, work.close.acquire), *work.close.statements)
    return (f"-- then once\n{first}", *rest)


def _lock(lock: RelationLock) -> str:
    return f"LOCK TABLE {lock.relation.quoted} IN {lock.mode} MODE"
