"""What is prepared on a large table before it is attached: indexes, keys, foreign keys, the bound as a CHECK.

Raises `Unprepared`, with the reason, where something cannot be prepared so that the result is the same.
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations.attach_step import Helper
from migrator.operations.base import Context
from migrator.operations.hazards import answered, good_to_know, warning
from migrator.operations.helper_check import helper_check
from migrator.operations.index_build import build_hazards, build_step
from migrator.operations.index_facts import with_index
from migrator.operations.index_name import unused_name
from migrator.operations.liveness import in_use
from migrator.operations.names import constraint_name
from migrator.operations.partition_bound import condition
from migrator.operations.partition_facts import has_constraint, matching_index, tail_of
from migrator.operations.steps import locks_on, transaction, validate
from migrator.operations.unique_sequence import unique_steps
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_diagnosis import orphans
from migrator.plan.ddl_index import create_index_concurrently, on_table
from migrator.plan.ddl_partition import outside, rows_that
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Constraint, ConstraintKind, Index, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import PartitionBound, Slice, UniqueConstraint

RECIPE = "R17"


class Unprepared(Exception):
    """Why the table cannot be prepared."""


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """Steps, and what stands after them."""

    context: Context
    steps: tuple[Step, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    helper: Helper


def prepared(root: Relation, table: Relation, bound: PartitionBound, context: Context) -> Preparation:
    """Return what lets ATTACH PARTITION neither read nor build anything on the table."""
    if table.kind is RelationKind.PARTITIONED_TABLE:
        raise Unprepared(f"{table.name} is partitioned itself")
    if root.partition_of is not None:
        raise Unprepared(f"{root.name} is a partition itself, whose own bound would have to be proved too")
    bounds = condition(bound, root)
    if bounds is None:
        raise Unprepared("no CHECK can be derived from this bound that the server would know again")
    context, steps, hazards = _indexes(root, table, context)
    context, keys = _foreign_keys(root, table, context)
    name = constraint_name(table.name, None, "migrator_bound", context.facts)
    helper = Helper(table=table.name, name=name)
    context, checks = _bound(helper, bounds, context)
    found = (*_hazards(root, table, context), *hazards)
    return Preparation(context=context, steps=(*steps, *keys, *checks), hazards=found, helper=helper)


# --- indexes


def _indexes(
    root: Relation, table: Relation, context: Context
) -> tuple[Context, tuple[Step, ...], tuple[Hazard, ...]]:
    steps: tuple[Step, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    for index in sorted(root.indexes, key=lambda index: index.name):
        now = context.facts.relation(table.name) or table
        if matching_index(now, index) is not None:
            continue
        make = _index if index.constraint is None else _key
        context, more, found = make(index, root, now, context)
        steps, hazards = (*steps, *more), (*hazards, *found)
    return context, steps, tuple(dict.fromkeys(hazards))


_Made = tuple[Context, tuple[Step, ...], tuple[Hazard, ...]]


def _index(index: Index, root: Relation, table: Relation, context: Context) -> _Made:
    """CREATE INDEX CONCURRENTLY with the words of the partitioned index."""
    tail, columns = tail_of(index), tuple(key for key in index.keys if key is not None)
    if not tail or len(columns) < len(index.keys):
        raise Unprepared(
            f"{table.name} has no index like {index.name} of {root.name}, and what the server would call it "
            "is not certain; create it first"
        )
    name = unused_name(table.name, (*columns, *index.included), "idx", context.facts)
    body = Sql(tail)
    step = build_step(
        context,
        table=table.name,
        index=QualifiedName(table.name.schema, name),
        sql=create_index_concurrently(name, on_table(table.name, body), unique=index.unique),
        unique=index.unique,
        definition=body,
    )
    words = "CREATE UNIQUE INDEX" if index.unique else "CREATE INDEX"
    made = Index(
        name=name,
        keys=index.keys,
        included=index.included,
        unique=index.unique,
        method=index.method,
        predicate=index.predicate,
        definition=f"{words} {name} ON {table.name} {tail}",
        mentions=index.mentions,
    )
    hazards = build_hazards(table.name, table, context, unique=index.unique)
    return replace(context, facts=with_index(context, table.name, made)), (step,), hazards


def _key(index: Index, root: Relation, table: Relation, context: Context) -> _Made:
    """R9 or R10 for a UNIQUE or PRIMARY KEY of the partitioned table."""
    constraint = root.constraint(index.constraint or "")
    columns = tuple(key for key in index.keys if key is not None)
    said = "" if constraint is None else constraint.definition
    exact = {ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY}
    if constraint is None or constraint.kind not in exact or "WITHOUT OVERLAPS" in said:
        raise Unprepared(f"{table.name} has no constraint like {index.name} of {root.name}; add it first")
    if index.primary and table.primary_key:
        raise Unprepared(f"{table.name} has another primary key than {root.name}")
    wanted = UniqueConstraint(
        text=_slice_of(context),
        primary=index.primary,
        columns=columns,
        include=index.included,
        nulls_not_distinct="NULLS NOT DISTINCT" in f"{said} {index.definition}",
        deferrable="DEFERRABLE" in said,
        initially_deferred="INITIALLY DEFERRED" in said,
    )
    steps, facts, hazards = unique_steps(context, table.name, columns, wanted)
    return replace(context, facts=facts), steps, hazards


def _slice_of(context: Context) -> Slice:
    """Return the action, from which the constraint comes in the end."""
    if context.action is None:
        raise TypeError("ATTACH PARTITION is an action")
    return context.action.text


# --- foreign keys


def _foreign_keys(root: Relation, table: Relation, context: Context) -> tuple[Context, tuple[Step, ...]]:
    steps: tuple[Step, ...] = ()
    for key in sorted(root.constraints, key=lambda constraint: constraint.name):
        if key.kind is not ConstraintKind.FOREIGN_KEY or has_constraint(table, key):
            continue
        if not key.definition or not key.validated or key.references is None:
            raise Unprepared(f"how the foreign key {key.name} of {root.name} is defined is not known")
        if table.constraint(key.name) is not None:
            raise Unprepared(f"{table.name} has another constraint {key.name} than {root.name}")
        steps = (*steps, *_foreign_key(key, key.references, table, context))
        context = replace(context, facts=folding.with_constraint(context.facts, table.name, key))
    return context, steps


def _foreign_key(
    key: Constraint, parent: QualifiedName, table: Relation, context: Context
) -> tuple[Step, ...]:
    """R7, in the server's own words for the foreign key of the partitioned table."""
    mode, facts = LockMode.SHARE_ROW_EXCLUSIVE, context.facts
    locks = (*locks_on(parent, mode, facts), *locks_on(table.name, mode, facts))
    body = Sql(key.definition)
    added = transaction(
        context,
        f"ADD FOREIGN KEY {key.name} NOT VALID to {table.name}",
        (ddl.alter_table(table.name, ddl.add_constraint(key.name, body, not_valid=True)),),
        Effect(locks=tuple(dict.fromkeys(locks))),
        phase=Phase.VALIDATE,
        recipe="R7",
        undo=(ddl.alter_table(table.name, ddl.drop_constraint(key.name)),),
    )
    named = len(key.columns) == len(key.referenced_columns)
    lost = (
        orphans(table.name, key.columns, parent, key.referenced_columns, table.primary_key) if named else None
    )
    validated = validate(
        context,
        table.name,
        key.name,
        partners=() if parent == table.name else (parent,),
        recipe="R7",
        diagnoses=() if lost is None else (lost,),
    )
    return added, validated


# --- the bound


def _bound(helper: Helper, bounds: Sql, context: Context) -> tuple[Context, tuple[Step, ...]]:
    """R6 for a helper CHECK that says what the partition's constraint will say."""
    table = helper.table
    relation = context.facts.relation(table)
    key = () if relation is None else relation.primary_key
    # The condition is never NULL: it says whether the key is.
    in_the_way = rows_that(
        table, key, outside(bounds), f"rows of {table} are outside the bound of the partition"
    )
    steps, facts = helper_check(table, helper.name, bounds, in_the_way, context)
    return replace(context, facts=facts), steps


def _hazards(root: Relation, table: Relation, context: Context) -> tuple[Hazard, ...]:
    name = table.name
    scan = answered(
        HazardKind.SCAN_UNDER_LOCK,
        f"ATTACH PARTITION reads all of {name} under ACCESS EXCLUSIVE",
        "a helper CHECK of the bound is validated first while reads and writes go on",
        name,
        "catalogue 137, R17",
    )
    may_fail = good_to_know(
        HazardKind.MAY_FAIL_ON_DATA,
        f"rows of {name} outside the bound make the step fail; it names them",
        relation=name,
    )
    if not in_use(table, context):
        return (scan, may_fail)
    writers = warning(
        HazardKind.MAY_BREAK_WRITERS,
        f"a write to {name} outside the bound, or against the keys of {root.name}, fails from now on",
        "make sure that the running application keeps to them",
        name,
        "catalogue 85, R17",
    )
    return (scan, may_fail, writers)
