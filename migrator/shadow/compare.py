"""Where the declared effect of a statement or a step is not the measured one.

Compared strictly: a lock, rewrite or index build that is declared must happen, and one that happens must be
declared. Not declared need be what harms nobody: ACCESS SHARE and ROW SHARE, reading a table under them,
locks on indexes and sequences of a table that is locked anyway, new storage of a table without rows. What is
declared of a partitioned table, or of one with children, stands for all that belong to it; their locks are
named one by one, but for those of the partitions that a written row finds its way to.

Of a step some conventions hold beside (docs/decisions/0130): one that goes from partition to partition names
the partitioned table for all of them, with the strongest lock that any gets; one that finds no row to change,
or no partition that lacks anything, does nothing; what an earlier step has made is nobody else's yet. And no
transaction of a step that has many may scan, rewrite or build under a lock that reads or writes wait for.
"""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import PARTITION_WORK, Autocommit, Backfill, Step, Transaction
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.trace import HARMLESS, Measured, strongest, together

_HARMLESS = frozenset({*HARMLESS, None})

Names = Iterable[QualifiedName]


def step_differences(step: Step, done: Sequence[Measured], new: Collection[QualifiedName] = ()) -> list[str]:
    """Say what of a step's transactions is not as the step declares, a line each.

    `new`: relations that earlier steps of the same run have made.
    """
    declared, measured = step.effect, together(done)
    if isinstance(step.work, PARTITION_WORK):
        tree = {name for name, above in measured.within.items() if step.work.table in above}
        declared = replace(declared, locks=_as_one(step.work.table, tree, declared.locks))
        measured = msgspec.structs.replace(measured, locks=_as_one(step.work.table, tree, measured.locks))
    if isinstance(step.work, (Backfill, *PARTITION_WORK)) and not _found_work(measured):
        declared = Effect()
    declared = _of_old(declared, new)
    apart = [] if isinstance(step.work, (Transaction, Autocommit)) else done
    found = differences(declared, _less(measured, declared, new))
    return [*found, *(line for part in apart for line in _under_blocking(part, new))]


def _of_old(declared: Effect, new: Collection[QualifiedName]) -> Effect:
    """Leave out work on new relations: they may have no rows, or no partitions, to work on."""
    return replace(
        declared,
        scans=tuple(name for name in declared.scans if name not in new),
        rewrites=tuple(name for name in declared.rewrites if name not in new),
        index_builds=tuple(name for name in declared.index_builds if name not in new),
    )


def _found_work(measured: Measured) -> bool:
    """Whether a walk had a row to change, or a partition lacked anything."""
    return any(lock.mode not in HARMLESS for lock in measured.locks)


def _less(measured: Measured, declared: Effect, new: Collection[QualifiedName]) -> Measured:
    """Leave out what was done to new relations and is not declared: nobody else uses them yet."""
    said = {lock.relation for lock in declared.locks}

    def known(names: Names, allowed: Names) -> tuple[QualifiedName, ...]:
        return tuple(n for n in names if n not in new or measured.within[n] & {*allowed})

    return msgspec.structs.replace(
        measured,
        locks=tuple(lock for lock in measured.locks if lock.relation not in new or lock.relation in said),
        scans=known(measured.scans, declared.scans),
        rewrites=known(measured.rewrites, declared.rewrites),
        index_builds=known(measured.index_builds, declared.index_builds),
    )


def _as_one(
    table: QualifiedName, tree: Collection[QualifiedName], locks: Iterable[RelationLock]
) -> tuple[RelationLock, ...]:
    """Let the partitioned table stand for all its partitions, with the strongest lock of any."""
    return strongest(RelationLock(table, each.mode) if each.relation in tree else each for each in locks)


def _under_blocking(part: Measured, new: Collection[QualifiedName]) -> list[str]:
    """Say what a transaction did while reads or writes waited; what runs outside one cannot be told apart."""
    if part.outside:
        return []
    blocking = [lock for lock in part.locks if lock.mode.blocks_writes and lock.relation not in new]
    work = [name for name in part.work if name not in new]
    return [f"work on {name} under {lock.mode} on {lock.relation}" for name in work for lock in blocking]


def differences(declared: Effect, measured: Measured) -> list[str]:
    """Say what is not as declared, a line each; an unknown effect declares nothing."""
    if declared.unknown:
        return []
    rewritten = [name for name in measured.rewrites if name not in measured.truncated]
    scanned = [name for name in measured.scans if name not in measured.truncated]
    under_work = (*declared.scans, *declared.rewrites, *declared.index_builds)
    return [
        *_locks(declared, measured),
        *_undeclared("rewrite", declared.rewrites, rewritten, measured),
        *_missing("rewrite", declared.rewrites, measured.rewrites, measured),
        *_undeclared("index build", declared.index_builds, measured.index_builds, measured),
        *_missing("index build", declared.index_builds, measured.index_builds, measured),
        *_undeclared("scan", under_work, scanned, measured),
        *_missing("scan", () if measured.blind else declared.scans, measured.reads, measured),
    ]


def _locks(declared: Effect, measured: Measured) -> list[str]:
    said = {lock.relation: lock.mode for lock in declared.locks if lock.relation not in measured.made}
    held = {lock.relation: lock.mode for lock in (*measured.locks, *measured.other_locks)}
    own = {lock.relation for lock in measured.other_locks} - set(said)
    found = []
    for name in sorted({*said, *held} - own, key=str):
        before, after = said.get(name), held.get(name)
        routed = after is LockMode.ROW_EXCLUSIVE and measured.within.get(name, frozenset()) & set(said)
        if before is not after and not {before, after} <= _HARMLESS and not (before is None and routed):
            found.append(f"{name}: declared {before or 'no lock'}, measured {after or 'no lock'}")
    return found


def _undeclared(what: str, declared: Names, found: Names, measured: Measured) -> list[str]:
    allowed = set(declared)
    return [f"undeclared {what} of {name}" for name in found if not measured.within[name] & allowed]


def _missing(what: str, declared: Names, found: Names, measured: Measured) -> list[str]:
    happened = {above for name in found for above in measured.within[name]}
    return [
        f"declared {what} of {name} did not happen"
        for name in declared
        if name in measured.within and name not in happened
    ]
