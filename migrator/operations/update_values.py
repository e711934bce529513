"""Which of the kinds of walk an UPDATE is: the decision, apart from the statement's other hazards.

| value | column | walk | |---|---|---| | constant, or from columns of the row that are not assigned |
added in this file | unfilled rows, fill trigger | | the same | existing | every row whose value differs,
once; fill trigger with `keep-filled` | | stable, without columns | any | the same, evaluated once | |
volatile, or DEFAULT | added in this file, or WHERE column IS NULL | unfilled rows | | volatile, or
reading what it assigns | existing | once-only, by a captured list of keys |
"""

import re

import msgspec

from migrator.operations import expressions
from migrator.operations.base import Context
from migrator.operations.conditions import requires_null
from migrator.operations.update_reading import Evaluation, Reading, Row, Unfit, is_constant, read
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_backfill import DEFAULT, NULL, Filling
from migrator.postgres.facts import Column, Relation
from migrator.sql.syntax import (
    AddColumn,
    AlterTable,
    Assignment,
    DefaultConstraint,
    IdentityConstraint,
    Update,
)

_NOTHING = Reading(
    evaluation=Evaluation.VOLATILE, columns=frozenset(), functions=frozenset(), casts=frozenset()
)
"""What is known of DEFAULT."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One assignment, judged."""

    column: Column
    assignment: Assignment
    reading: Reading
    added: AddColumn | None
    """The action of this file that adds the column."""
    only_null: bool
    """WHERE lets rows through only where the column is NULL."""
    filled_before: bool
    """An earlier statement of the file fills the column."""

    @property
    def is_default(self) -> bool:
        """`column = DEFAULT`."""
        return self.assignment.value.text.strip().upper() == "DEFAULT"

    @property
    def volatile(self) -> bool:
        """It gives another value each time."""
        return self.reading.evaluation is Evaluation.VOLATILE


def judge(command: Update, relation: Relation, context: Context) -> tuple[Value, ...] | Unfit:
    """Judge every assignment and the condition."""
    where = _condition(command, relation, context)
    if isinstance(where, Unfit):
        return where
    values = []
    for assignment in command.assignments:
        value = _value(assignment, command, relation, context)
        if isinstance(value, Unfit):
            return value
        values.append(value)
    return _unfit_together(tuple(values), where, command, relation) or tuple(values)


def once_only(values: tuple[Value, ...]) -> bool:
    """Whether a row may be changed only once."""
    assigned = {value.column.name for value in values}
    return any(
        value.reading.columns & assigned or (value.volatile and value.added is None and not value.only_null)
        for value in values
    )


def filling(value: Value) -> Filling:
    """Return what the walk does with the column."""
    return Filling(
        column=value.column.name,
        type=value.column.type,
        value=DEFAULT if value.is_default else ddl.verbatim(value.assignment.value),
        volatile=value.volatile,
        once=value.reading.evaluation is Evaluation.ONCE,
        unfilled=_unfilled(value),
    )


def _unfilled(value: Value) -> Sql | None:
    """What a row holds that nobody has filled: NULL, or the constant default that the column came with."""
    if value.only_null or value.is_default:
        return NULL
    if value.added is None:
        return None
    default = added_default(value.added)
    if default is None or expressions.is_null(default.expression):
        return NULL
    return ddl.verbatim(default.expression) if is_constant(default.expression.text) else _fallback(value)


def _fallback(value: Value) -> Sql | None:
    """A default that is not constant: rows that have it are not told from rows that were written."""
    return NULL if value.volatile else None


def _has_values(action: AddColumn | None) -> bool:
    """Whether a default that is not constant has given every row a value that nobody can tell from others."""
    default = None if action is None else added_default(action)
    if default is None or expressions.is_null(default.expression):
        return False
    return not is_constant(default.expression.text)


def added_default(action: AddColumn) -> DefaultConstraint | None:
    """Return the default that a column is added with."""
    return next((c for c in action.column.constraints if isinstance(c, DefaultConstraint)), None)


def _condition(command: Update, relation: Relation, context: Context) -> Reading | Unfit:
    if command.where is None:
        return Reading(
            evaluation=Evaluation.EACH_ROW, columns=frozenset(), functions=frozenset(), casts=frozenset()
        )
    found = read(command.where.text, Row(relation=relation, alias=command.alias), context)
    if isinstance(found, Reading) and found.evaluation is Evaluation.VOLATILE:
        return Unfit(reason=f"WHERE {command.where.text} is volatile: it chooses other rows each time")
    return found


def _value(assignment: Assignment, command: Update, relation: Relation, context: Context) -> Value | Unfit:
    column = relation.column(assignment.column)
    if column is None:
        return Unfit(reason=f"{relation.name} has no column {assignment.column}")
    row = Row(relation=relation, alias=command.alias)
    is_default = assignment.value.text.strip().upper() == "DEFAULT"
    reading = _NOTHING if is_default else read(assignment.value.text, row, context)
    if isinstance(reading, Unfit):
        return reading
    reference = command.alias or relation.name.name
    added = added_by_file(column.name, relation, context)
    untold = reading.evaluation is Evaluation.VOLATILE and not is_default and _has_values(added)
    return Value(
        column=column,
        assignment=assignment,
        reading=reading,
        added=added,
        only_null=command.where is not None and requires_null(command.where.text, column.name, reference),
        filled_before=untold or _filled_before(column.name, relation, context),
    )


def _unfit_together(
    values: tuple[Value, ...], where: Reading, command: Update, relation: Relation
) -> Unfit | None:
    for value in values:
        name = value.column.name
        if value.column.generated:
            return Unfit(
                reason=f"{name} is a generated column", advice="change the columns that it comes from"
            )
        if value.filled_before and not value.only_null:
            return Unfit(
                reason=f"an earlier statement of the file fills {name} already",
                advice=f"merge both into one UPDATE with CASE, or add WHERE {name} IS NULL to this one",
            )
        read_columns = [relation.column(each) for each in value.reading.columns | where.columns]
        generated = [column.name for column in read_columns if column is not None and column.generated]
        if generated and not once_only(values):
            return Unfit(
                reason=f"{generated[0]} is generated, which a fill trigger does not see yet",
                advice="write the expression that generates it",
            )
        if names_schema(f"{value.assignment.value.text} {command.where or ''}", relation):
            return Unfit(reason="a column is written with its schema", advice="write table.column or column")
    return None


def names_schema(text: str, relation: Relation) -> bool:
    """Whether `schema.table.` stands in the text: a fill trigger has no table of that name to look at."""
    schema, name = re.escape(relation.name.schema or ""), re.escape(relation.name.name)
    return bool(re.search(rf'\b{schema}"?\s*\.\s*"?{name}"?\s*\.', text, re.IGNORECASE))


def added_by_file(column: str, relation: Relation, context: Context) -> AddColumn | None:
    """Return the earlier action of the file that adds the column."""
    for statement in context.migration.statements[: context.index - 1]:
        command = statement.command
        if not isinstance(command, AlterTable) or context.resolve(command.name) != relation.name:
            continue
        for action in command.actions:
            if isinstance(action, AddColumn) and action.column.name == column and not _numbered(action):
                return action
    return None


def _numbered(action: AddColumn) -> bool:
    """Serial or identity: every row has a number by now, so none tells that it needs work."""
    identity = any(isinstance(constraint, IdentityConstraint) for constraint in action.column.constraints)
    return identity or action.column.type.serial


def _filled_before(column: str, relation: Relation, context: Context) -> bool:
    """Whether an earlier UPDATE of the file assigns the column."""
    return any(
        isinstance(statement.command, Update)
        and context.resolve(statement.command.table) == relation.name
        and any(assignment.column == column for assignment in statement.command.assignments)
        for statement in context.migration.statements[: context.index - 1]
    )
