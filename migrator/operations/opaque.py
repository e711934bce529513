"""A statement that was not understood completely.

What it does
    Nobody knows.

Why it is dangerous
    It may do anything, to anything.

What is done instead
    Where something is live it is refused until a person approves it in the file, with a reason. It then
    runs as written, with short waits for locks and no other limit, and everything after it in the file
    waits for it.

Source
    The first promise of the design: nothing is silently misread.
"""

import msgspec

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import needs_approval
from migrator.operations.liveness import live
from migrator.operations.steps import (
    approved_timeouts,
    as_written_without_lock_table,
    autocommit,
)
from migrator.operations.transaction_blocks import outside
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard, HazardKind
from migrator.sql.syntax import Opaque

NAME = "opaque"

_SHOWN = 40


def _plan(command: Opaque, context: Context) -> Outcome:
    effect = Effect(unknown=True)
    build = autocommit if outside(context.statement.text) else as_written_without_lock_table
    title = " ".join(context.statement.text.split())
    title = title if len(title) <= _SHOWN else f"{title[:_SHOWN]}…"
    step = build(context, title, effect, undo_note="the statement was not understood")
    if live(context):
        step = msgspec.structs.replace(step, timeouts=approved_timeouts(context))
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=_hazards(command, context),
        steps=(step,),
        facts=msgspec.structs.replace(context.facts, complete=False),
        touches_everything=True,
        as_written=True,
    )


def _hazards(command: Opaque, context: Context) -> tuple[Hazard, ...]:
    if not live(context):
        return ()
    message = f"the statement is not understood ({command.reason}): it may do anything"
    instead = "write it in a form that is understood, or approve it with the reason why it is harmless"
    return (needs_approval(HazardKind.OPAQUE_STATEMENT, message, instead),)


OPAQUE = FormOperation(name=NAME, form=Opaque, outcome=_plan)
