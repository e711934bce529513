"""ALTER COLUMN … SET EXPRESSION (17+) and DROP EXPRESSION, of generated columns.

What it does
    SET EXPRESSION computes the column otherwise; DROP EXPRESSION makes it an ordinary column, which keeps
    the values it has.

Why it is dangerous
    SET EXPRESSION of a stored column writes the table and its indexes anew under ACCESS EXCLUSIVE
    (catalogue 52). A virtual one changes the catalog only (53), and what running code reads. After DROP
    EXPRESSION new rows have no value, unless a trigger gives them one (51); a virtual column cannot lose
    its expression.

What is done instead
    There is no sequence without a rewrite: a large table in use needs an approval, or a new column. DROP
    EXPRESSION waits for an approval and for the contract phase.

Source
    Catalogue 51 to 53, R3; manual, ALTER TABLE, "SET EXPRESSION AS".
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import needs_approval, warning, wrong
from migrator.operations.liveness import endangered, in_use
from migrator.operations.steps import approved_timeouts, as_written, effect_on
from migrator.operations.target import missing_columns, relation_of, table_of
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase
from migrator.postgres.facts import Column
from migrator.sql.syntax import DropExpression, SetExpression

SET, DROP = "set-expression", "drop-expression"

_SET_SINCE = 17

_NOTE = "the expression that the column had is not known here"


def _column(name: str, context: Context) -> Column | None:
    relation = relation_of(context)
    return None if relation is None else relation.column(name)


def _set(action: SetExpression, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    column = _column(action.column, context)
    virtual = column is not None and column.generated == "v"
    quick = effect_on(context, table)
    effect = quick if virtual else changed(quick, rewrites=(table,))
    outcome = Outcome(operation=SET, effect=effect, facts=context.facts, touches=(table,), as_written=True)
    refused = missing_columns(relation, (action.column,), context) or _set_refused(column, context)
    if refused:
        return replace(outcome, hazards=refused)
    step = as_written(context, f"SET EXPRESSION of {action.column} of {table}", effect, undo_note=_NOTE)
    if virtual and in_use(relation, context):
        return replace(outcome, steps=(step,), hazards=(_reads_otherwise(action, context),))
    if virtual or not endangered(relation, context):
        return replace(outcome, steps=(step,))
    step = changed(step, timeouts=approved_timeouts(context))
    return replace(outcome, steps=(step,), hazards=(_rewrite(action, context),))


def _set_refused(column: Column | None, context: Context) -> tuple[Hazard, ...]:
    table, version = table_of(context), context.facts.server_version.major
    if version < _SET_SINCE:
        message = f"SET EXPRESSION is known from PostgreSQL {_SET_SINCE} on, and the server is {version}"
        return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, "add a new column", table, "catalogue 52"),)
    if column is None or column.generated or not context.facts.complete:
        return ()
    message = f"{column.name} of {table} is not a generated column"
    return (wrong(HazardKind.MISSING_OBJECT, message, "mend the name", table, "catalogue 52"),)


def _rewrite(action: SetExpression, context: Context) -> Hazard:
    table = table_of(context)
    message = f"every {action.column} of {table} is computed anew: a rewrite under ACCESS EXCLUSIVE"
    instead = "add a new generated column, or a plain one that a trigger keeps, and drop this one later"
    return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, table, "catalogue 52, R3")


def _reads_otherwise(action: SetExpression, context: Context) -> Hazard:
    table = table_of(context)
    message = f"running code reads other values of {action.column} of {table} from one moment to the next"
    return warning(HazardKind.BREAKS_RUNNING_CODE, message, None, table, "catalogue 53")


def _drop(action: DropExpression, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    column = _column(action.column, context)
    effect = effect_on(context, table)
    facts = folding.changed_column(context.facts, table, action.column, generated="", default=None)
    outcome = Outcome(operation=DROP, effect=effect, facts=facts, touches=(table,))
    missing = missing_columns(relation, (action.column,), context)
    if missing:
        return replace(outcome, hazards=missing)
    if column is not None and column.generated != "s" and context.facts.complete:
        return _nothing_to_drop(action, column, outcome)
    used = in_use(relation, context)
    step = as_written(
        context,
        f"DROP EXPRESSION of {action.column} of {table}",
        effect,
        phase=Phase.CONTRACT if used else Phase.EXPAND,
        undo_note="a column cannot become a generated one again",
    )
    hazards = (_computed_no_longer(action, context),) if used else ()
    return replace(outcome, steps=(step,), hazards=hazards, as_written=True)


def _nothing_to_drop(action: DropExpression, column: Column, outcome: Outcome) -> Outcome:
    if not column.generated and action.if_exists:
        return replace(outcome, note=f"{action.column} is not a generated column")
    what = "is virtual: it has no values to keep" if column.generated else "is not a generated column"
    hazard = wrong(
        HazardKind.NO_SAFE_SEQUENCE if column.generated else HazardKind.MISSING_OBJECT,
        f"{action.column} {what}, and the server refuses",
        "add a plain column, and fill it by UPDATE" if column.generated else "mend the name",
        outcome.touches[0],
        "catalogue 51",
    )
    return replace(outcome, hazards=(hazard,))


def _computed_no_longer(action: DropExpression, context: Context) -> Hazard:
    table = table_of(context)
    message = f"nothing computes {action.column} of {table} any more: new rows have no value"
    instead = "create a BEFORE INSERT OR UPDATE trigger that computes it first, then approve this"
    return needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, table, "catalogue 51")


SET_EXPRESSION = FormOperation(name=SET, form=SetExpression, outcome=_set)
DROP_EXPRESSION = FormOperation(name=DROP, form=DropExpression, outcome=_drop)
