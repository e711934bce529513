"""ALTER COLUMN TYPE read against the facts: what is done with the rows, and with what hangs on the column.

It may assume facts folded over the statements before. Where the column, its type or the conversion is not
known, the table counts as rewritten.
"""

from collections.abc import Iterator

import msgspec

from migrator.operations.base import Context
from migrator.operations.column_types import type_of, typed, written_type
from migrator.operations.types import format_type
from migrator.postgres.facts import Column, Constraint, ConstraintKind, Index, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.type_changes import Work, has_zero_offset, keeps_index, work
from migrator.sql.casts import column_cast
from migrator.sql.syntax import AlterColumnType


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One column's change."""

    action: AlterColumnType
    column: Column | None
    work: Work
    unknown_using: bool
    """USING is more than a cast to the new type."""
    recollated: bool

    @property
    def name(self) -> str:
        """The column."""
        return self.action.column

    @property
    def new_type(self) -> str:
        """format_type's text."""
        return format_type(self.action.type)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A CHECK or foreign key that is verified anew."""

    table: QualifiedName
    constraint: Constraint


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """An index that is rebuilt."""

    table: QualifiedName
    index: Index


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """All that the statement's changes do while the table is locked."""

    table: QualifiedName
    relation: Relation | None
    tables: tuple[QualifiedName, ...]
    """The table with its partitions and children."""
    changes: tuple[Change, ...]
    checks: tuple[Verified, ...]
    foreign_keys: tuple[Verified, ...]
    indexes: tuple[Rebuilt, ...]
    """Those rebuilt although the rows stay; none where they do not."""
    partners: tuple[QualifiedName, ...]
    """Tables that foreign keys of the columns tie to this one: they are locked too."""

    @property
    def rewrites(self) -> bool:
        """Whether the rows are written anew."""
        return any(change.work is Work.REWRITE for change in self.changes)


def change_of(action: AlterColumnType, relation: Relation | None, context: Context) -> Change:
    """Return what happens to one column."""
    column = None if relation is None else relation.column(action.column)
    if column is None:
        return Change(
            action=action,
            column=None,
            work=Work.REWRITE,
            unknown_using=action.using is not None,
            recollated=True,
        )
    old = type_of(column, context)
    collation = None if action.collation is None else action.collation.text
    new = written_type(action.type, collation, context)
    unknown = _unknown_using(action, context)
    found = work(old.side, new.side, zero_offset=zero_offset(context))
    stored = relation is None or relation.kind is not RelationKind.FOREIGN_TABLE
    return Change(
        action=action,
        column=column,
        work=(Work.REWRITE if unknown else found) if stored else Work.NOTHING,
        unknown_using=unknown,
        recollated=old.collation != new.collation,
    )


def zero_offset(context: Context) -> bool:
    """Whether the statement runs under a TimeZone whose offset is always zero."""
    values = [value for name, value in context.session.settings if name.lower() in {"timezone", "time zone"}]
    return bool(values) and has_zero_offset(values[-1])


def _unknown_using(action: AlterColumnType, context: Context) -> bool:
    if action.using is None:
        return False
    found = column_cast(action.using.text)
    if found is None or found.column != action.column:
        return True
    if found.type is None:
        return False
    new = typed(format_type(action.type), None, context).side
    return typed(format_type(found.type), None, context).side != new


def affected(actions: tuple[AlterColumnType, ...], table: QualifiedName, context: Context) -> Affected:
    """Return what the actions on a table come to."""
    relation = context.facts.relation(table)
    changes = tuple(change_of(action, relation, context) for action in actions)
    tree = tuple(tree_of(table, context))
    relations = [found for name in tree if (found := context.facts.relation(name)) is not None]
    names = {change.name for change in changes}
    compared_anew = {change.name for change in changes if change.work is not Work.NOTHING}
    keys = tuple(_foreign_keys(relations, context))
    rewrites = any(change.work is Work.REWRITE for change in changes)
    return Affected(
        table=table,
        relation=relation,
        tables=tree,
        changes=changes,
        checks=tuple(_checks(relations, names)),
        foreign_keys=tuple(
            key for key in keys if _verified(key.constraint) and _ties(key, compared_anew, set(tree))
        ),
        indexes=() if rewrites else tuple(_indexes(relations, changes, context)),
        partners=_partners([key for key in keys if _ties(key, names, set(tree))], tree),
    )


def _checks(relations: list[Relation], columns: set[str]) -> Iterator[Verified]:
    for relation in relations:
        for constraint in relation.constraints:
            check = constraint.kind is ConstraintKind.CHECK and _verified(constraint)
            if check and _mentions(constraint, columns):
                yield Verified(table=relation.name, constraint=constraint)


def _verified(constraint: Constraint) -> bool:
    """Whether the server verifies it: not what is NOT VALID; what is inherited goes with the parent's."""
    return constraint.validated and not constraint.inherited


def _indexes(relations: list[Relation], changes: tuple[Change, ...], context: Context) -> Iterator[Rebuilt]:
    for relation in relations:
        for index in relation.indexes:
            if any(_rebuilds(change, index, context) for change in changes):
                yield Rebuilt(table=relation.name, index=index)


def tree_of(table: QualifiedName, context: Context) -> Iterator[QualifiedName]:
    """Yield the table, its partitions and children, down to the last."""
    yield table
    relation = context.facts.relation(table)
    for below in () if relation is None else (*relation.partitions, *relation.children):
        yield from tree_of(below, context)


def _mentions(constraint: Constraint, columns: set[str]) -> bool:
    """Whether a CHECK mentions one of the columns; its text decides where facts do not name any."""
    if constraint.columns:
        return bool(columns & set(constraint.columns))
    return any(column in constraint.definition for column in columns)


def _rebuilds(change: Change, index: Index, context: Context) -> bool:
    """Whether the index is rebuilt although the rows stay (CheckIndexCompatible)."""
    if change.name not in {*index.keys, *index.included, *index.mentions}:
        return False
    if None in index.keys or index.predicate is not None or not index.valid:
        return True
    if change.name not in index.keys or change.column is None:
        return False
    kept = keeps_index(type_of(change.column, context).side.type, index.method)
    return change.work is not Work.NOTHING or change.recollated or not kept


def _foreign_keys(relations: list[Relation], context: Context) -> Iterator[Verified]:
    """Every foreign key of the tables, and every one that refers to them, once."""
    tree = {relation.name for relation in relations}
    for relation in context.facts.relations:
        for constraint in relation.constraints:
            if constraint.references is not None and (relation.name in tree or constraint.references in tree):
                yield Verified(table=relation.name, constraint=constraint)


def _ties(key: Verified, columns: set[str], tree: set[QualifiedName]) -> bool:
    own = key.table in tree and bool(columns & set(key.constraint.columns))
    referred = set(key.constraint.referenced_columns)
    return own or (key.constraint.references in tree and (not referred or bool(columns & referred)))


def _partners(keys: list[Verified], tree: tuple[QualifiedName, ...]) -> tuple[QualifiedName, ...]:
    both = [name for key in keys for name in (key.table, key.constraint.references) if name is not None]
    return tuple(dict.fromkeys(name for name in both if name not in tree))
