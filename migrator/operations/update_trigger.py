"""Which fill triggers the walk of an UPDATE needs: one for each column that has to stay filled."""

from msgspec.structs import replace

from migrator.operations.base import Context
from migrator.operations.fill_trigger import settings_for
from migrator.operations.update_reading import Reading, Row, is_constant, read
from migrator.operations.update_values import Value, added_default, filling
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_backfill import NULL
from migrator.plan.ddl_fill_trigger import FillTrigger
from migrator.postgres.facts import Relation
from migrator.sql.migration import BackfillChoice
from migrator.sql.syntax import Update


def triggers_for(
    command: Update,
    values: tuple[Value, ...],
    relation: Relation,
    choice: BackfillChoice | None,
    context: Context,
    *,
    captured: bool,
) -> tuple[FillTrigger, ...]:
    """Return the triggers: for columns of this file, and with `keep-filled` for all; none for DEFAULT."""
    keep = choice is not None and choice.keep_filled
    wanted = [value for value in values if (value.added is not None or keep) and not value.is_default]
    return () if captured else tuple(_trigger(command, value, relation, context) for value in wanted)


def _trigger(command: Update, value: Value, relation: Relation, context: Context) -> FillTrigger:
    name = value.column.name
    earlier = sum(trigger.fills == (name,) for trigger in relation.triggers)
    return FillTrigger(
        table=relation.name,
        column=name,
        type=value.column.type,
        value=ddl.verbatim(value.assignment.value),
        alias=command.alias,
        volatile=value.volatile,
        where=None if command.where is None else ddl.verbatim(command.where),
        unfilled=_defaults(value),
        settings=settings_for(_with_condition(value.reading, command, relation, context), relation, context),
        number=earlier + 1,
    )


def _with_condition(reading: Reading, command: Update, relation: Relation, context: Context) -> Reading:
    """What the function needs besides the value: all that its condition reads and calls."""
    if command.where is None:
        return reading
    where = read(command.where.text, Row(relation=relation, alias=command.alias), context)
    if not isinstance(where, Reading):
        return reading
    return replace(
        reading,
        columns=reading.columns | where.columns,
        functions=reading.functions | where.functions,
        casts=reading.casts | where.casts,
    )


def _defaults(value: Value) -> tuple[Sql, ...]:
    """What a new row has that was not given a value, besides NULL: the column's constant default."""
    if value.added is None:
        return ()
    default = added_default(value.added)
    if default is None or not is_constant(default.expression.text):
        return ()
    unfilled = filling(value).unfilled
    return () if unfilled in {None, NULL} else (ddl.verbatim(default.expression),)
