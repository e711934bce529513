"""A new foreign key without an index on its referencing columns when all files are applied.

On large tables in use the planner warns of that by itself (`unindexed-foreign-key`) and this is silent.
"""

from collections.abc import Iterable, Iterator

from migrator.operations.create_table import new_name
from migrator.plan.hazard import HazardKind
from migrator.postgres.facts import ConstraintKind, Index, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import (
    Action,
    AddColumn,
    AddConstraint,
    AlterTable,
    Constraint,
    CreateTable,
    ExcludeConstraint,
    ForeignKeyConstraint,
)
from migrator.style.base import Advice, Scene, StyleCheck


def _find(scene: Scene) -> Iterator[Advice]:
    if HazardKind.UNINDEXED_FOREIGN_KEY in scene.found:
        return
    for table, columns in dict.fromkeys(_new_keys(scene)):
        relation, before = scene.lasting(table), scene.begin.relation(table)
        if before is not None and _has_key(before, columns):  # it is only made anew, with other options
            continue
        if relation is None or not _has_key(relation, columns) or _indexed(relation, columns):
            continue
        if _excluded(table, columns, scene):
            continue
        shown = ", ".join(columns)
        yield Advice(
            message=f"no index of {table} begins with {shown}: each delete in the parent reads the table",
            instead=f"an index on {table} ({shown})",
            relation=table,
        )


def _new_keys(scene: Scene) -> Iterator[tuple[QualifiedName, tuple[str, ...]]]:
    """Return table and referencing columns of the foreign keys that the statement makes."""
    context = scene.context
    match scene.command:
        case CreateTable(temporary=False, partition_of=None) as command:
            name = new_name(command.name, context)
            if context.facts.relation(name) is None:
                yield from ((name, columns) for columns in _of_table(command))
        case AlterTable(object_kind="TABLE") as command:
            name = context.resolve(command.name)
            yield from ((name, columns) for action in command.actions for columns in _of_action(action))
        case _:
            return


def _of_table(command: CreateTable) -> Iterator[tuple[str, ...]]:
    for column in command.columns:
        yield from _keys(column.constraints, (column.name,))
    yield from _keys(command.constraints, ())


def _of_action(action: Action) -> Iterator[tuple[str, ...]]:
    match action:
        case AddConstraint(constraint=constraint):
            yield from _keys((constraint,), ())
        case AddColumn(column=column):
            yield from _keys(column.constraints, (column.name,))
        case _:
            return


def _keys(constraints: Iterable[Constraint], column: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for constraint in constraints:
        if isinstance(constraint, ForeignKeyConstraint) and not constraint.not_enforced:
            yield constraint.columns or column


def _has_key(relation: Relation, columns: tuple[str, ...]) -> bool:
    return any(c.kind is ConstraintKind.FOREIGN_KEY and c.columns == columns for c in relation.constraints)


def _indexed(relation: Relation, columns: tuple[str, ...]) -> bool:
    return any(
        set(index.keys[: len(columns)]) == set(columns) and _reaches_all(index) for index in relation.indexes
    )


def _excluded(table: QualifiedName, columns: tuple[str, ...], scene: Scene) -> bool:
    """Whether an EXCLUDE constraint of the plan names the columns: its index is not among the facts."""
    for context in scene.plan:
        match context.statement.command:
            case CreateTable(name=name, constraints=found) if context.resolve(name) == table:
                constraints = found
            case AlterTable(name=name, actions=actions) if context.resolve(name) == table:
                constraints = tuple(a.constraint for a in actions if isinstance(a, AddConstraint))
            case _:
                continue
        texts = [c.text.text.lower() for c in constraints if isinstance(c, ExcludeConstraint)]
        if any(all(column.lower() in text for column in columns) for text in texts):
            return True
    return False


def _reaches_all(index: Index) -> bool:
    """Whether it holds every row that refers to something; WHERE column IS NOT NULL leaves none out."""
    return index.valid and (index.predicate is None or "is not null" in index.predicate.lower())


FOREIGN_KEY_WITHOUT_INDEX = StyleCheck(kind=HazardKind.FOREIGN_KEY_WITHOUT_INDEX, find=_find)
