"""ADD COLUMN.

What it does
    Adds a column, with whatever its definition says of it.

Why it is dangerous
    A nullable column and one with a constant (or stable) default are instant (catalogue 1 to 4). A volatile
    default, serial, identity, a stored generated column and a domain with a constraint write the whole
    table anew under ACCESS EXCLUSIVE (5 to 9, 17). Inline CHECK, UNIQUE, PRIMARY KEY, and REFERENCES beside
    a default read it or build an index under that lock (13 to 16). NOT NULL without a default fails if
    there are rows (12).

What is done instead
    The column is added alone, its default with it if that is instant, else set for new rows (R1) and given
    to the old ones in batches; then NOT NULL (R5), CHECK (R6), UNIQUE or PRIMARY KEY (R9, R10) and
    REFERENCES (R7) follow as if they had been written as statements of their own, under the names that the
    server would choose.

Source
    Catalogue 1 to 22, R1 to R7, R9, R10; manual, ALTER TABLE, "Notes".
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations.add_column_sequence import safe_sequence
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.column_definition import (
    Parts,
    column_facts,
    dropped_before,
    generated_users,
    parts_of,
)
from migrator.operations.column_refusals import refusals, without_equality
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import empty, endangered, in_use
from migrator.operations.names import constraint_name, not_null_name, relation_name
from migrator.operations.numbered_column import rights_wanted, with_own_sequence
from migrator.operations.steps import approved_timeouts, as_written, locks_on
from migrator.operations.target import missing_relation, relation_of, table_of
from migrator.operations.types import format_type
from migrator.plan import ddl
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Column, Constraint, ConstraintKind, Facts
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import AddColumn

NAME = "add-column"

UNDO_NOTE = "what was written to the column is lost"


def _plan(action: AddColumn, context: Context) -> Outcome:
    parts = parts_of(action.column, context)
    outcome = _decided(action, parts, context)
    return replace(outcome, hazards=(*outcome.hazards, *without_equality(parts, context)))


def _decided(action: AddColumn, parts: Parts, context: Context) -> Outcome:
    relation = relation_of(context)
    existing = None if relation is None else relation.column(action.column.name)
    effect = effect_as_written(parts, context)
    if existing is not None:
        return _exists(action, existing, context)
    if parts.not_null is not None and not parts.supplies_value and _may_have_rows(context):
        return _without_value(parts, effect, context)
    refused = refusals(parts, context) if endangered(relation, context) else ()
    if not refused and (not effect.long or not endangered(relation, context)):
        return _as_written(parts, effect, context)
    if refused:
        return _approved_only(parts, effect, refused, context)
    return safe_sequence(action, parts, effect, context)


def _planned_with_rights(action: AddColumn, context: Context) -> Outcome:
    """What the plan says, and who may not insert any more."""
    outcome, table = _plan(action, context), table_of(context)
    if not outcome.steps or any(not hazard.approvable for hazard in outcome.hazards):
        return outcome
    wanted = rights_wanted(parts_of(action.column, context), table, context)
    return replace(outcome, hazards=(*outcome.hazards, *wanted))


def effect_as_written(parts: Parts, context: Context) -> Effect:
    """Return the locks and the work of the whole definition in one statement."""
    table = table_of(context)
    partners = [context.resolve(key.references) for key in parts.foreign_keys]
    locks = locks_on(table, LockMode.ACCESS_EXCLUSIVE, context.facts)
    rewrite = parts.volatile or parts.numbered or parts.stored or parts.constrained_type
    checked = bool(parts.checks) or (parts.not_null is not None and not parts.supplies_value)
    checked = checked or (parts.virtual and parts.not_null is not None)
    checked = checked or bool(partners and parts.supplies_value)
    return Effect(
        locks=(*locks, *(RelationLock(name, LockMode.SHARE_ROW_EXCLUSIVE) for name in partners)),
        rewrites=(table,) if rewrite else (),
        scans=((table, *partners) if parts.supplies_value else (table,)) if checked else (),
        index_builds=(table,) if parts.uniques else (),
    )


def _may_have_rows(context: Context) -> bool:
    """Whether the table may have rows, as far as that is anybody's concern."""
    relation = relation_of(context)
    return in_use(relation, context) and (relation is None or not empty(relation, context.facts))


def _exists(action: AddColumn, existing: Column, context: Context) -> Outcome:
    """The column is there: nothing to do for IF NOT EXISTS if the types agree, else an error."""
    table, wanted = table_of(context), format_type(action.column.type)
    outcome = Outcome(
        operation=NAME,
        effect=Effect(locks=locks_on(table, LockMode.ACCESS_EXCLUSIVE, context.facts)),
        facts=context.facts,
        touches=(table,),
        note=f"{table} has the column {existing.name} already",
    )
    if action.if_not_exists and existing.type == wanted:
        return outcome
    message = f"{table} has a column {existing.name} already, of type {existing.type}"
    instead = f"the file means {wanted}: choose another name, or remove the statement"
    hazard = wrong(HazardKind.NAME_TAKEN, message, instead, table, "catalogue 20")
    return replace(outcome, hazards=(hazard,))


def _without_value(parts: Parts, effect: Effect, context: Context) -> Outcome:
    """NOT NULL without a default on a table that may have rows (R4)."""
    table, column = table_of(context), parts.definition.name
    message = (
        f"rows of {table} that exist have no value for {column}, so this fails; "
        "and inserts of running code, which does not know the column, would fail after it"
    )
    instead = (
        "give it a constant default in this statement; or add it nullable, fill it by UPDATE, "
        "and SET NOT NULL: the plan makes each of these safe"
    )
    kind = HazardKind.NOT_NULL_WITHOUT_DEFAULT
    hazard = needs_approval(kind, message, instead, table, "catalogue 12, R4")
    outcome = _approved_only(parts, effect, (hazard,), context)
    steps = tuple(msgspec.structs.replace(step, phase=Phase.CONTRACT) for step in outcome.steps)
    return replace(outcome, steps=steps)


def _approved_only(parts: Parts, effect: Effect, hazards: tuple[Hazard, ...], context: Context) -> Outcome:
    """As written, once a person has accepted the hazards."""
    outcome = _as_written(parts, effect, context)
    steps = tuple(msgspec.structs.replace(s, timeouts=approved_timeouts(context)) for s in outcome.steps)
    return replace(outcome, steps=steps, hazards=(*hazards, *outcome.hazards))


def _as_written(parts: Parts, effect: Effect, context: Context) -> Outcome:
    table, column = table_of(context), parts.definition.name
    partners = tuple(context.resolve(key.references) for key in parts.foreign_keys)
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=tuple(hazard for partner in partners for hazard in missing_relation(partner, context)),
        steps=(_step(parts, effect, context),),
        facts=_after(parts, context),
        touches=(table, *partners),
        as_written=True,
        note=_one_value(parts, column),
    )


def _step(parts: Parts, effect: Effect, context: Context) -> Step:
    table, column = table_of(context), parts.definition.name
    return as_written(
        context,
        f"ADD COLUMN {column} to {table}",
        effect,
        undo=(ddl.alter_table(table, ddl.drop_column(column)),),
        undo_note=UNDO_NOTE,
        commutes=not (parts.foreign_keys or parts.uniques or parts.checks or parts.generated)
        and not dropped_before(column, context),
    )


def _one_value(parts: Parts, column: str) -> str | None:
    if parts.default is None or parts.volatile or "(" not in parts.default.expression.text:
        return None
    return f"every row that exists gets one and the same {column}, computed when the step runs"


def _after(parts: Parts, context: Context) -> Facts:
    """Return the facts with the column and every constraint of its definition."""
    table, column = table_of(context), parts.definition.name
    facts = folding.with_column(with_own_sequence(parts, table, context), table, column_facts(parts))
    facts = folding.with_column_users(facts, table, generated_users(parts, table))
    if parts.not_null is not None and facts.server_version.not_null_not_valid:
        facts = folding.with_not_null(
            facts, table, column, parts.not_null.name or not_null_name(table, column, facts)
        )
    for check in parts.checks:
        name = check.name or constraint_name(table, column, "check", facts)
        made = Constraint(name=name, kind=ConstraintKind.CHECK, columns=(column,))
        facts = folding.with_constraint(facts, table, made)
    for key in parts.foreign_keys:
        made = Constraint(
            name=key.name or constraint_name(table, column, "fkey", facts),
            kind=ConstraintKind.FOREIGN_KEY,
            columns=(column,),
            references=context.resolve(key.references),
            referenced_columns=key.referenced_columns,
        )
        facts = folding.with_constraint(facts, table, made)
    return _with_unique(parts, facts, context)


def _with_unique(parts: Parts, facts: Facts, context: Context) -> Facts:
    table, column = table_of(context), parts.definition.name
    for unique in parts.uniques:
        label, addition = ("pkey", None) if unique.primary else ("key", column)
        name = unique.name or relation_name(table, addition, label, facts)
        facts = folding.with_unique(facts, table, name, (column,), primary=unique.primary)
    return facts


ADD_COLUMN = FormOperation(name=NAME, form=AddColumn, outcome=_planned_with_rights)
