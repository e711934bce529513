"""The facts of a table as CREATE TABLE leaves it, with the names that the server chooses.

It may assume that no relation of the name exists. Where columns come from elsewhere (a query, a type) the
columns stay unknown: no columns at all.
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations.base import Context
from migrator.operations.column_definition import column_facts, generated_users, parts_of
from migrator.operations.expressions import columns_of
from migrator.operations.folding import with_partition
from migrator.operations.foreign_key_support import foreign_key_definition
from migrator.operations.liveness import in_use
from migrator.operations.names import check_name, foreign_key_name, relation_name
from migrator.operations.numbered_column import with_own_sequence
from migrator.operations.partition_facts import cloned
from migrator.postgres.facts import (
    Column,
    Constraint,
    ConstraintKind,
    Facts,
    Relation,
    RelationKind,
)
from migrator.postgres.identifiers import QualifiedName, quote
from migrator.postgres.object_names import joined_columns
from migrator.sql.syntax import (
    CheckConstraint,
    CreateTable,
    ExcludeConstraint,
    ForeignKeyConstraint,
    UniqueConstraint,
)
from migrator.sql.syntax import Constraint as WrittenConstraint
from migrator.sql.tokens import scan


def created(command: CreateTable, name: QualifiedName, context: Context) -> Facts:
    """Return the facts with the new table; a temporary one is not of the database."""
    if command.temporary:
        return context.facts
    kind = RelationKind.PARTITIONED_TABLE if command.partition_by else RelationKind.TABLE
    columns = _columns(command, context)
    relation = Relation(
        name=name,
        kind=kind,
        unlogged=command.unlogged,
        columns=columns,
        partition_of=None if command.partition_of is None else context.resolve(command.partition_of),
        partition_key=_partition_key(command, columns),
        partition_strategy=_strategy(command),
        plain_partition_key=_plain_key(command, columns),
        inherits=tuple(context.resolve(parent) for parent in command.inherits),
        rows=None if command.query else 0,
        bytes=None if command.query else 0,
        created_in_plan=not _known_to_the_application(command, context),
    )
    default = command.partition_bound is not None and command.partition_bound.default
    facts = _known_above(relation, context.facts.with_relation(relation), default=default)
    for definition in command.columns:
        parts = parts_of(definition, context)
        facts = with_own_sequence(parts, name, msgspec.structs.replace(context, facts=facts))
        facts = folding.with_column_users(facts, name, generated_users(parts, name))
    for column, constraint in _constraints(command):
        facts = _with_constraint(facts, name, (column,) if column else (), constraint, context)
    return facts


def _columns(command: CreateTable, context: Context) -> tuple[Column, ...]:
    if command.query is not None or command.of_type is not None:
        return ()
    root = () if command.partition_of is None else (command.partition_of,)
    copied = [context.relation(source) for source in (*root, *command.inherits, *command.like)]
    if None in copied:
        return ()
    inherited = [column for relation in copied if relation is not None for column in relation.columns]
    return (*inherited, *(column_facts(parts_of(column, context)) for column in command.columns))


def _partition_key(command: CreateTable, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Return the columns that PARTITION BY names: one too many makes a plan more careful, never less."""
    if command.partition_by is None:
        return ()
    text = command.partition_by.text
    known = {spelt: column.name for column in columns for spelt in (column.name, quote(column.name))}
    words = (token.value or text[token.start : token.end] for token in scan(text))
    return tuple(dict.fromkeys(known[word] for word in words if word in known))


def _known_to_the_application(command: CreateTable, context: Context) -> bool:
    """Whether queries reach the new table at once, through a table that is in use."""
    root = () if command.partition_of is None else (command.partition_of,)
    return any(in_use(context.relation(name), context) for name in (*root, *command.inherits))


def _strategy(command: CreateTable) -> str:
    words = [] if command.partition_by is None else command.partition_by.text.lower().split("(")[0].split()
    return {"range": "r", "list": "l", "hash": "h"}.get(words[-1] if words else "", "")


def _plain_key(command: CreateTable, columns: tuple[Column, ...]) -> bool:
    """Whether PARTITION BY holds nothing but names of columns."""
    if command.partition_by is None:
        return False
    inside = command.partition_by.text.partition("(")[2].rpartition(")")[0]
    known = {spelt for column in columns for spelt in (column.name, quote(column.name))}
    return all(part.strip() in known for part in inside.split(","))


def _known_above(relation: Relation, facts: Facts, *, default: bool) -> Facts:
    """Tell the partitioned table, or the tables inherited from, of the new one."""
    name = relation.name
    if relation.partition_of is not None:
        facts = with_partition(facts, relation.partition_of, name, default=default)
        facts = cloned(facts, relation.partition_of, name)
    for parent in relation.inherits:
        facts = facts.changed(parent, lambda r: replace(r, children=(*r.children, name)))
    return facts


def _constraints(command: CreateTable) -> list[tuple[str | None, WrittenConstraint]]:
    """Return column (None for the table's own) and constraint: CHECKs first, as the server adds them."""
    own = [(column.name, c) for column in command.columns for c in column.constraints]
    both: list[tuple[str | None, WrittenConstraint]] = [*own, *((None, c) for c in command.constraints)]
    rank: dict[type, int] = {
        CheckConstraint: 0,
        UniqueConstraint: 1,
        ExcludeConstraint: 1,
        ForeignKeyConstraint: 2,
    }
    return sorted(((c, k) for c, k in both if type(k) in rank), key=lambda pair: rank[type(pair[1])])


def _with_constraint(
    facts: Facts,
    table: QualifiedName,
    column: tuple[str, ...],
    constraint: WrittenConstraint,
    context: Context,
) -> Facts:
    match constraint:
        case CheckConstraint():
            return _with_check(facts, table, constraint)
        case UniqueConstraint():
            columns = constraint.columns or column
            label, addition = ("pkey", None) if constraint.primary else ("key", joined_columns(columns))
            name = constraint.name or relation_name(table, addition, label, facts)
            return folding.with_unique(facts, table, name, columns, primary=constraint.primary)
        case ExcludeConstraint(name=str(name)):
            return folding.with_exclusion(facts, table, name)
        case ForeignKeyConstraint():
            return _with_foreign_key(facts, table, constraint.columns or column, constraint, context)
        case _:
            return facts


def _with_check(facts: Facts, table: QualifiedName, check: CheckConstraint) -> Facts:
    columns = columns_of(check.expression, facts.relation(table)) or frozenset()
    made = Constraint(
        name=check.name or check_name(table, columns, facts),
        kind=ConstraintKind.CHECK,
        columns=tuple(sorted(columns)),
        definition=f"CHECK ({check.expression.text})",
        validated=not check.not_enforced,
    )
    return folding.with_constraint(facts, table, made)


def _with_foreign_key(
    facts: Facts,
    table: QualifiedName,
    columns: tuple[str, ...],
    key: ForeignKeyConstraint,
    context: Context,
) -> Facts:
    parent = facts.resolve(key.references, context.search_path)
    relation = facts.relation(parent)
    primary = () if relation is None else relation.primary_key
    made = Constraint(
        name=key.name or foreign_key_name(table, columns, facts),
        kind=ConstraintKind.FOREIGN_KEY,
        columns=columns,
        definition=foreign_key_definition(columns, parent, key.referenced_columns or primary, key)
        or key.text.text,
        references=parent,
        referenced_columns=key.referenced_columns or primary,
    )
    return folding.with_constraint(facts, table, made)
