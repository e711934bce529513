"""SET TRANSACTION and SET CONSTRAINTS: they concern one transaction, and each step has one of its own.

What it does
    Sets how the transaction sees others, or when its deferrable constraints are checked.

Why it is dangerous
    It is written for one transaction of the whole file, which there is not where something is live.

What is done instead
    Inside BEGIN … COMMIT where nothing is live, SET CONSTRAINTS runs in its place; the isolation level is
    left out, because nobody else writes. Elsewhere neither is carried out: deferred constraints are checked
    when a step commits. What is lost by that (one snapshot for several statements, a check put off) brings a
    warning.

Source
    The manual, SET TRANSACTION, SET CONSTRAINTS.
"""

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import warning
from migrator.operations.liveness import live
from migrator.operations.transaction_control import NAME
from migrator.plan.hazard import HazardKind
from migrator.sql.syntax import KnownForm

SET_TRANSACTION = "SET TRANSACTION"

_NOTES = {
    SET_TRANSACTION: "not carried out: each step has a transaction of its own",
    "SET CONSTRAINTS IMMEDIATE": "nothing to do: deferred constraints are checked when a step commits",
    "SET CONSTRAINTS DEFERRED": "not carried out: deferred constraints are checked when a step commits",
}

_LOST = {
    SET_TRANSACTION: "the statements of the transaction do not see one snapshot: each has its own steps",
    "SET CONSTRAINTS DEFERRED": "constraints are checked after each statement: each has its own steps",
}


def _plan(command: KnownForm, context: Context) -> Outcome:
    lost = _LOST.get(command.kind) if live(context) and context.transaction is not None else None
    kept = context.transaction is not None and not live(context) and command.kind != SET_TRANSACTION
    hazards = () if lost is None else (warning(HazardKind.EXPLICIT_TRANSACTION, lost, "remove it"),)
    return Outcome(
        operation=NAME,
        facts=context.facts,
        hazards=hazards,
        note=None if kept else _NOTES[command.kind],
    )


TRANSACTION_SETTINGS = FormOperation(
    name=NAME, form=KnownForm, outcome=_plan, when=lambda command, _: command.kind in _NOTES
)
