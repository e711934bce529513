"""ALTER COLUMN … DROP IDENTITY.

What it does
    Takes the identity from a column, and drops its sequence.

Why it is dangerous
    ACCESS EXCLUSIVE for a moment (catalogue 50). The column stays NOT NULL without a default: inserts of
    running code that give it no value fail from then on.

What is done instead
    It waits for an approval and for the contract phase. Together with SET DEFAULT of the same column in one
    statement nothing breaks: it runs as written.

Source
    Catalogue 50; manual, ALTER TABLE, "DROP IDENTITY".
"""

from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import in_use
from migrator.operations.numbered_column import effect_with_sequence, owned_sequence, touched
from migrator.operations.steps import as_written
from migrator.operations.target import missing_columns, relation_of, table_of
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase
from migrator.postgres.facts import Facts
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import DropIdentity, SetDefault

NAME = "drop-identity"


def _plan(action: DropIdentity, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    column = None if relation is None else relation.column(action.column)
    effect = effect_with_sequence(action.column, LockMode.ACCESS_EXCLUSIVE, context)
    outcome = Outcome(operation=NAME, effect=effect, facts=_after(action, context), touches=touched(effect))
    missing = missing_columns(relation, (action.column,), context)
    if missing:
        return replace(outcome, hazards=missing)
    if column is not None and not column.identity and context.facts.complete:
        return _not_there(action, outcome, context)
    breaks = in_use(relation, context) and not _has_default_after(action, context)
    step = as_written(
        context,
        f"DROP IDENTITY of {action.column} of {table}",
        effect,
        phase=Phase.CONTRACT if breaks else Phase.EXPAND,
        undo_note="the sequence is dropped with the identity; add a new one to undo this",
    )
    hazards = (_breaks(action, context),) if breaks else ()
    return replace(outcome, steps=(step,), hazards=hazards, as_written=True)


def _not_there(action: DropIdentity, outcome: Outcome, context: Context) -> Outcome:
    message = f"{action.column} of {table_of(context)} is not an identity column"
    if action.if_exists:
        return replace(outcome, note=message)
    hazard = wrong(HazardKind.MISSING_OBJECT, message, "remove the statement", table_of(context))
    return replace(outcome, hazards=(hazard,))


def _has_default_after(action: DropIdentity, context: Context) -> bool:
    actions = () if context.alter is None else context.alter.actions
    return any(isinstance(each, SetDefault) and each.column == action.column for each in actions)


def _breaks(action: DropIdentity, context: Context) -> Hazard:
    table = table_of(context)
    message = f"inserts of running code that give {action.column} of {table} no value fail from then on"
    instead = (
        f"write ALTER COLUMN {action.column} DROP IDENTITY, ALTER COLUMN {action.column} SET DEFAULT "
        "nextval(…) of another sequence in one statement"
    )
    return needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, table, "catalogue 50")


def _after(action: DropIdentity, context: Context) -> Facts:
    table = table_of(context)
    facts = folding.changed_column(context.facts, table, action.column, identity="")
    sequence = owned_sequence(table, action.column, context)
    return facts if sequence is None else facts.without_relation(sequence)


DROP_IDENTITY = FormOperation(name=NAME, form=DropIdentity, outcome=_plan)
