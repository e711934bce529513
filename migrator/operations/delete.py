"""DELETE of many rows.

What it does
    Removes the rows of a table for which WHERE holds.

Why it is dangerous
    It destroys data, in one transaction that locks every row until its end; foreign keys without an index
    behind them are looked up by a scan for each row (catalogue 182, 184).

What is done instead
    R23: the keys of the rows that WHERE names are captured, and the rows of that list are deleted in small
    transactions that can be stopped and resumed; WHERE is looked at again when a row's turn comes, so a row
    that was saved meanwhile stays. It destroys data, so it needs an approval and waits in the contract
    phase. Where the condition reads more than its own row, or the table has no key, an approval runs the
    statement as written in one transaction. Small and new tables, and a WHERE that names one row by its key,
    run as written.

Source
    Catalogue 182, 184, R23; docs/backfill.md.
"""

from msgspec import structs
from msgspec.structs import replace

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.conditions import by_unique_key
from migrator.operations.delete_refusals import hazards_of_walk, reasons_against_batches
from migrator.operations.hazards import needs_approval
from migrator.operations.liveness import endangered
from migrator.operations.row_effects import effect_of_delete
from migrator.operations.steps import as_written, as_written_at_length, backfill
from migrator.operations.target import absent, extension_owned, missing_relation
from migrator.operations.update_refusals import estimate
from migrator.plan import ddl
from migrator.plan.ddl_backfill import Target
from migrator.plan.ddl_captured import captured_delete
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName, truncate
from migrator.sql.syntax import Delete

NAME = "delete"


def _plan(command: Delete, context: Context) -> Outcome:
    table = context.resolve(command.table)
    relation = context.facts.relation(table)
    effect = effect_of_delete(table, context, only=command.only)
    outcome = Outcome(operation=NAME, effect=effect, facts=context.facts, touches=(table,))
    if absent(table, context):
        return replace(outcome, hazards=missing_relation(table, context))
    if not endangered(relation, context) or _one_row(command, relation):
        return _unchanged(outcome, context)
    reasons = reasons_against_batches(command, relation, context)
    if relation is None or reasons:
        return _in_one_transaction(outcome, (_loss(command, table), *reasons), relation, context)
    return _walked(outcome, command, relation, context)


def _one_row(command: Delete, relation: Relation | None) -> bool:
    if relation is None or command.where is None or command.using is not None:
        return False
    return by_unique_key(command.where.text, relation, command.alias or relation.name.name)


def _unchanged(outcome: Outcome, context: Context) -> Outcome:
    title = f"DELETE rows of {outcome.touches[0]}"
    step = as_written(context, title, outcome.effect, undo_note="the rows are not kept")
    return replace(outcome, steps=(step,), as_written=True)


def _walked(outcome: Outcome, command: Delete, relation: Relation, context: Context) -> Outcome:
    target = Target(
        relation=relation,
        server=context.facts.server_version,
        alias=command.alias,
        only=command.only,
        where=None if command.where is None else ddl.verbatim(command.where),
    )
    name = truncate(f"captured_{context.migration.version}_{context.index}")
    step = backfill(
        context,
        f"DELETE rows of {relation.name} in batches",
        captured_delete(target, captured=QualifiedName(context.policy.journal_schema, name)),
        effect=_of_a_batch(outcome.effect, relation.name),
        recipe="R23",
        phase=Phase.CONTRACT,
        undo_note="the rows are not kept",
    )
    hazards = (_loss(command, relation.name), *hazards_of_walk(relation, context), *extension_owned(relation))
    return replace(outcome, hazards=hazards, steps=(step,))


def _of_a_batch(effect: Effect, table: QualifiedName) -> Effect:
    """Return what a batch does: its rows are found by the key, those that refer to them as ever."""
    return structs.replace(effect, scans=tuple(name for name in effect.scans if name != table))


def _in_one_transaction(
    outcome: Outcome, hazards: tuple[Hazard, ...], relation: Relation | None, context: Context
) -> Outcome:
    """As written, for the case that somebody approves it."""
    size = "" if relation is None else estimate(relation, context).removeprefix("; ")
    title = f"DELETE rows of {outcome.touches[0]} in one transaction"
    step = as_written_at_length(context, title, outcome.effect, Phase.CONTRACT, "the rows are not kept")
    steps = (step,) if all(hazard.approvable for hazard in hazards) else ()
    found = (*hazards, *extension_owned(relation))
    return replace(outcome, hazards=found, steps=steps, as_written=bool(steps), note=size or None)


def _loss(command: Delete, table: QualifiedName) -> Hazard:
    what = "rows" if command.where is not None else "all rows"
    return needs_approval(
        HazardKind.DATA_LOSS,
        f"DELETE removes {what} of {table}, and they cannot be brought back",
        None,
        table,
        "catalogue 182",
    )


DELETE = FormOperation(name=NAME, form=Delete, outcome=_plan)
