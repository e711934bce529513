"""COMMENT, GRANT and REVOKE, SELECT, INSERT: they run as they are.

What it does
    Changes what hangs on an object, reads, or adds rows.

Why it is dangerous
    COMMENT waits behind VACUUM and validations in SHARE UPDATE EXCLUSIVE (catalogue 211). A REVOKE may
    break running code. An INSERT of a query's rows is one transaction of unknown length, which holds back
    vacuum (185).

What is done instead
    Each runs as written, in a transaction of its own; an INSERT … VALUES is taken for a few rows. A SELECT
    that calls a volatile function of the user's is code that may do anything, and needs an approval where
    something is live.

Source
    Catalogue 185, 211, 212; the manual's pages of these commands.
"""

import msgspec

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import needs_approval, warning, wrong
from migrator.operations.liveness import in_use, live
from migrator.operations.steps import approved_timeouts, as_written, as_written_without_lock_table
from migrator.operations.target import missing_relation
from migrator.operations.user_code import user_code
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import Comment, Grant, Insert, Select

_GRANT_LOCKS_SINCE = 18

_ON_A_TABLE = frozenset({"CONSTRAINT", "POLICY", "RULE", "TRIGGER"})
"""A comment on what hangs on a table only looks the table up (get_object_address_relobject)."""

_CHARACTERS_OF_A_ROW = 4
"""`(1),` is the shortest row of VALUES."""


def _comment(command: Comment, context: Context) -> Outcome:
    names = () if command.relation is None else (context.resolve(command.relation),)
    on_table = command.object_kind in _ON_A_TABLE
    mode = LockMode.ACCESS_SHARE if on_table else LockMode.SHARE_UPDATE_EXCLUSIVE
    effect = Effect(locks=tuple(RelationLock(name, mode) for name in names))
    title = f"COMMENT ON {command.object_kind}{''.join(f' {name}' for name in names)}"
    return Outcome(
        operation="comment",
        effect=effect,
        steps=(as_written_without_lock_table(context, title, effect),),
        facts=context.facts,
        touches=names,
        as_written=True,
    )


def _grant(command: Grant, context: Context) -> Outcome:
    names = tuple(context.resolve(name) for name in command.relations)
    shared = names if context.facts.server_version.major >= _GRANT_LOCKS_SINCE else ()
    effect = Effect(locks=tuple(RelationLock(name, LockMode.ACCESS_SHARE) for name in shared))
    word = "REVOKE" if command.revoke else "GRANT"
    return Outcome(
        operation="grant",
        effect=effect,
        hazards=_revoked(command, context),
        steps=(as_written_without_lock_table(context, f"{word} on {command.object_kind}", effect),),
        facts=context.facts,
        touches=names,
        as_written=True,
    )


def _revoked(command: Grant, context: Context) -> tuple[Hazard, ...]:
    found = [context.relation(name) for name in command.relations]
    felt = any(in_use(relation, context) for relation in found) if found else live(context)
    if not command.revoke or not felt:
        return ()
    message = "running code that needs the privilege fails from now on"
    return (warning(HazardKind.MAY_BREAK_WRITERS, message, None, None, "catalogue 212"),)


def _select(_: Select, context: Context) -> Outcome:
    """A SELECT is run for what its functions do; what they change in the session does not last."""
    code = user_code(context)
    if code is not None:
        return _code(code, context)
    message = "what set_config() changes holds in one session, and each step of a plan may run in another"
    lasting = "set_config" in context.statement.text.lower() and live(context)
    instead = "write SET, which is carried over to the steps after it"
    return Outcome(
        operation="select",
        hazards=(wrong(HazardKind.SESSION_SETTING, message, instead),) if lasting else (),
        steps=(as_written(context, "SELECT", Effect()),),
        facts=context.facts,
        as_written=True,
    )


def _code(name: QualifiedName, context: Context) -> Outcome:
    """A volatile function of the user's may lock and change anything, as DO and CALL may."""
    effect = Effect(unknown=True)
    message = f"SELECT calls {name}(), which is code that may lock and change anything"
    hazard = needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, "write the statements that it runs")
    step = as_written(context, f"SELECT {name}()", effect, timeouts=approved_timeouts(context))
    return Outcome(
        operation="select",
        effect=effect,
        hazards=(hazard,) if live(context) else (),
        steps=(step,),
        facts=msgspec.structs.replace(context.facts, complete=False),
        touches_everything=True,
        as_written=True,
    )


def _insert(command: Insert, context: Context) -> Outcome:
    table = context.resolve(command.table)
    effect = Effect(locks=(RelationLock(table, LockMode.ROW_EXCLUSIVE),))
    rows = len(context.statement.text) // _CHARACTERS_OF_A_ROW
    step = as_written(context, f"INSERT INTO {table}", effect)
    if command.values_only:
        facts = folding.with_more_rows(context.facts, table, rows)
    else:
        step = msgspec.structs.replace(step, timeouts=approved_timeouts(context))
        facts = folding.with_unknown_size(context.facts, table)
    return Outcome(
        operation="insert",
        effect=effect,
        hazards=(*missing_relation(table, context), *_long(command, context)),
        steps=(step,),
        facts=facts,
        touches=(table,),
        as_written=True,
    )


def _long(command: Insert, context: Context) -> tuple[Hazard, ...]:
    """An INSERT of a query's rows."""
    if command.values_only or not live(context):
        return ()
    table = context.resolve(command.table)
    message = f"the rows of a query go into {table} in one transaction, which holds back vacuum while it runs"
    instead = "insert them in parts if they are many"
    return (warning(HazardKind.HOLDS_BACK_VACUUM, message, instead, table, "catalogue 185"),)


COMMENT = FormOperation(name="comment", form=Comment, outcome=_comment)
GRANT = FormOperation(name="grant", form=Grant, outcome=_grant)
SELECT = FormOperation(name="select", form=Select, outcome=_select)
INSERT = FormOperation(name="insert", form=Insert, outcome=_insert)
