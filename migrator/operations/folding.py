"""What later statements see: changes of one relation's facts.

Every function returns new facts; a relation that is not known stays unknown.
"""

import re
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from migrator.postgres.column_users import ColumnUser, UserKind
from migrator.postgres.facts import (
    Column,
    Constraint,
    ConstraintKind,
    Facts,
    Index,
    Relation,
    Trigger,
)
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.named import replace_named

_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")
"""Names that the server writes without quotes, keywords aside."""


def with_column(facts: Facts, table: QualifiedName, column: Column) -> Facts:
    """Facts in which the table, its partitions and its children have the column."""
    return _everywhere(
        facts, table, lambda relation: replace(relation, columns=replace_named(relation.columns, column))
    )


def changed_column(facts: Facts, table: QualifiedName, column: str, **changes: object) -> Facts:
    """Facts in which fields of one column have other values."""

    def change(relation: Relation) -> Relation:
        columns = tuple(replace(c, **changes) if c.name == column else c for c in relation.columns)
        return replace(relation, columns=columns)

    return _everywhere(facts, table, change)


def without_column(facts: Facts, table: QualifiedName, name: str) -> Facts:
    """Facts without the column and what hung on it: constraints and indexes that mention it."""

    def change(relation: Relation) -> Relation:
        return replace(
            relation,
            columns=tuple(c for c in relation.columns if c.name != name),
            constraints=tuple(c for c in relation.constraints if name not in c.columns),
            indexes=tuple(i for i in relation.indexes if name not in {*i.keys, *i.mentions}),
            column_users=tuple(u for u in relation.column_users if not _about(u, name)),
        )

    return _everywhere(facts, table, change)


def _about(user: ColumnUser, column: str) -> bool:
    """Whether it uses the column, or is it."""
    return user.column == column or (user.kind is UserKind.GENERATED_COLUMN and user.name == column)


def with_column_users(facts: Facts, table: QualifiedName, users: tuple[ColumnUser, ...]) -> Facts:
    """Facts in which more objects use columns of the table."""
    return _everywhere(
        facts, table, lambda relation: replace(relation, column_users=(*relation.column_users, *users))
    )


def with_trigger(facts: Facts, table: QualifiedName, trigger: Trigger, columns: tuple[str, ...]) -> Facts:
    """Facts in which the table has the trigger; `columns` are those of UPDATE OF."""

    def change(relation: Relation) -> Relation:
        kept = [u for u in relation.column_users if (u.kind, u.name) != (UserKind.TRIGGER, trigger.name)]
        kept += [
            ColumnUser(column=column, kind=UserKind.TRIGGER, relation=table, name=trigger.name)
            for column in columns
        ]
        triggers = replace_named(relation.triggers, trigger)
        return replace(relation, triggers=triggers, column_users=tuple(kept))

    return facts.changed(table, change)


def with_constraint(facts: Facts, table: QualifiedName, constraint: Constraint) -> Facts:
    """Facts in which the table has the constraint; its partner knows of a foreign key."""
    folded = facts.changed(
        table, lambda relation: replace(relation, constraints=replace_named(relation.constraints, constraint))
    )
    if constraint.references is None:
        return folded
    return folded.changed(constraint.references, partial(_referenced, by=table))


def with_unique(
    facts: Facts, table: QualifiedName, name: str, columns: tuple[str, ...], *, primary: bool
) -> Facts:
    """Facts in which the table has a UNIQUE or PRIMARY KEY constraint, and the index of its name."""
    kind = ConstraintKind.PRIMARY_KEY if primary else ConstraintKind.UNIQUE
    constraint = Constraint(name=name, kind=kind, columns=columns, index=name)
    index = Index(
        name=name,
        keys=columns,
        unique=True,
        primary=primary,
        constraint=name,
        mentions=columns,
        definition=_unique_index(table, name, columns),
    )
    folded = with_constraint(facts, table, constraint).changed(
        table, lambda relation: replace(relation, indexes=replace_named(relation.indexes, index))
    )
    if not primary:
        return folded
    for column in columns:
        folded = changed_column(folded, table, column, not_null=True)
    return folded


def with_exclusion(facts: Facts, table: QualifiedName, name: str) -> Facts:
    """Facts in which the table has an EXCLUDE constraint, whose index is not described further."""
    constraint = Constraint(name=name, kind=ConstraintKind.EXCLUDE, index=name)
    return with_constraint(facts, table, constraint)


def _unique_index(table: QualifiedName, name: str, columns: tuple[str, ...]) -> str:
    """Return what pg_get_indexdef will say, where no name needs quotes."""
    if not all(_SIMPLE.fullmatch(each) for each in (*columns, name, table.name, table.schema or "public")):
        return ""
    return f"CREATE UNIQUE INDEX {name} ON {table} USING btree ({', '.join(columns)})"


def without_constraint(facts: Facts, table: QualifiedName, name: str) -> Facts:
    """Facts without the constraint and the index that it owned."""

    def change(relation: Relation) -> Relation:
        return replace(
            relation,
            constraints=tuple(c for c in relation.constraints if c.name != name),
            indexes=tuple(i for i in relation.indexes if i.constraint != name),
        )

    return facts.changed(table, change)


def validated(facts: Facts, table: QualifiedName, name: str) -> Facts:
    """Facts in which a constraint is validated."""

    def change(relation: Relation) -> Relation:
        constraints = tuple(replace(c, validated=True) if c.name == name else c for c in relation.constraints)
        return replace(relation, constraints=constraints)

    return facts.changed(table, change)


def with_not_null(facts: Facts, table: QualifiedName, column: str, name: str | None) -> Facts:
    """Facts in which the column is NOT NULL; on servers that name such constraints, with the constraint."""
    folded = changed_column(facts, table, column, not_null=True)
    if name is None:
        return folded
    constraint = Constraint(name=name, kind=ConstraintKind.NOT_NULL, columns=(column,))
    return with_constraint(folded, table, constraint)


def without_not_null(facts: Facts, table: QualifiedName, column: str) -> Facts:
    """Facts in which the column accepts NULL."""

    def change(relation: Relation) -> Relation:
        columns = tuple(replace(c, not_null=False) if c.name == column else c for c in relation.columns)
        kept = tuple(
            c for c in relation.constraints if c.kind is not ConstraintKind.NOT_NULL or c.columns != (column,)
        )
        return replace(relation, columns=columns, constraints=kept)

    return _everywhere(facts, table, change)


def without_trigger(facts: Facts, table: QualifiedName, name: str) -> Facts:
    """Facts without a trigger of the table."""
    return _everywhere(
        facts, table, lambda r: replace(r, triggers=tuple(t for t in r.triggers if t.name != name))
    )


def with_unknown_size(facts: Facts, table: QualifiedName) -> Facts:
    """Facts in which nothing is known of the table's size: somebody put rows in."""
    return facts.changed(table, lambda relation: replace(relation, rows=None, bytes=None))


def with_more_rows(facts: Facts, table: QualifiedName, rows: int) -> Facts:
    """Facts in which a table of known size has a few more rows."""

    def change(relation: Relation) -> Relation:
        known = None if relation.rows is None else relation.rows + rows
        return replace(relation, rows=known)

    return facts.changed(table, change)


def with_partition(facts: Facts, root: QualifiedName, partition: QualifiedName, *, default: bool) -> Facts:
    """Facts in which the table is a partition of the other, its default partition maybe."""

    def change(relation: Relation) -> Relation:
        names = tuple(dict.fromkeys((*relation.partitions, partition)))
        known = partition if default else relation.default_partition
        return replace(relation, partitions=names, default_partition=known)

    return facts.changed(partition, lambda relation: replace(relation, partition_of=root)).changed(
        root, change
    )


def without_partition(facts: Facts, root: QualifiedName, partition: QualifiedName) -> Facts:
    """Facts in which the table is a partition no more."""

    def change(relation: Relation) -> Relation:
        names = tuple(name for name in relation.partitions if name != partition)
        default = None if relation.default_partition == partition else relation.default_partition
        return replace(relation, partitions=names, default_partition=default)

    return facts.changed(partition, lambda relation: replace(relation, partition_of=None)).changed(
        root, change
    )


def _referenced(relation: Relation, *, by: QualifiedName) -> Relation:
    if by in relation.referenced_by:
        return relation
    return replace(relation, referenced_by=(*relation.referenced_by, by))


def _everywhere(facts: Facts, name: QualifiedName, change: Callable[[Relation], Relation]) -> Facts:
    relation = facts.relation(name)
    if relation is None:
        return facts
    folded = facts.with_relation(change(relation))
    for below in (*relation.partitions, *relation.children):
        folded = _everywhere(folded, below, change)
    return folded
