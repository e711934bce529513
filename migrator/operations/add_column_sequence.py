"""The safe sequence of ADD COLUMN: the column alone, then each part of its definition in its own safe way.

It may assume that the table is large and in use, and that `column_refusals` has nothing to say.
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import (
    add_check,
    add_foreign_key,
    folding,
    not_null_sequence,
    numbered_column,
)
from migrator.operations.base import Context, Outcome
from migrator.operations.column_definition import Parts, column_facts, dropped_before
from migrator.operations.hazards import answered, needs_approval
from migrator.operations.not_null_sequence import NotNullTarget
from migrator.operations.numbered_column import Numbering
from migrator.operations.steps import backfill, effect_on, transaction
from migrator.operations.target import table_of
from migrator.operations.types import format_type
from migrator.operations.unique_sequence import unique_steps
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_backfill import default_backfill
from migrator.plan.ddl_sequence import add_integer_column, integer_type
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Step
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import AddColumn

_OF_REPEATED_VALUES = frozenset({HazardKind.MAY_FAIL_ON_DATA, HazardKind.MAY_BREAK_WRITERS})
"""What is said of a unique index, and is no danger where no value of the new column is given twice.

In every row of code that does not know the column it is NULL, or a number of its own.
"""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence in the making: the context as the next part sees it."""

    context: Context
    steps: tuple[Step, ...] = ()
    hazards: tuple[Hazard, ...] = ()

    def then(self, steps: tuple[Step, ...], facts: Facts, hazards: tuple[Hazard, ...] = ()) -> "Draft":
        """Return the draft with more steps, and facts folded over them."""
        return Draft(
            context=replace(self.context, facts=facts),
            steps=(*self.steps, *steps),
            hazards=(*self.hazards, *hazards),
        )


def safe_sequence(action: AddColumn, parts: Parts, effect: Effect, context: Context) -> Outcome:
    """Return the whole sequence."""
    draft = _base(action, parts, Draft(context=context))
    draft = _default(parts, draft)
    for add in (_not_null, _identity, _checks, _uniques, _foreign_keys):
        draft = add(parts, draft)
    table = table_of(context)
    partners = tuple(context.resolve(key.references) for key in parts.foreign_keys)
    return Outcome(
        operation="add-column",
        effect=effect,
        hazards=draft.hazards,
        steps=draft.steps,
        facts=draft.context.facts,
        touches=(table, *partners, *_sequences(parts, context)),
    )


def _sequences(parts: Parts, context: Context) -> tuple[QualifiedName, ...]:
    """The sequences that the plan makes: nobody else may have made one of that name meanwhile."""
    if not parts.numbered:
        return ()
    numbers = _numbers(parts, context)
    return tuple(dict.fromkeys((numbers.first, numbers.sequence)))


def _base(action: AddColumn, parts: Parts, draft: Draft) -> Draft:
    """The column with everything that is instant; a volatile default is set for new rows only."""
    context, column = draft.context, parts.definition
    table = table_of(context)
    step = transaction(
        context,
        f"ADD COLUMN {column.name} to {table}",
        _first_statements(action, parts, context),
        effect_on(context, table),
        recipe="R2" if parts.numbered else "R1" if parts.volatile else None,
        undo=(ddl.alter_table(table, ddl.drop_column(column.name)),),
        undo_note="what was written to the column is lost",
        commutes=not dropped_before(column.name, context),
    )
    bare = not _not_null_at_once(parts)
    return draft.then((step,), folding.with_column(context.facts, table, column_facts(parts, bare=bare)))


def _first_statements(action: AddColumn, parts: Parts, context: Context) -> tuple[Sql, ...]:
    """The column, and where its new rows get their values from."""
    column, table = parts.definition, context.named(table_of(context))
    if column.type.serial:
        integer = integer_type(format_type(column.type))
        add = add_integer_column(column.name, integer, if_not_exists=action.if_not_exists)
    else:
        add = ddl.add_column(column.head, *_instant(parts), if_not_exists=action.if_not_exists)
    added = ddl.alter_table(table, add)
    if parts.numbered:
        before, after = numbered_column.beginning(_numbers(parts, context), context)
        return (*before, added, *after)
    if parts.default is not None and parts.volatile:
        return (added, ddl.alter_table(table, ddl.set_default(column.name, parts.default.expression)))
    return (added,)


def _numbers(parts: Parts, context: Context) -> Numbering:
    return numbered_column.numbering_of(parts, table_of(context), context)


def _instant(parts: Parts) -> list[ddl.Sql]:
    """The clauses that need neither a scan nor a rewrite."""
    clauses = []
    if parts.default is not None and not parts.volatile:
        clauses.append(ddl.default(parts.default.expression))
    if parts.not_null is not None and _not_null_at_once(parts):
        clauses.append(ddl.named(parts.not_null.name, ddl.verbatim(parts.not_null.text)))
    if parts.generated is not None:
        clauses.append(ddl.verbatim(parts.generated.text))
    return clauses


def _not_null_at_once(parts: Parts) -> bool:
    """Whether NOT NULL comes with the column: its default is one value for all rows."""
    return parts.not_null is not None and parts.default is not None and not parts.volatile


def _default(parts: Parts, draft: Draft) -> Draft:
    """R1: rows that exist get their values in batches."""
    context, column = draft.context, column_facts(parts)
    if not parts.volatile and not parts.numbered:
        return draft
    table = table_of(context)
    relation = context.facts.relation(table) or Relation(name=table, columns=(column,))
    work = default_backfill(relation, column.name, column.type, server=context.facts.server_version)
    title = f"fill {column.name} of {table} with its default"
    step = backfill(context, title, work, recipe="R2" if parts.numbered else "R1")
    return draft.then((step,), context.facts, (_rewrite(parts, table),))


def _rewrite(parts: Parts, table: QualifiedName) -> Hazard:
    instead = "new rows get the default at once, rows that exist are filled in batches"
    cause, row = "a volatile default", "5, R1"
    if parts.numbered:
        cause, row = f"{'an identity' if parts.identity else 'a serial'} column", "7, 8, R2"
    message = f"{cause} writes all of {table} anew under ACCESS EXCLUSIVE"
    return answered(HazardKind.TABLE_REWRITE, message, instead, table, f"catalogue {row}")


def _identity(parts: Parts, draft: Draft) -> Draft:
    """R2: what draws from a helper becomes identity; a serial column has its sequence already."""
    if not parts.numbered:
        return draft
    numbers = _numbers(parts, draft.context)
    facts = numbered_column.with_sequence(numbers, draft.context.facts)
    if parts.identity is None:
        return draft.then((), facts)
    return draft.then((numbered_column.into_identity(numbers, draft.context),), facts)


def _not_null(parts: Parts, draft: Draft) -> Draft:
    if (parts.not_null is None and not parts.numbered) or _not_null_at_once(parts):
        return draft
    target = NotNullTarget(
        table=table_of(draft.context),
        column=parts.definition.name,
        name=None if parts.not_null is None else parts.not_null.name,
        filled=True,
    )
    found = not_null_sequence.hazards(target, draft.context)
    steps, facts = not_null_sequence.steps_and_facts(target, draft.context)
    return draft.then(steps, facts, tuple(h for h in found if h.kind is HazardKind.SCAN_UNDER_LOCK))


def _checks(parts: Parts, draft: Draft) -> Draft:
    for constraint in parts.checks:
        check = add_check.named_check(constraint, table_of(draft.context), draft.context)
        if check is None:
            return draft.then((), draft.context.facts, (_nameless(draft.context),))
        steps, facts = add_check.steps_and_facts(check, draft.context)
        found = [h for h in add_check.hazards(check, draft.context) if h.kind is HazardKind.SCAN_UNDER_LOCK]
        draft = draft.then(steps, facts, tuple(found))
    return draft


def _nameless(context: Context) -> Hazard:
    message = "which name the server gives the CHECK cannot be told from its expression"
    instead = "give the constraint a name: CONSTRAINT name CHECK (…)"
    return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, table_of(context), "R6")


def _foreign_keys(parts: Parts, draft: Draft) -> Draft:
    for constraint in parts.foreign_keys:
        table = table_of(draft.context)
        key = add_foreign_key.column_foreign_key(constraint, table, parts.definition.name, draft.context)
        found = (*add_foreign_key.hazards(key), *add_foreign_key.findings(key, draft.context))
        steps, facts = add_foreign_key.steps_and_facts(key, draft.context)
        draft = draft.then(steps, facts, found)
    return draft


def _uniques(parts: Parts, draft: Draft) -> Draft:
    for constraint in parts.uniques:
        steps, facts, found = unique_steps(
            draft.context, table_of(draft.context), (parts.definition.name,), constraint
        )
        distinct = parts.numbered or not parts.supplies_value
        told = tuple(h for h in found if not (distinct and h.kind in _OF_REPEATED_VALUES))
        draft = draft.then(steps, facts, told)
    return draft
