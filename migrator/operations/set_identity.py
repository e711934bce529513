"""ALTER COLUMN … SET GENERATED, SET sequence option, RESTART, of an identity column.

What it does
    Changes whether inserts may give a value of their own, and how the column's sequence counts.

Why it is dangerous
    ACCESS EXCLUSIVE on the table and SHARE ROW EXCLUSIVE on the sequence, for a moment (catalogue 49).
    Inserts that give a value fail after SET GENERATED ALWAYS. RESTART hands out numbers that may be taken.

What is done instead
    It runs as written, within the lock budget; what it may break is said.

Source
    Catalogue 49, 202; manual, ALTER TABLE, "SET GENERATED".
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import warning, wrong
from migrator.operations.liveness import empty, in_use
from migrator.operations.numbered_column import effect_with_sequence, touched
from migrator.operations.steps import as_written
from migrator.operations.target import missing_columns, relation_of, table_of
from migrator.plan import ddl
from migrator.plan import ddl_sequence as sql
from migrator.plan.ddl import Sql
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.facts import Column, Facts
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import SetIdentity

NAME = "set-identity"


def _plan(action: SetIdentity, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    column = None if relation is None else relation.column(action.column)
    effect = effect_with_sequence(action.column, LockMode.SHARE_ROW_EXCLUSIVE, context)
    outcome = Outcome(
        operation=NAME, effect=effect, facts=_after(action, context), touches=touched(effect), as_written=True
    )
    missing = missing_columns(relation, (action.column,), context)
    if missing or (column is not None and not column.identity and context.facts.complete):
        return replace(outcome, hazards=missing or (_no_identity(action, context),))
    title = f"SET GENERATED of {action.column} of {table}"
    if action.always is None:
        title = f"ALTER the sequence of {action.column} of {table}"
    undo = _undo(action, column, context)
    step = as_written(context, title, effect, undo=undo)
    if not undo:
        step = changed(step, undo_note="how the sequence counted before, and where it was, is not known here")
    return replace(outcome, steps=(step,), hazards=_hazards(action, context))


def _undo(action: SetIdentity, column: Column | None, context: Context) -> tuple[Sql, ...]:
    if action.always is None or column is None or action.restarts or action.options:
        return ()
    back = sql.set_generated(action.column, always=column.identity == "a")
    return (ddl.alter_table(table_of(context), back),)


def _no_identity(action: SetIdentity, context: Context) -> Hazard:
    table = table_of(context)
    message = f"{action.column} of {table} is not an identity column"
    return wrong(HazardKind.MISSING_OBJECT, message, "ADD GENERATED … AS IDENTITY first", table)


def _hazards(action: SetIdentity, context: Context) -> tuple[Hazard, ...]:
    table, relation, found = table_of(context), relation_of(context), []
    if not in_use(relation, context) or (relation is not None and empty(relation, context.facts)):
        return ()
    if action.always:
        message = f"an INSERT that gives {action.column} of {table} a value of its own fails from now on"
        instead = "make sure that no running code does, or that it says OVERRIDING SYSTEM VALUE"
        found.append(warning(HazardKind.MAY_BREAK_WRITERS, message, instead, table, "catalogue 49"))
    if action.restarts:
        message = f"{action.column} of {table} gets numbers again that rows may have"
        instead = "restart it above the largest number"
        found.append(warning(HazardKind.MAY_BREAK_WRITERS, message, instead, table, "catalogue 49"))
    return tuple(found)


def _after(action: SetIdentity, context: Context) -> Facts:
    if action.always is None:
        return context.facts
    kind = "a" if action.always else "d"
    return folding.changed_column(context.facts, table_of(context), action.column, identity=kind)


SET_IDENTITY = FormOperation(name=NAME, form=SetIdentity, outcome=_plan)
