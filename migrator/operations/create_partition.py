"""CREATE TABLE … PARTITION OF, for a partitioned table in use.

What it does
    Makes a table, and routes rows of its bound into it.

Why it is dangerous
    The partitioned table is locked in ACCESS EXCLUSIVE: the statement waits for every reader of it, and all
    later readers wait behind the statement. Its default partition is read from end to end under that lock
    (catalogue 136).

What is done instead
    R17: the table is made by itself, like the partitioned one, and attached, which locks that in SHARE
    UPDATE EXCLUSIVE only. A default partition that is not small first gets a validated helper CHECK that
    excludes the new rows. ATTACH PARTITION makes indexes, keys, foreign keys and triggers on the empty
    table, under the names that PARTITION OF would have chosen.

Source
    Catalogue 136, 137, R17; manual, "Table Partitioning: Partition Maintenance".
"""

import re

import msgspec
from msgspec.structs import replace

from migrator.operations import default_proof
from migrator.operations.attach_step import Helper, attach_effect, attach_step, facts_after
from migrator.operations.base import Context, Outcome
from migrator.operations.hazards import needs_approval
from migrator.operations.partition_bound import condition
from migrator.operations.steps import approved_timeouts, as_written, transaction
from migrator.operations.table_facts import created
from migrator.plan import ddl, ddl_partition
from migrator.plan.ddl import Sql
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import ConstraintKind, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import CheckConstraint, CreateTable, PartitionBound

NAME = "create-table"
_SOURCE = "catalogue 136, R17"
_NOTE = "made by itself and attached: PARTITION OF would wait for every reader of {root}"


def effect(root: QualifiedName, name: QualifiedName, context: Context) -> Effect:
    """Return the effect of the statement as written."""
    relation = context.facts.relation(root)
    locks = [RelationLock(root, LockMode.ACCESS_EXCLUSIVE)]
    if relation is None:
        return Effect(locks=tuple(locks))
    attached = attach_effect(relation, name, context).locks
    locks += [lock for lock in attached if lock.relation not in {root, name}]
    return Effect(locks=tuple(locks), scans=default_proof.default_read(relation, context))


def plan(command: CreateTable, name: QualifiedName, root: QualifiedName, context: Context) -> Outcome:
    """Return R17 for a partitioned table in use; or the statement as written, to be approved."""
    relation, bound = context.facts.relation(root), command.partition_bound
    if relation is None or bound is None:
        return _refused(command, name, root, context, "what it has to be like is not known")
    proof, unproved = default_proof.default_proof(relation, condition(bound, relation), context)
    reason = _unlike(command, relation) or unproved
    if reason is not None:
        return _refused(command, name, root, context, reason)
    table = _table(command, name, relation, context)
    steps: tuple[Step, ...] = (table,)
    current = replace(context, facts=_alone(command, name, context))
    helpers: tuple[Helper, ...] = ()
    found: tuple[Hazard, ...] = ()
    if proof is not None:
        more, facts = default_proof.steps_and_facts(proof, current)
        steps, current = (*steps, *more), replace(current, facts=facts)
        helpers = (Helper(table=proof.table, name=proof.name),)
        found = default_proof.hazards(proof, root)
    steps = (*steps, _attach(bound, name, relation, current, helpers))
    after = facts_after(relation, name, current, default=bound.default, helpers=helpers)
    written = effect(root, name, context)
    touches = (name, *(lock.relation for lock in written.locks))
    return Outcome(operation=NAME, effect=written, hazards=found, steps=steps, facts=after, touches=touches)


def _attach(
    bound: PartitionBound,
    name: QualifiedName,
    root: Relation,
    context: Context,
    helpers: tuple[Helper, ...],
) -> Step:
    small = root.default_partition if not helpers else None
    scans = () if small is None else (small,)
    phase = Phase.VALIDATE if helpers else Phase.EXPAND
    sql = ddl_partition.attach(root.name, name, bound.text)
    effect = msgspec.structs.replace(attach_effect(root, name, context), scans=scans)
    return attach_step(root, name, sql, context, helpers=helpers, effect=effect, phase=phase)


def _table(command: CreateTable, name: QualifiedName, root: Relation, context: Context) -> Step:
    """CREATE TABLE (LIKE …): nobody knows it yet."""
    version = context.facts.server_version
    sql = ddl_partition.like_root(
        name,
        root.name,
        unlogged=command.unlogged,
        compression=version.like_including_compression,
        elements=() if command.partition_elements is None else (command.partition_elements,),
        clauses=_clauses(command, root),
    )
    return transaction(
        context,
        f"CREATE TABLE {name} like {root.name}",
        (sql,),
        Effect(locks=(RelationLock(root.name, LockMode.ACCESS_SHARE),)),
        recipe="R17",
        undo=(ddl.drop_table(name),),
        undo_note="rows of the table are lost",
    )


def _clauses(command: CreateTable, root: Relation) -> tuple[Sql, ...]:
    """Return PARTITION BY and storage as written, and what a partition gets from its root besides."""
    written = "" if command.storage is None else command.storage.text
    words = set(re.findall(r"\w+", re.sub(r"\(.*?\)|\"[^\"]*\"", "", written).lower()))
    found = [] if command.partition_by is None else [ddl.verbatim(command.partition_by)]
    if root.access_method is not None and "using" not in words:
        found.append(ddl_partition.access_method(root.access_method))
    if command.storage is not None:
        found.append(ddl.verbatim(command.storage))
    if root.tablespace is not None and "tablespace" not in words:
        found.append(ddl_partition.tablespace(root.tablespace))
    return tuple(found)


def _unlike(command: CreateTable, root: Relation) -> str | None:
    """Return why CREATE TABLE (LIKE …) would not come to the same."""
    taken = {constraint.name for constraint in root.constraints}
    for constraint in command.constraints:
        if not isinstance(constraint, CheckConstraint):
            return "its own constraints other than CHECK may be taken for those of the partitioned table"
        if constraint.name in taken:
            return f"its CHECK {constraint.name} merges with that of the partitioned table"
    checks = [c for c in root.constraints if c.kind is ConstraintKind.CHECK]
    pending = [c.name for c in checks if not c.validated]
    if pending:
        return f"{root.name} has a constraint that is not validated: {pending[0]}"
    if root.unread:
        return f"{root.name} is locked by another session and could not be read"
    return None


def _alone(command: CreateTable, name: QualifiedName, context: Context) -> Facts:
    """Facts with the table that is not attached yet."""
    like = () if command.partition_of is None else (command.partition_of,)
    alone = replace(command, partition_of=None, partition_bound=None, like=like)
    return created(alone, name, context)


def _refused(
    command: CreateTable, name: QualifiedName, root: QualifiedName, context: Context, reason: str
) -> Outcome:
    """As written, where a person accepts it."""
    written = effect(root, name, context)
    step = as_written(context, f"CREATE TABLE {name}", written, undo=(ddl.drop_table(name),))
    message = (
        f"PARTITION OF waits for every reader of {root} and locks it in ACCESS EXCLUSIVE; it cannot be "
        f"attached instead: {reason}"
    )
    instead = "create the table by itself, then ALTER TABLE … ATTACH PARTITION"
    return Outcome(
        operation=NAME,
        effect=written,
        hazards=(needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, root, _SOURCE),),
        steps=(msgspec.structs.replace(step, timeouts=approved_timeouts(context)),),
        facts=created(command, name, context),
        touches=(name, *(lock.relation for lock in written.locks)),
        as_written=True,
    )
