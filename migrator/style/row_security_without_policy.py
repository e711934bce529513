"""ENABLE ROW LEVEL SECURITY on a table that has no policy in the end: all but the owner see no row.

Silent where the table's policies are not known, and where text that is not understood speaks of policies.
"""

from collections.abc import Iterator

from migrator.operations.base import Context
from migrator.plan.hazard import HazardKind
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import AlterTable, Drop, KnownForm, Opaque, OtherAction
from migrator.style.base import Advice, Scene, StyleCheck

_ENABLE = "ENABLE ROW LEVEL SECURITY"
_DISABLE = "DISABLE ROW LEVEL SECURITY"


def _find(scene: Scene) -> Iterator[Advice]:
    if not isinstance(scene.command, AlterTable) or not _does(scene.command, _ENABLE):
        return
    table = scene.context.resolve(scene.command.name)
    if scene.end.relation(table) is None or not _bare(table, scene):
        return
    yield Advice(
        message=f"{table} has row level security and no policy: all but its owner see and write no row",
        instead="CREATE POLICY in the same file; FORCE ROW LEVEL SECURITY if the owner is meant too",
        relation=table,
    )


def _bare(table: QualifiedName, scene: Scene) -> bool:
    """Whether the table has row level security and no policy when all files are applied."""
    first = scene.begin.relation(table)
    policies = set() if first is None else set(first.policies)
    enabled = False
    for context in scene.plan:
        command = context.statement.command
        if isinstance(command, Opaque) and "policy" in context.statement.text.lower():
            return False
        if isinstance(command, AlterTable) and context.resolve(command.name) == table:
            enabled = _does(command, _ENABLE) or (enabled and not _does(command, _DISABLE))
        policies = _after(policies, table, context)
    return enabled and not policies


def _after(policies: set[str], table: QualifiedName, context: Context) -> set[str]:
    match context.statement.command:
        case KnownForm(kind="CREATE POLICY", relations=(on,), names=(policy,)) if (
            context.resolve(on) == table
        ):
            return policies | {policy.name}
        case Drop(object_kind="POLICY", on_table=QualifiedName() as on) if context.resolve(on) == table:
            return policies - {name.name for name in context.statement.command.names}
        case _:
            return policies


def _does(command: AlterTable, kind: str) -> bool:
    return any(isinstance(action, OtherAction) and action.kind == kind for action in command.actions)


ROW_SECURITY_WITHOUT_POLICY = StyleCheck(kind=HazardKind.ROW_SECURITY_WITHOUT_POLICY, find=_find)
