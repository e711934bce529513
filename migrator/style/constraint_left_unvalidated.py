"""NOT VALID that no later statement of the plan validates: rows that were there may go on violating it."""

from collections.abc import Iterator

from migrator.operations.base import Context
from migrator.plan.hazard import HazardKind
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import AddConstraint, AlterTable, DropConstraint, ValidateConstraint
from migrator.style.base import Advice, Scene, StyleCheck, listed


def _find(scene: Scene) -> Iterator[Advice]:
    command = scene.command
    if not isinstance(command, AlterTable):
        return
    added = [a.constraint for a in command.actions if isinstance(a, AddConstraint) and a.constraint.not_valid]
    if not added:
        return
    table = scene.context.resolve(command.name)
    after, relation = scene.after.relation(table), scene.end.relation(table)
    if after is None:
        left = [c.name for c in added if c.name and not any(_settles(c.name, table, s) for s in scene.later)]
    elif relation is None:
        left = []
    else:
        left = sorted(_unvalidated(relation) & (_unvalidated(after) - _before(scene, table)))
    if left:
        yield Advice(
            message=f"{table}: no file validates {listed(left)}, so rows that were there may violate it",
            instead="a later VALIDATE CONSTRAINT; without NOT VALID the plan adds and validates it safely",
            relation=table,
        )


def _before(scene: Scene, table: QualifiedName) -> set[str]:
    relation = scene.context.facts.relation(table)
    return set() if relation is None else _unvalidated(relation)


def _unvalidated(relation: Relation) -> set[str]:
    return {constraint.name for constraint in relation.constraints if not constraint.validated}


def _settles(name: str, table: QualifiedName, context: Context) -> bool:
    command = context.statement.command
    if not isinstance(command, AlterTable) or context.resolve(command.name) != table:
        return False
    return any(isinstance(a, ValidateConstraint | DropConstraint) and a.name == name for a in command.actions)


CONSTRAINT_LEFT_UNVALIDATED = StyleCheck(kind=HazardKind.CONSTRAINT_LEFT_UNVALIDATED, find=_find)
