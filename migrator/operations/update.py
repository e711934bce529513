"""UPDATE of many rows.

What it does
    Changes the rows of a table for which WHERE holds.

Why it is dangerous
    It is one transaction: every row that it changes stays locked until the end, the old row versions
    cannot be vacuumed, the table grows to twice its size, replicas fall behind, and an error in the last
    row undoes all of it (catalogue 182).

What is done instead
    R23: the table is walked by its key in small transactions, at a pace that other sessions do not feel,
    and the place is recorded with each of them, so that a killed run goes on where it stopped. That is
    done only where batches give what the one UPDATE would have given. A column that the same file added
    gets a fill trigger first, so that new and changed rows are right at once. A column that existed
    before needs a word in the file: `-- migrate: backfill existing-rows` or `keep-filled`. What may
    change a row only once works off a captured list of keys. Everything else is refused, or with an
    approval runs as written. Small and new tables, and a WHERE that names one row by its key, run as
    written.

Source
    Catalogue 182, R23; docs/backfill.md.
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.conditions import by_unique_key
from migrator.operations.fill_trigger import becomes_not_null, create_step, drop_step, with_trigger
from migrator.operations.hazards import answered, warning, wrong
from migrator.operations.liveness import endangered, in_use, rows_at_most
from migrator.operations.row_effects import effect_on_rows
from migrator.operations.steps import as_written, as_written_at_length, backfill
from migrator.operations.target import absent, missing_columns, missing_relation
from migrator.operations.update_reading import Unfit
from migrator.operations.update_refusals import (
    existing_column,
    refusals,
    unfit,
    unknown_table,
    without_key,
)
from migrator.operations.update_trigger import triggers_for
from migrator.operations.update_values import Value, added_by_file, filling, judge, once_only
from migrator.plan import ddl
from migrator.plan.ddl_backfill import Target, idempotent_backfill
from migrator.plan.ddl_captured import once_only_backfill
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Backfill, Phase, Step
from migrator.plan.walk_key import avoids_collation
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName, truncate
from migrator.sql.migration import BackfillChoice
from migrator.sql.syntax import Update

NAME = "update"


def _plan(command: Update, context: Context) -> Outcome:
    table = context.resolve(command.table)
    relation = context.facts.relation(table)
    effect = effect_on_rows(table, context, only=command.only)
    outcome = Outcome(operation=NAME, effect=effect, facts=context.facts, touches=(table,))
    if absent(table, context):
        return replace(outcome, hazards=missing_relation(table, context))
    if not endangered(relation, context) and not _fills_for_not_null(command, relation, context):
        return _unchanged(outcome, context)
    if relation is None:
        return _approvable(outcome, (unknown_table(table),), context)
    missing = missing_columns(relation, tuple(a.column for a in command.assignments), context)
    found = (*missing, *refusals(command, relation, context))
    if not found and _one_row(command, relation):
        one = replace(outcome, effect=changed(outcome.effect, scans=()))
        return replace(_unchanged(one, context), note="WHERE names one row by its key")
    return _approvable(outcome, found, context) if found else _walked(outcome, command, relation, context)


def _fills_for_not_null(command: Update, relation: Relation | None, context: Context) -> bool:
    """Whether rows written after it would lack a value that SET NOT NULL asks for, whatever the size."""
    if relation is None or not in_use(relation, context):
        return False
    return any(
        added_by_file(assignment.column, relation, context) is not None
        and becomes_not_null(relation.name, assignment.column, context)
        for assignment in command.assignments
    )


def _walked(outcome: Outcome, command: Update, relation: Relation, context: Context) -> Outcome:
    values = judge(command, relation, context)
    if isinstance(values, Unfit):
        return _approvable(outcome, (unfit(values.reason, values.advice, relation, context),), context)
    choice = next((d for d in context.directives if isinstance(d, BackfillChoice)), None)
    captured = once_only(values)
    existing = [value for value in values if value.added is None]
    refused = _without_answer(values, relation, choice, context, captured=captured)
    if refused is not None:
        kept = _approvable(outcome, (refused,), context)
        return replace(kept, used=(choice,) if choice else ())
    triggers = triggers_for(command, values, relation, choice, context, captured=captured)
    work = _work(command, values, relation, context, captured=captured)
    facts = context.facts
    for trigger in triggers:
        facts = with_trigger(facts, trigger)
    steps = (
        *(create_step(trigger, context) for trigger in triggers),
        _walk_step(work, values, context, captured=captured),
        *(drop_step(trigger, context) for trigger in triggers),
    )
    return replace(
        outcome,
        hazards=_hazards(values, relation, context),
        steps=steps,
        facts=facts,
        used=(choice,) if choice is not None and existing else (),
    )


def _without_answer(
    values: tuple[Value, ...],
    relation: Relation,
    choice: BackfillChoice | None,
    context: Context,
    *,
    captured: bool,
) -> Hazard | None:
    """What the file leaves open, or asks for in vain."""
    existing = [value for value in values if value.added is None]
    if captured and choice is not None and choice.keep_filled:
        message = (
            "keep-filled needs a value that can be computed again, and this one may be computed only once"
        )
        return wrong(HazardKind.EXISTING_COLUMN_BACKFILL, message, "say existing-rows", relation.name)
    if existing and not captured and choice is None:
        return existing_column(existing[0].column.name, relation)
    if without_key(relation) and (existing or captured):
        reason = f"{relation.name} has no key to remember rows by, and other sessions move them"
        return unfit(reason, "give the table a primary key", relation, context)
    return None


def _work(
    command: Update,
    values: tuple[Value, ...],
    relation: Relation,
    context: Context,
    *,
    captured: bool,
) -> Backfill:
    target = Target(
        relation=relation,
        server=context.facts.server_version,
        alias=command.alias,
        only=command.only,
        where=None if command.where is None else ddl.verbatim(command.where),
        existing=any(value.added is None for value in values),
    )
    fillings = tuple(filling(value) for value in values)
    if captured:
        return once_only_backfill(target, fillings, captured=_list_name(context))
    return idempotent_backfill(target, fillings)


def _list_name(context: Context) -> QualifiedName:
    name = truncate(f"captured_{context.migration.version}_{context.index}")
    return QualifiedName(context.policy.journal_schema, name)


def _walk_step(work: Backfill, values: tuple[Value, ...], context: Context, *, captured: bool) -> Step:
    columns = ", ".join(value.column.name for value in values)
    how = "each captured row once" if captured else "in batches"
    return backfill(context, f"UPDATE {columns} of {work.table} {how}", work, recipe="R23")


def _hazards(values: tuple[Value, ...], relation: Relation, context: Context) -> tuple[Hazard, ...]:
    rows = rows_at_most(relation, context.facts)
    size = "every row" if rows is None else f"up to {rows:,} rows"
    message = f"one transaction locks and writes {size} of {relation.name}, and vacuum waits for its end"
    instead = "the table is walked in small transactions that can be stopped and resumed"
    found = [answered(HazardKind.WHOLE_TABLE_UPDATE, message, instead, relation.name, "catalogue 182, R23")]
    casts = sorted({cast for value in values for cast in value.reading.casts})
    if casts:
        text = f"the cast to {casts[0]} may fail for some row: the backfill stops there and names the error"
        found.append(
            warning(
                HazardKind.CAST_MAY_FAIL,
                text,
                "mend such rows, or write a WHERE that leaves them out",
                relation.name,
            )
        )
    if avoids_collation(relation):
        text = (
            f"the collation of the key of {relation.name} has another version than its index was built with"
        )
        instead = (
            "REINDEX it and ALTER COLLATION … REFRESH VERSION; until then the table is walked another way"
        )
        found.append(warning(HazardKind.COLLATION_VERSION_MISMATCH, text, instead, relation.name))
    return tuple(found)


def _one_row(command: Update, relation: Relation) -> bool:
    reference = command.alias or relation.name.name
    return command.where is not None and by_unique_key(command.where.text, relation, reference)


def _unchanged(outcome: Outcome, context: Context) -> Outcome:
    step = as_written(
        context,
        f"UPDATE {outcome.touches[0]}",
        outcome.effect,
        undo_note="the old values are not kept",
    )
    return replace(outcome, steps=(step,), as_written=True)


def _approvable(outcome: Outcome, hazards: tuple[Hazard, ...], context: Context) -> Outcome:
    """As written in one transaction, for the case that somebody approves it."""
    title = f"UPDATE {outcome.touches[0]} in one transaction"
    step = as_written_at_length(context, title, outcome.effect, Phase.BACKFILL, "the old values are not kept")
    steps = (step,) if all(hazard.approvable for hazard in hazards) else ()
    return replace(outcome, hazards=hazards, steps=steps, as_written=bool(steps))


UPDATE = FormOperation(name=NAME, form=Update, outcome=_plan)
