"""RENAME COLUMN.

What it does
    Gives a column another name. Views, indexes, constraints and policies follow; views keep the name under
    which they show it, and indexes, constraints and sequences keep theirs.

Why it is dangerous
    Queries of running code that use the old name fail from one moment to the next, and so do the bodies of
    functions that the server keeps as text (catalogue 47).

What is done instead
    It waits for an approval and for the contract phase, when no running code uses the old name. Without a
    gap: add a column of the new name, fill it by UPDATE, and drop the old one later (R12).

Source
    Catalogue 47, R12; manual, ALTER TABLE, "RENAME".
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.column_uses import uses_of
from migrator.operations.drop_table_hazards import listed
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import in_use
from migrator.operations.renaming import renamed_column
from migrator.operations.steps import (
    approved_timeouts,
    as_written,
    as_written_without_lock_table,
    effect_on,
)
from migrator.operations.target import extension_owned, relation_of, table_of
from migrator.plan import ddl
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase
from migrator.postgres.facts import Relation
from migrator.sql.syntax import RenameColumn

NAME = "rename-column"


def _plan(action: RenameColumn, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    effect = effect_on(context, table)
    outcome = Outcome(
        operation=NAME,
        effect=effect,
        facts=renamed_column(context.facts, table, action.old, action.new),
        touches=(table,),
        as_written=True,
    )
    taken = _taken(action, relation)
    if taken:
        return replace(outcome, hazards=taken)
    tables = context.alter is None or context.alter.object_kind in {"TABLE", "FOREIGN TABLE"}
    build = as_written if tables else as_written_without_lock_table
    title = f"RENAME COLUMN {action.old} of {table} TO {action.new}"
    undo = (ddl.alter_table(table, ddl.rename_column(action.new, action.old)),) if tables else ()
    step = build(context, title, effect, undo=undo)
    if not in_use(relation, context):
        return replace(outcome, steps=(step,))
    step = changed(step, phase=Phase.CONTRACT, timeouts=approved_timeouts(context))
    return replace(outcome, steps=(step,), hazards=(_breaks(action, context), *extension_owned(relation)))


def _taken(action: RenameColumn, relation: Relation | None) -> tuple[Hazard, ...]:
    if relation is None or relation.column(action.new) is None:
        return ()
    message = f"{relation.name} has a column {action.new} already"
    return (wrong(HazardKind.NAME_TAKEN, message, "choose another name", relation.name),)


def _breaks(action: RenameColumn, context: Context) -> Hazard:
    table = table_of(context)
    uses = uses_of(table, action.old, context)
    message = f"queries of running code that name {action.old} of {table} fail from then on"
    following = [str(each) for each in uses.others]
    if following:
        message = (
            f"{message}; {listed(tuple(following))} follow, and views keep the old name for their readers"
        )
    instead = (
        f"add a column {action.new}, fill it by UPDATE with keep-filled, and drop {action.old} "
        "when no code names it"
    )
    return needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, table, "catalogue 47, R12")


RENAME_COLUMN = FormOperation(name=NAME, form=RenameColumn, outcome=_plan)
