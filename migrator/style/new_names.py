"""The names that a statement gives: of tables, columns, constraints, indexes, views, types and so on."""

from collections.abc import Iterator

import msgspec

from migrator.operations.create_table import new_name
from migrator.sql.syntax import (
    Action,
    AddColumn,
    AddConstraint,
    AlterTable,
    ColumnDefinition,
    Constraint,
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


class NewName(msgspec.Struct, frozen=True):
    """A name, as the server stores it."""

    text: str
    queried: bool = True
    """Queries use it; not of constraints, indexes and triggers."""


def new_names(scene: Scene) -> Iterator[NewName]:
    """Return them; none of a table or type that has gone, or has another name, in the end."""
    match scene.command:
        case CreateTable() as command:
            yield from _of_table(command, scene)
        case AlterTable(actions=actions):
            for action in actions:
                yield from _of_action(action)
        case CreateIndex(name=str(name)) | CreateTrigger(name=name):
            yield NewName(name, queried=False)
        case CreateSchema(name=str(name)):
            yield NewName(name)
        case CreateType(name=name) if new_name(name, scene.context) not in scene.end.types:
            return
        case CreateView(name=qualified) | CreateSequence(name=qualified) | CreateType(name=qualified):
            yield NewName(qualified.name)
        case _:
            return


def _of_table(command: CreateTable, scene: Scene) -> Iterator[NewName]:
    name = new_name(command.name, scene.context)
    if command.temporary or scene.context.facts.relation(name) is not None:
        return
    if scene.end.relation(name) is None:
        return
    yield NewName(name.name)
    for column in command.columns:
        yield from _of_column(column)
    yield from _of_constraints(command.constraints)


def _of_column(column: ColumnDefinition) -> Iterator[NewName]:
    yield NewName(column.name)
    yield from _of_constraints(column.constraints)


def _of_constraints(constraints: tuple[Constraint, ...]) -> Iterator[NewName]:
    yield from (NewName(each.name, queried=False) for each in constraints if each.name)


def _of_action(action: Action) -> Iterator[NewName]:
    match action:
        case AddColumn(column=column):
            yield from _of_column(column)
        case AddConstraint(constraint=constraint):
            yield from _of_constraints((constraint,))
        case RenameColumn(new=new) | RenameTable(new=new):
            yield NewName(new)
        case RenameConstraint(new=new):
            yield NewName(new, queried=False)
        case _:
            return
