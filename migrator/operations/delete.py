"""DELETE of many rows.

What it does
    Removes the rows of a table for which WHERE holds.

Why it is dangerous
    It destroys data, in one transaction that locks every row until its end; foreign keys without an index
    behind them are looked up by a scan for each row (catalogue 182, 184).

What is done instead
    Nothing yet: on a large table in use it needs an approval, and then runs as written. Small and new
    tables, and a WHERE that names one row by its key, run as written.

Source
    Catalogue 182, 184.
"""

from dataclasses import replace

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.conditions import by_unique_key
from migrator.operations.liveness import endangered
from migrator.operations.steps import as_written
from migrator.operations.target import absent, extension_owned, missing_relation
from migrator.operations.update_refusals import estimate, whole_table_delete
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import Phase, Timeouts
from migrator.postgres.facts import Relation
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import Delete

NAME = "delete"


def _plan(command: Delete, context: Context) -> Outcome:
    table = context.resolve(command.table)
    relation = context.facts.relation(table)
    effect = Effect(locks=(RelationLock(table, LockMode.ROW_EXCLUSIVE),), scans=(table,))
    outcome = Outcome(operation=NAME, effect=effect, facts=context.facts, touches=(table,))
    if absent(table, context):
        return replace(outcome, hazards=missing_relation(table, context))
    if not endangered(relation, context) or _one_row(command, relation):
        return _unchanged(outcome, context)
    size = "" if relation is None else estimate(relation, context)
    hazards = (whole_table_delete(command, table, size), *extension_owned(relation))
    return replace(_approved(outcome, context), hazards=hazards)


def _one_row(command: Delete, relation: Relation | None) -> bool:
    if relation is None or command.where is None or command.using is not None:
        return False
    return by_unique_key(command.where.text, relation, command.alias or relation.name.name)


def _unchanged(outcome: Outcome, context: Context) -> Outcome:
    title = f"DELETE rows of {outcome.touches[0]}"
    step = as_written(context, title, outcome.effect, undo_note="the rows are not kept")
    return replace(outcome, steps=(step,), as_written=True)


def _approved(outcome: Outcome, context: Context) -> Outcome:
    policy = context.policy
    timeouts = Timeouts(
        lock_ms=policy.statement_timeout_ms, statement_ms=None, deadline_s=policy.long_deadline_s
    )
    step = as_written(
        context,
        f"DELETE rows of {outcome.touches[0]} in one transaction",
        outcome.effect,
        phase=Phase.CONTRACT,
        undo_note="the rows are not kept",
        timeouts=timeouts,
    )
    return replace(outcome, steps=(step,), as_written=True)


DELETE = FormOperation(name=NAME, form=Delete, outcome=_plan)
