"""What a foreign key needs beside it: an index on the referencing columns, and no equal foreign key."""

import re

from migrator.operations.base import Context
from migrator.operations.hazards import warning
from migrator.operations.liveness import endangered
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.facts import ConstraintKind, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import (
    AddColumn,
    AddConstraint,
    AlterTable,
    Command,
    CreateIndex,
    ForeignKeyConstraint,
    ReferentialAction,
    UniqueConstraint,
)

_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")
"""Names that the server writes without quotes, keywords aside."""


def foreign_key_definition(
    columns: tuple[str, ...],
    parent: QualifiedName,
    parent_columns: tuple[str, ...],
    key: ForeignKeyConstraint,
) -> str:
    """Return what pg_get_constraintdef will say of it; '' where names or options are out of the ordinary."""
    names = (*columns, *parent_columns, parent.name, parent.schema or "public")
    if key.match or not parent_columns or not all(_SIMPLE.fullmatch(name) for name in names):
        return ""
    if key.deferrable or key.initially_deferred or key.period or key.not_enforced:
        return ""
    none = ReferentialAction.NO_ACTION
    actions = [f" ON {word} {action.value}" for word, action in _actions(key) if action is not none]
    ending = " NOT VALID" if key.not_valid else ""
    target = f"{parent}({', '.join(parent_columns)})"
    return f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {target}{''.join(actions)}{ending}"


def _actions(key: ForeignKeyConstraint) -> tuple[tuple[str, ReferentialAction], ...]:
    return ("UPDATE", key.on_update), ("DELETE", key.on_delete)


def duplicate(
    child: Relation | None,
    columns: tuple[str, ...],
    parent: QualifiedName,
    parent_columns: tuple[str, ...],
) -> tuple[Hazard, ...]:
    """Return a warning where an equal foreign key exists: the server would add a second one."""
    constraints = () if child is None else child.constraints
    pairs = set(zip(columns, parent_columns, strict=False))
    equal = [
        c.name
        for c in constraints
        if c.kind is ConstraintKind.FOREIGN_KEY
        and c.references == parent
        and set(zip(c.columns, c.referenced_columns, strict=False)) == pairs
    ]
    if child is None or not equal or not pairs:
        return ()
    message = f"{child.name} has an equal foreign key already: {equal[0]}; this adds a second one"
    instead = "remove the statement, or drop the other one"
    return (warning(HazardKind.DUPLICATE_FOREIGN_KEY, message, instead, child.name, "catalogue 115"),)


def unindexed(table: QualifiedName, columns: tuple[str, ...], context: Context) -> tuple[Hazard, ...]:
    """Return a warning where no index of the child supports a delete in the parent."""
    child = context.facts.relation(table)
    if not endangered(child, context) or indexed(child, columns) or _indexed_later(table, columns, context):
        return ()
    shown = ", ".join(columns)
    message = f"no index of {table} begins with {shown}: each delete in the parent reads the whole table"
    instead = f"create an index on {table} ({shown}) before the foreign key"
    return (warning(HazardKind.UNINDEXED_FOREIGN_KEY, message, instead, table, "catalogue 184"),)


def indexed(child: Relation | None, columns: tuple[str, ...]) -> bool:
    """Whether a valid index over all rows begins with these columns, in any order."""
    indexes = () if child is None else child.indexes
    return any(
        index.valid and index.predicate is None and set(index.keys[: len(columns)]) == set(columns)
        for index in indexes
    )


def _indexed_later(table: QualifiedName, columns: tuple[str, ...], context: Context) -> bool:
    """Whether a later statement of the file creates such an index."""
    later = context.migration.statements[context.index - 1 :]
    return any(
        set(key[: len(columns)]) == set(columns)
        for statement in later
        for key in _keys(statement.command, table, context)
    )


def _keys(command: Command, table: QualifiedName, context: Context) -> list[tuple[str | None, ...]]:
    """Return the keys of the indexes that a statement makes on the table."""
    match command:
        case CreateIndex(where=None) if context.resolve(command.table) == table:
            return [tuple(element.column for element in command.elements)]
        case AlterTable() if context.resolve(command.name) == table:
            return [*_unique_keys(command)]
        case _:
            return []


def _unique_keys(alter: AlterTable) -> list[tuple[str, ...]]:
    """Return the columns of the UNIQUE and PRIMARY KEY constraints that a statement adds."""
    found = []
    for action in alter.actions:
        if isinstance(action, AddConstraint) and isinstance(action.constraint, UniqueConstraint):
            found.append(action.constraint.columns)
        elif isinstance(action, AddColumn):
            unique = any(isinstance(c, UniqueConstraint) for c in action.column.constraints)
            found += [(action.column.name,)] if unique else []
    return found
