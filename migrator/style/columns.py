"""The columns that a statement makes or gives another type, as far as they last."""

from collections.abc import Iterable, Iterator

import msgspec

from migrator.operations.base import Context
from migrator.operations.create_table import new_name
from migrator.operations.types import format_type
from migrator.postgres.facts import ConstraintKind
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import (
    AddColumn,
    AlterColumnType,
    AlterTable,
    Constraint,
    CreateTable,
    Drop,
    DropColumn,
    ForeignKeyConstraint,
    RenameColumn,
    TypeName,
)
from migrator.style.base import Advice, Scene, listed


class NewColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column as a statement writes it."""

    table: QualifiedName
    name: str
    type: TypeName
    constraints: tuple[Constraint, ...] = ()
    partitioned: bool = False
    """CREATE TABLE … PARTITION BY."""

    def is_of(self, *types: str) -> bool:
        """Whether its type is one of these, in the catalogue's spelling, and no array of it."""
        return (
            self.type.name.schema in {None, "pg_catalog"}
            and self.type.name.name in types
            and not self.type.array
        )


def new_columns(scene: Scene) -> Iterator[NewColumn]:
    """Return the columns of the statement that are still as it says when all files are applied."""
    return (column for column in _written(scene) if _lasts(column, scene))


def _written(scene: Scene) -> Iterator[NewColumn]:
    context = scene.context
    match scene.command:
        case CreateTable(temporary=False, partition_of=None) as command:
            name = new_name(command.name, context)
            if context.facts.relation(name) is not None:
                return
            for column in command.columns:
                yield NewColumn(
                    table=name,
                    name=column.name,
                    type=column.type,
                    constraints=column.constraints,
                    partitioned=command.partition_by is not None,
                )
        case AlterTable(object_kind="TABLE") as command:
            yield from _altered(command, context.resolve(command.name), scene)
        case _:
            return


def _altered(command: AlterTable, table: QualifiedName, scene: Scene) -> Iterator[NewColumn]:
    before = scene.context.facts.relation(table)
    for action in command.actions:
        match action:
            case AddColumn(column=column) if before is None or before.column(column.name) is None:
                yield NewColumn(
                    table=table, name=column.name, type=column.type, constraints=column.constraints
                )
            case AlterColumnType(column=name, type=type_name):
                yield NewColumn(table=table, name=name, type=type_name)
            case _:
                pass


def _lasts(column: NewColumn, scene: Scene) -> bool:
    if scene.after.relation(column.table) is None:  # nothing is known of the table, before or after
        return not any(_undone(column, each) for each in scene.later)
    relation = scene.lasting(column.table)
    found = None if relation is None else relation.column(column.name)
    return found is not None and found.type == format_type(column.type)


def _undone(column: NewColumn, context: Context) -> bool:
    """Whether a later statement drops or changes the column, or its table."""
    match context.statement.command:
        case Drop(names=names):
            return column.table in {context.resolve(name) for name in names}
        case AlterTable(name=name, actions=actions) if context.resolve(name) == column.table:
            return any(_about(column.name, action) for action in actions)
        case _:
            return False


def _about(name: str, action: object) -> bool:
    match action:
        case DropColumn(column=column) | AlterColumnType(column=column) | RenameColumn(old=column):
            return column == name
        case _:
            return False


def follows_partner(column: NewColumn, scene: Scene) -> bool:
    """Whether the column is part of a foreign key, so that its type is its partner's."""
    if any(isinstance(constraint, ForeignKeyConstraint) for constraint in column.constraints):
        return True
    relation = scene.end.relation(column.table)
    constraints = () if relation is None else relation.constraints
    return any(c.kind is ConstraintKind.FOREIGN_KEY and column.name in c.columns for c in constraints)


def about(columns: Iterable[NewColumn], trouble: str, instead: str) -> Iterator[Advice]:
    """Return one piece of advice for the columns of a statement, which are of one table; none without any."""
    found = list(columns)
    if found:
        table, names = found[0].table, listed(column.name for column in found)
        yield Advice(message=f"{table} ({names}): {trouble}", instead=instead, relation=table)
