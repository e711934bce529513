"""A new table that has neither a primary key nor another unique key of NOT NULL columns in the end."""

from collections.abc import Iterator

from migrator.operations.create_table import new_name
from migrator.plan.hazard import HazardKind
from migrator.postgres.facts import Index, Relation, RelationKind
from migrator.sql.syntax import CreateTable
from migrator.style.base import Advice, Scene, StyleCheck


def _find(scene: Scene) -> Iterator[Advice]:
    command = scene.command
    if not isinstance(command, CreateTable) or command.temporary or command.partition_of is not None:
        return
    name = new_name(command.name, scene.context)
    if scene.context.facts.relation(name) is not None:
        return
    relation = scene.lasting(name)
    if relation is None or relation.kind is not RelationKind.TABLE or not relation.columns or command.like:
        return
    if relation.primary_key or any(_is_key(index, relation) for index in relation.indexes):
        return
    yield Advice(
        message=f"{name} has no primary key: nothing names one of its rows, UPDATEs are not replicated",
        instead="a primary key; a table of pairs has one over both columns",
        relation=name,
    )


def _is_key(index: Index, relation: Relation) -> bool:
    required = {column.name for column in relation.columns if column.not_null}
    return index.unique and index.predicate is None and set(index.keys) <= required


TABLE_WITHOUT_KEY = StyleCheck(kind=HazardKind.TABLE_WITHOUT_KEY, find=_find)
