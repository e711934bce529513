"""ALTER TABLE … DETACH PARTITION, in its three forms.

What it does
    Makes a partition a table by itself: its rows are no longer seen in the partitioned table, and rows of
    its bound are refused there, or go to the default partition.

Why it is dangerous
    The partitioned table, the partition, the default partition and the tables with a foreign key to them are
    locked in ACCESS EXCLUSIVE: the statement waits for every reader, later readers wait behind it (catalogue
    140). CONCURRENTLY (14+) waits without that, but is left half done when it is interrupted, and refuses
    where there is a default partition (141). Where foreign keys refer to the partitioned table, their tables
    are read under SHARE.

What is done instead
    R18: it waits in the contract phase for an approval. On 14 and later, without a default partition, it runs
    CONCURRENTLY in short attempts; one that ended half-way is finished by FINALIZE, by the next run too. The
    CHECK that CONCURRENTLY leaves on the table is dropped, as the statement as written leaves none. Else it
    runs as written, under short waits for its locks.

Source
    Catalogue 140, 141, R18; manual, ALTER TABLE, "DETACH PARTITION".
"""

import msgspec
from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import endangered, in_use
from migrator.operations.names import check_name
from migrator.operations.steps import (
    approved_timeouts,
    effect_on,
    locks_on,
    step,
    timeouts_for,
    transaction,
    written,
)
from migrator.operations.target import missing_relation, table_of
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_partition import (
    detach,
    detach_concurrently,
    detach_finalize,
    drop_constraint_if_exists,
)
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import DetachPartition, Phase, Recovery, Step, Timeouts, Transaction
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import OtherAction

NAME = "detach-partition"
RECIPE = "R18"
_PLAIN, _CONCURRENTLY, _FINALIZE = (
    f"DETACH PARTITION{words}" for words in ("", " CONCURRENTLY", " FINALIZE")
)
_AX, _SUX = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE


class Detachment(msgspec.Struct, frozen=True, kw_only=True):
    """A partition that leaves its partitioned table."""

    root: QualifiedName
    partition: QualifiedName


def concurrent(root: Relation | None, context: Context) -> bool:
    """Whether the server detaches without ACCESS EXCLUSIVE on the partitioned table."""
    if root is None or not context.facts.server_version.detach_concurrently:
        return False
    return root.default_partition is None


def detach_steps(detachment: Detachment, context: Context) -> tuple[Step, ...]:
    """Return the best way to what DETACH PARTITION does, from names alone: CONCURRENTLY, and no CHECK left.

    Only where `concurrent` holds.
    """
    root, partition = detachment.root, detachment.partition
    made = _concurrent_step(detachment, detach_concurrently(root, partition), context)
    name = left_check(detachment, context)
    effect = effect_on(context, partition)
    drop = transaction(
        context,
        f"DROP CONSTRAINT {name} of {partition}, which CONCURRENTLY leaves",
        (ddl.alter_table(partition, drop_constraint_if_exists(name)),),
        effect,
        phase=made.phase,
        recipe=RECIPE,
        undo_note="the constraint says what the bound of the partition said",
    )
    return made, drop


def left_check(detachment: Detachment, context: Context) -> str:
    """Return the name of the CHECK that the server adds: it names the columns of all keys above."""
    columns: set[str] = set()
    above: QualifiedName | None = detachment.root
    while above is not None and (relation := context.facts.relation(above)) is not None:
        columns |= set(relation.partition_key)
        above = relation.partition_of
    return check_name(detachment.partition, columns, context.facts)


def referencing(root: Relation | None) -> tuple[QualifiedName, ...]:
    """Return the tables with a foreign key to the partitioned table: they are read for rows that refer."""
    return () if root is None else tuple(name for name in root.referenced_by if name != root.name)


def detach_hazards(detachment: Detachment, context: Context) -> tuple[Hazard, ...]:
    """Return what a person has to accept, whichever way it runs."""
    root = context.facts.relation(detachment.root)
    if not in_use(root, context):
        return ()
    default = None if root is None else root.default_partition
    fate = "are refused" if default in {None, detachment.partition} else f"go to {default}"
    message = (
        f"the rows of {detachment.partition} are no longer seen in {detachment.root}, and new rows of its "
        f"bound {fate}"
    )
    instead = "make sure that no running code needs them there, then approve it with the reason"
    source = "catalogue 140, R18"
    gone = needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, detachment.root, source)
    return (gone, *_scans(detachment, root, context))


def _scans(detachment: Detachment, root: Relation | None, context: Context) -> tuple[Hazard, ...]:
    large = [name for name in referencing(root) if endangered(context.facts.relation(name), context)]
    return tuple(
        needs_approval(
            HazardKind.SCAN_UNDER_LOCK,
            f"{name} refers to {detachment.root}: it is read under a lock that blocks its writes, for rows "
            f"that refer to {detachment.partition}",
            "drop the foreign key first, or detach when few write to it",
            name,
            "catalogue 140",
        )
        for name in large
    )


def _plan(action: OtherAction, context: Context) -> Outcome:
    detachment = Detachment(root=table_of(context), partition=context.resolve(action.names[0]))
    root = context.facts.relation(detachment.root)
    effect = _effect_as_written(detachment, action.kind, root, context)
    outcome = Outcome(
        operation=NAME,
        effect=effect,
        hazards=_misfit(detachment, action.kind, context),
        facts=_after(detachment, action.kind, context),
        touches=tuple(dict.fromkeys((detachment.root, detachment.partition, *effect_names(effect)))),
    )
    if outcome.hazards:
        return replace(outcome, facts=context.facts)
    hazards = () if action.kind == _FINALIZE else detach_hazards(detachment, context)
    steps = _steps(detachment, action, root, context)
    whole = len(steps) == 1 and steps[0].as_written
    return replace(outcome, hazards=hazards, steps=steps, as_written=whole)


def effect_names(effect: Effect) -> tuple[QualifiedName, ...]:
    """Return the relations that are locked."""
    return tuple(lock.relation for lock in effect.locks)


def _steps(
    detachment: Detachment, action: OtherAction, root: Relation | None, context: Context
) -> tuple[Step, ...]:
    if action.kind != _PLAIN:
        own = _concurrent_step(detachment, written(context), context)
        phase = Phase.EXPAND if action.kind == _FINALIZE else own.phase
        return (changed(own, as_written=True, phase=phase),)
    if in_use(root, context) and concurrent(root, context):
        return detach_steps(detachment, context)
    return (changed(_plain_step(detachment, written(context), context), as_written=True),)


def detach_first(detachment: Detachment, context: Context) -> Step:
    """Return the step that detaches a partition which is dropped afterwards, in the best way there is."""
    root, partition = detachment.root, detachment.partition
    if concurrent(context.facts.relation(root), context):
        return _concurrent_step(detachment, detach_concurrently(root, partition), context)
    return _plain_step(detachment, detach(root, partition), context)


def _plain_step(detachment: Detachment, sql: Sql, context: Context) -> Step:
    """Under ACCESS EXCLUSIVE; LOCK TABLE is not used, for it would lock every other partition too."""
    effect = _effect(detachment, _AX, context.facts.relation(detachment.root), context)
    return step(
        context,
        f"DETACH PARTITION {detachment.partition} from {detachment.root}",
        Transaction(statements=(sql,)),
        Recovery.TRANSACTIONAL,
        effect,
        phase=_phase(detachment, context),
        timeouts=_timeouts(effect, context),
        recipe=RECIPE,
        undo_note=_UNDO,
    )


_UNDO = "ALTER TABLE … ATTACH PARTITION … FOR VALUES … brings the rows back, with a scan"


def _concurrent_step(detachment: Detachment, sql: Sql, context: Context) -> Step:
    root = context.facts.relation(detachment.root)
    effect = _effect(detachment, _SUX, root, context)
    work = DetachPartition(
        sql=sql,
        finalize_sql=detach_finalize(detachment.root, detachment.partition),
        root=detachment.root,
        partition=detachment.partition,
    )
    return step(
        context,
        f"DETACH PARTITION {detachment.partition} from {detachment.root} CONCURRENTLY",
        work,
        Recovery.PROBED,
        effect,
        phase=_phase(detachment, context),
        timeouts=_timeouts(effect, context),
        recipe=RECIPE,
        undo_note=_UNDO,
    )


def _phase(detachment: Detachment, context: Context) -> Phase:
    return Phase.CONTRACT if in_use(context.facts.relation(detachment.root), context) else Phase.EXPAND


def _timeouts(effect: Effect, context: Context) -> Timeouts:
    """Return short limits for each attempt, except for a scan that was approved."""
    large = any(endangered(context.facts.relation(name), context) for name in effect.scans)
    return approved_timeouts(context) if large else timeouts_for(effect, context)


def _effect_as_written(detachment: Detachment, kind: str, root: Relation | None, context: Context) -> Effect:
    return _effect(detachment, _AX if kind == _PLAIN else _SUX, root, context)


def _effect(detachment: Detachment, mode: LockMode, root: Relation | None, context: Context) -> Effect:
    """Return the locks as measured on 13, 14 and 18; `mode` is that on the partitioned table."""
    facts, checked = context.facts, referencing(root)
    default = None if root is None else root.default_partition
    parents = () if root is None else [c.references for c in root.constraints if c.references is not None]
    # 13 takes as much as that on the partition only where other tables refer to the partitioned one.
    own = _AX if facts.server_version.detach_locks_partition or checked else _SUX
    locks = [
        RelationLock(detachment.root, mode),
        *locks_on(detachment.partition, own, facts),
        *(() if default is None or default == detachment.partition else locks_on(default, _AX, facts)),
        *(RelationLock(name, _AX) for name in checked),
        *(RelationLock(name, LockMode.SHARE_ROW_EXCLUSIVE) for name in parents if name not in checked),
    ]
    read = (*checked, detachment.partition) if checked else ()  # by a join of the two
    return Effect(locks=tuple(dict.fromkeys(locks)), scans=read)


def _misfit(detachment: Detachment, kind: str, context: Context) -> tuple[Hazard, ...]:
    """What the server would refuse."""
    missing = missing_relation(detachment.partition, context)
    root, partition = (context.facts.relation(n) for n in (detachment.root, detachment.partition))
    if missing or root is None or partition is None:
        return missing
    if partition.partition_of != detachment.root:
        message = f"{detachment.partition} is not a partition of {detachment.root}"
        return (wrong(HazardKind.MISSING_OBJECT, message, "mend the name", detachment.partition),)
    if kind == _CONCURRENTLY and root.default_partition is not None:
        message = f"{detachment.root} has a default partition, and then CONCURRENTLY is not possible"
        return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, "write DETACH PARTITION alone", detachment.root),)
    if kind != _PLAIN and not context.facts.server_version.detach_concurrently:
        message = f"PostgreSQL {context.facts.server_version} has no {kind}"
        return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, "write DETACH PARTITION alone", detachment.root),)
    return ()


def _after(detachment: Detachment, kind: str, context: Context) -> Facts:
    facts = folding.without_partition(context.facts, detachment.root, detachment.partition)
    if kind == _PLAIN:
        return facts
    name = left_check(detachment, context)
    return folding.with_constraint(
        facts, detachment.partition, Constraint(name=name, kind=ConstraintKind.CHECK)
    )


DETACH_PARTITION = FormOperation(
    name=NAME,
    form=OtherAction,
    outcome=_plan,
    when=lambda action, _: action.kind in {_PLAIN, _CONCURRENTLY, _FINALIZE},
)
