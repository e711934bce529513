"""ALTER TABLE … ATTACH PARTITION.

What it does
    Makes a table that exists a partition of another one.

Why it is dangerous
    The partitioned table is only locked in SHARE UPDATE EXCLUSIVE. But the table is locked in ACCESS
    EXCLUSIVE, the default partition too, and tables of foreign keys in SHARE ROW EXCLUSIVE; under these
    locks both are read from end to end, indexes that the table has not are built on it, and foreign keys
    are checked row by row (catalogue 137).

What is done instead
    R17: what the server would have to look for under the locks is prepared: missing indexes and keys are
    built CONCURRENTLY under the names that the server would choose, missing foreign keys are added NOT VALID
    and validated, a helper CHECK says what the bound says and is validated; the default partition gets
    another that excludes the rows. Then ATTACH PARTITION trusts them, and drops the helpers in its
    transaction. A table that is small, or that nobody uses, is attached as written.

Source
    Catalogue 137 to 139, R17; manual, ALTER TABLE, "ATTACH PARTITION".
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import default_proof
from migrator.operations.attach_preparation import Unprepared, prepared
from migrator.operations.attach_step import Helper, attach_effect, attach_step, facts_after
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import felt, small
from migrator.operations.partition_bound import condition
from migrator.operations.partition_facts import has_constraint, matching_index
from migrator.operations.steps import approved_timeouts, as_written, written
from migrator.operations.target import missing_relation, table_of
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import ConstraintKind, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import OtherAction, PartitionBound

NAME = "attach-partition"
_SOURCE = "catalogue 137, R17"


def _plan(action: OtherAction, context: Context) -> Outcome:
    name = context.resolve(action.names[0])
    root, table, bound = context.relation(table_of(context)), context.facts.relation(name), action.bound
    outcome = Outcome(operation=NAME, facts=context.facts, touches=(table_of(context), name))
    if root is None or table is None or bound is None:
        missing = missing_relation(name, context)
        return replace(outcome, hazards=missing) if missing else _unknown(outcome, name, context)
    effect = _effect(root, table, context)
    touches = tuple(dict.fromkeys((*outcome.touches, *(lock.relation for lock in effect.locks))))
    outcome = replace(outcome, effect=effect, touches=touches)
    misfits = _misfits(root, table)
    if misfits:
        return replace(outcome, hazards=misfits)
    try:
        return _safe(outcome, root, table, bound, context)
    except Unprepared as reason:
        facts = facts_after(root, name, context, default=bound.default, helpers=())
        return _refused(replace(outcome, facts=facts), root, str(reason), context)


def _safe(
    outcome: Outcome, root: Relation, table: Relation, bound: PartitionBound, context: Context
) -> Outcome:
    """Return R17; raises Unprepared."""
    current = context
    steps: tuple[Step, ...] = ()
    found: tuple[Hazard, ...] = ()
    helpers: tuple[Helper, ...] = ()
    if _large(root, table, context):
        preparation = prepared(root, table, bound, context)
        current, steps = preparation.context, preparation.steps
        found, helpers = preparation.hazards, (preparation.helper,)
    proof, unproved = default_proof.default_proof(root, condition(bound, root), current)
    if unproved is not None:
        raise Unprepared(unproved)
    if proof is not None:
        more, facts = default_proof.steps_and_facts(proof, current)
        steps, current = (*steps, *more), replace(current, facts=facts)
        found = (*found, *default_proof.hazards(proof, root.name))
        helpers = (*helpers, Helper(table=proof.table, name=proof.name))
    facts = facts_after(root, table.name, current, default=bound.default, helpers=helpers)
    last = _last(root, table, current, helpers)
    return replace(outcome, steps=(*steps, last), hazards=found, facts=facts, as_written=not steps)


def _last(root: Relation, table: Relation, context: Context, helpers: tuple[Helper, ...]) -> Step:
    """Return ATTACH PARTITION, which reads what no helper has proved: small tables."""
    proved = {helper.table for helper in helpers}
    read = (table.name, *(() if root.default_partition is None else (root.default_partition,)))
    effect = msgspec.structs.replace(
        attach_effect(root, table.name, context),
        scans=tuple(name for name in read if name not in proved),
        index_builds=() if helpers else _effect(root, table, context).index_builds,
    )
    made = attach_step(
        root,
        table.name,
        written(context),
        context,
        helpers=helpers,
        effect=effect,
        phase=Phase.VALIDATE if helpers else Phase.EXPAND,
    )
    return msgspec.structs.replace(made, as_written=not helpers)


def _large(root: Relation, table: Relation, context: Context) -> bool:
    """Whether somebody would feel that the table is read; foreign tables are not read."""
    if table.kind is RelationKind.FOREIGN_TABLE or small(table, context):
        return False
    return felt(attach_effect(root, table.name, context), context)


def _effect(root: Relation, table: Relation, context: Context) -> Effect:
    """Return what it does as written: it reads the table, and builds what the partitioned one has more."""
    read = () if table.kind is RelationKind.FOREIGN_TABLE else (table.name,)
    lacking = any(matching_index(table, index) is None for index in root.indexes)
    return msgspec.structs.replace(
        attach_effect(root, table.name, context),
        scans=(*read, *_checked_against(root, table), *default_proof.default_read(root, context)),
        # Of a table that the plan creates LIKE another the indexes are not known, and nobody waits for it.
        index_builds=read if lacking and not table.created_in_plan else (),
    )


def _checked_against(root: Relation, table: Relation) -> tuple[QualifiedName, ...]:
    """Return the tables that foreign keys refer to which the new partition has not got (catalogue 138)."""
    missing = [c.references for c in root.constraints if c.references and not has_constraint(table, c)]
    return tuple(dict.fromkeys(missing))


def _misfits(root: Relation, table: Relation) -> tuple[Hazard, ...]:
    """What the server would refuse, as far as facts tell."""
    name = table.name
    if table.partition_of is not None:
        return (
            _wrong(HazardKind.NAME_TAKEN, f"{name} is a partition of {table.partition_of} already", name),
        )
    if not root.columns or not table.columns:
        return ()
    found = []
    for column in root.columns:
        own = table.column(column.name)
        if own is None or own.type != column.type:
            kind = "no such column" if own is None else f"it is {own.type} in {name}"
            found.append(f"{column.name} {column.type} of {root.name}: {kind}")
        elif column.not_null and not own.not_null:
            found.append(f"{column.name} must be NOT NULL as in {root.name}")
    found += [f"{c.name} is a column of {name} only" for c in table.columns if root.column(c.name) is None]
    checks = [c for c in root.constraints if c.kind is ConstraintKind.CHECK]
    found += [f"it has no CHECK {c.name}" for c in checks if table.constraint(c.name) is None]
    return tuple(_wrong(HazardKind.MISSING_OBJECT, f"{name} does not fit: {what}", name) for what in found)


def _wrong(kind: HazardKind, message: str, name: QualifiedName) -> Hazard:
    return wrong(kind, message, "make the table like the partitioned one first", name, "catalogue 137")


def _unknown(outcome: Outcome, name: QualifiedName, context: Context) -> Outcome:
    """One of the tables is not known."""
    effect = Effect(scans=(name,), unknown=True)
    return _refused(replace(outcome, effect=effect), None, "what it looks like is not known", context)


def _refused(outcome: Outcome, root: Relation | None, reason: str, context: Context) -> Outcome:
    table = outcome.touches[1]
    step = as_written(context, f"ATTACH PARTITION {table} to {outcome.touches[0]}", outcome.effect)
    message = (
        f"ATTACH PARTITION may read all of {table}, build indexes on it and check its foreign keys under "
        f"ACCESS EXCLUSIVE, and that cannot be prepared: {reason}"
    )
    instead = "give the table validated CHECKs, indexes and foreign keys like those of the partitioned one"
    hazard = needs_approval(
        HazardKind.NO_SAFE_SEQUENCE, message, instead, None if root is None else root.name, _SOURCE
    )
    steps = (msgspec.structs.replace(step, timeouts=approved_timeouts(context)),)
    return replace(outcome, hazards=(hazard,), steps=steps, as_written=True)


ATTACH_PARTITION = FormOperation(
    name=NAME,
    form=OtherAction,
    outcome=_plan,
    when=lambda action, context: (
        action.kind == "ATTACH PARTITION" and (context.alter is None or context.alter.object_kind == "TABLE")
    ),
)
