"""Facts after a column was renamed: everything that knows the column by its name follows."""

from msgspec.structs import replace

from migrator.postgres.column_users import ColumnUser, UserKind
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Index, Relation
from migrator.postgres.identifiers import QualifiedName


def renamed_column(facts: Facts, table: QualifiedName, old: str, new: str) -> Facts:
    """Facts in which a column of the table, its partitions and its children has another name."""
    tables = _below(facts, table)
    relations = tuple(_followed(relation, tables, old, new) for relation in facts.relations)
    return replace(facts, relations=relations)


def _below(facts: Facts, table: QualifiedName) -> frozenset[QualifiedName]:
    relation = facts.relation(table)
    below = () if relation is None else (*relation.partitions, *relation.children)
    return frozenset((table, *(name for child in below for name in _below(facts, child))))


def _followed(relation: Relation, tables: frozenset[QualifiedName], old: str, new: str) -> Relation:
    def name(column: str) -> str:
        return new if column == old else column

    own = relation.name in tables
    constraints = tuple(_constraint(c, tables, old, new, own=own) for c in relation.constraints)
    if relation.owned_by in tables and relation.owned_by_column == old:
        relation = replace(relation, owned_by_column=new)
    if not own:
        return relation if constraints == relation.constraints else replace(relation, constraints=constraints)
    return replace(
        relation,
        columns=tuple(replace(column, name=name(column.name)) for column in relation.columns),
        constraints=constraints,
        indexes=tuple(_index(index, old, new) for index in relation.indexes),
        partition_key=tuple(map(name, relation.partition_key)),
        column_users=tuple(_user(user, old, new) for user in relation.column_users),
    )


def _user(user: ColumnUser, old: str, new: str) -> ColumnUser:
    computed = user.kind is UserKind.GENERATED_COLUMN and user.name == old
    column = new if user.column == old else user.column
    return replace(user, column=column, name=new if computed else user.name)


def _constraint(
    constraint: Constraint, tables: frozenset[QualifiedName], old: str, new: str, *, own: bool
) -> Constraint:
    """The constraint, by the column's new name; its text becomes unknown."""
    whole = constraint.kind is ConstraintKind.CHECK and not constraint.columns
    if own and (old in constraint.columns or whole):
        constraint = replace(constraint, columns=_names(constraint.columns, old, new), definition="")
    if constraint.references in tables and old in constraint.referenced_columns:
        names = _names(constraint.referenced_columns, old, new)
        constraint = replace(constraint, referenced_columns=names, definition="")
    return constraint


def _index(index: Index, old: str, new: str) -> Index:
    if old not in {*index.keys, *index.included, *index.mentions}:
        return index
    return replace(
        index,
        keys=tuple(new if key == old else key for key in index.keys),
        included=_names(index.included, old, new),
        mentions=_names(index.mentions, old, new),
        definition="",
    )


def _names(columns: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if column == old else column for column in columns)
