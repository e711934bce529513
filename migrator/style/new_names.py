"""The names that a statement gives: of tables, columns, constraints, indexes, views, types and so on."""

from collections.abc import Iterator

from migrator.operations.create_table import new_name
from migrator.sql.syntax import (
    Action,
    AddColumn,
    AddConstraint,
    AlterTable,
    ColumnDefinition,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateTable,
    CreateTrigger,
    CreateType,
    CreateView,
    RenameColumn,
    RenameConstraint,
    RenameTable,
)
from migrator.style.base import Scene


def new_names(scene: Scene) -> Iterator[str]:
    """Return them, as the server stores them; none of a table that is gone in the end."""
    match scene.command:
        case CreateTable() as command:
            yield from _of_table(command, scene)
        case AlterTable(actions=actions):
            for action in actions:
                yield from _of_action(action)
        case CreateIndex(name=str(name)) | CreateTrigger(name=name) | CreateSchema(name=str(name)):
            yield name
        case CreateView(name=qualified) | CreateSequence(name=qualified) | CreateType(name=qualified):
            yield qualified.name
        case _:
            return


def _of_table(command: CreateTable, scene: Scene) -> Iterator[str]:
    name = new_name(command.name, scene.context)
    if (
        command.temporary
        or scene.context.facts.relation(name) is not None
        or scene.end.relation(name) is None
    ):
        return
    yield name.name
    for column in command.columns:
        yield from _of_column(column)
    yield from (constraint.name for constraint in command.constraints if constraint.name)


def _of_column(column: ColumnDefinition) -> Iterator[str]:
    yield column.name
    yield from (constraint.name for constraint in column.constraints if constraint.name)


def _of_action(action: Action) -> Iterator[str]:
    match action:
        case AddColumn(column=column):
            yield from _of_column(column)
        case AddConstraint(constraint=constraint) if constraint.name:
            yield constraint.name
        case RenameColumn(new=new) | RenameTable(new=new) | RenameConstraint(new=new):
            yield new
        case _:
            return
