"""The safe sequence of UNIQUE and PRIMARY KEY: R9, and R10 with R5 before it.

It may assume a table in use that is not partitioned. Used by ADD UNIQUE and ADD PRIMARY KEY, and by ADD
COLUMN for a constraint of the column.
"""

import msgspec
from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding, not_null_sequence
from migrator.operations.base import Context
from migrator.operations.hazards import answered
from migrator.operations.index_build import build_hazards, build_step
from migrator.operations.index_facts import with_index
from migrator.operations.index_name import distinct_names
from migrator.operations.names import relation_name
from migrator.operations.not_null_sequence import NotNullTarget
from migrator.operations.partition_tree import spread
from migrator.operations.steps import effect_on, transaction
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_index import (
    column_key,
    constraint_using_index,
    create_index_concurrently,
    duplicates,
    on_table,
    unique_index_body,
)
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Diagnosis, Phase, Step
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Index
from migrator.postgres.identifiers import QualifiedName, derived
from migrator.postgres.object_names import joined_columns
from migrator.sql.syntax import DropConstraint, UniqueConstraint


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A UNIQUE or PRIMARY KEY that is to be added."""

    table: QualifiedName
    columns: tuple[str, ...]
    name: str
    constraint: UniqueConstraint

    @property
    def index(self) -> QualifiedName:
        """The index that the constraint will have."""
        return QualifiedName(self.table.schema, self.name)

    @property
    def words(self) -> str:
        """How the constraint is called."""
        return "PRIMARY KEY" if self.constraint.primary else "UNIQUE"

    @property
    def kind(self) -> ConstraintKind:
        """The kind of constraint."""
        return ConstraintKind.PRIMARY_KEY if self.constraint.primary else ConstraintKind.UNIQUE


def unique_steps(
    context: Context, table: QualifiedName, columns: tuple[str, ...], constraint: UniqueConstraint
) -> tuple[tuple[Step, ...], Facts, tuple[Hazard, ...]]:
    """Return R9 or R10 for a table in use, the facts after it, and the hazards it answers or cannot see."""
    key = key_of(constraint, table, columns, context)
    relation = context.facts.relation(table)
    draft: Context = context
    steps: tuple[Step, ...] = ()
    if constraint.primary:
        draft, steps = not_null_first(key, context)
    index = _built_as(key, context)
    built = (_build(key, index, draft), _take_over(key, index, draft))
    hazards = (*_answered(key), *build_hazards(table, relation, context, unique=True))
    return (*steps, *built), after(key, draft), hazards


def key_of(
    constraint: UniqueConstraint, table: QualifiedName, columns: tuple[str, ...], context: Context
) -> Key:
    """Return the constraint with its name, written or chosen as the server would."""
    name = constraint.name or constraint.using_index
    if name is None and constraint.primary:
        name = relation_name(table, None, "pkey", context.facts)
    if name is None:
        parts = joined_columns(distinct_names((*columns, *constraint.include)))
        name = relation_name(table, parts, "key", context.facts)
    return Key(table=table, columns=columns, name=name, constraint=constraint)


def not_null_first(key: Key, context: Context) -> tuple[Context, tuple[Step, ...]]:
    """R5 for every column that accepts NULL, or whose NOT NULL is NOT VALID (catalogue 108)."""
    steps: tuple[Step, ...] = ()
    for column in key.columns:
        relation = context.facts.relation(key.table)
        known = None if relation is None else relation.column(column)
        proved = relation is not None and not_null_sequence.validated(relation, column)
        if known is not None and known.not_null and proved:
            continue
        target = NotNullTarget(table=key.table, column=column)
        more, facts = not_null_sequence.steps_and_facts(target, context)
        steps, context = (*steps, *more), replace(context, facts=facts)
    return context, steps


def index_body(key: Key) -> Sql:
    """Return the constraint's index: what stands after the table's name."""
    constraint = key.constraint
    return unique_index_body(
        key.columns,
        constraint.include,
        nulls_not_distinct=constraint.nulls_not_distinct,
        parameters=constraint.parameters,
        tablespace=constraint.tablespace,
    )


def _built_as(key: Key, context: Context) -> str:
    """Return the index's name until the constraint takes it over: another one while that name is in use.

    A constraint of that name that the same statement drops stays until then.
    """
    actions = () if context.alter is None else context.alter.actions
    replaced = any(isinstance(action, DropConstraint) and action.name == key.name for action in actions)
    return derived(key.name, suffix="new") if replaced else key.name


def _build(key: Key, index: str, context: Context) -> Step:
    body = index_body(key)
    return build_step(
        context,
        table=key.table,
        index=QualifiedName(key.table.schema, index),
        sql=create_index_concurrently(index, on_table(key.table, body), unique=True),
        unique=True,
        definition=body,
        diagnoses=(duplicate_rows(key),),
    )


def _take_over(key: Key, index: str, context: Context) -> Step:
    body = constraint_using_index(
        index,
        primary=key.constraint.primary,
        deferrable=key.constraint.deferrable,
        deferred=key.constraint.initially_deferred,
    )
    return transaction(
        context,
        f"ADD {key.words} {key.name} to {key.table} over the finished index",
        (ddl.alter_table(key.table, ddl.add_constraint(key.name, body)),),
        effect_on(context, key.table),
        phase=Phase.VALIDATE,
        recipe="R10" if key.constraint.primary else "R9",
        undo=undo(key),
    )


def _answered(key: Key) -> tuple[Hazard, ...]:
    message = f"ADD {key.words} builds an index on {key.table} under ACCESS EXCLUSIVE: no reads, no writes"
    return (
        answered(
            HazardKind.INDEX_BUILD_BLOCKS_WRITES,
            message,
            "the index is built CONCURRENTLY, and the constraint takes it over",
            key.table,
            "catalogue 105, R10" if key.constraint.primary else "catalogue 100, R9",
        ),
    )


def duplicate_rows(key: Key) -> Diagnosis:
    """Return what names the values that stand more than once."""
    keys = tuple(column_key(column) for column in key.columns)
    return duplicates(key.table, keys, nulls_not_distinct=key.constraint.nulls_not_distinct)


def after(key: Key, context: Context) -> Facts:
    """Facts with the constraint, its index, and NOT NULL on the columns of a primary key."""
    facts, constraint = context.facts, key.constraint
    if constraint.primary:
        for column in key.columns:
            facts = _with_not_null(facts, key.table, column)
    old = facts.relation(key.table)
    if constraint.using_index is not None and old is not None:
        kept = tuple(index for index in old.indexes if index.name != constraint.using_index)
        facts = facts.with_relation(changed(old, indexes=kept))
    index = Index(
        name=key.name,
        keys=key.columns,
        included=constraint.include,
        unique=True,
        primary=constraint.primary,
        constraint=key.name,
        mentions=(*key.columns, *constraint.include),
    )
    made = Constraint(name=key.name, kind=key.kind, columns=key.columns, index=key.name)
    facts = with_index(replace(context, facts=facts), key.table, index)
    return spread(folding.with_constraint(facts, key.table, made), key.table)


def _with_not_null(facts: Facts, table: QualifiedName, column: str) -> Facts:
    relation = facts.relation(table)
    known = None if relation is None else relation.column(column)
    if known is None or known.not_null:
        return facts
    return folding.changed_column(facts, table, column, not_null=True)


def undo(key: Key) -> tuple[str, ...]:
    """Return what removes the constraint, and its index with it."""
    return (ddl.alter_table(key.table, ddl.drop_constraint(key.name)),)
