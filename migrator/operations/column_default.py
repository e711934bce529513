"""ALTER COLUMN … SET DEFAULT, DROP DEFAULT, DROP NOT NULL.

What it does
    Changes the catalog; rows that exist keep what they have.

Why it is dangerous
    ACCESS EXCLUSIVE for a moment: waiting for it blocks everybody who comes later (catalogue 34, 46). Where
    a column is NOT NULL, inserts of running code that rely on its default fail once that is gone; code that
    does not know the column, because the same file adds it, certainly does.

What is done instead
    The action runs as written, its lock taken within the lock budget. DROP DEFAULT of a NOT NULL column that
    the file itself adds waits for the contract phase. Together with ADD IDENTITY, DROP DEFAULT goes into the
    transaction that adds the identity.

Source
    Catalogue 34, 46, appendix A 2 and 8; manual, ALTER TABLE, "SET/DROP DEFAULT", "SET/DROP NOT NULL".
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.add_identity import gives_identity
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import answered, warning, wrong
from migrator.operations.liveness import in_use
from migrator.operations.not_null_sequence import NotNullTarget, not_validated
from migrator.operations.steps import as_written, effect_on
from migrator.operations.target import missing_columns, relation_of, table_of
from migrator.plan import ddl
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Column, Facts, Relation
from migrator.sql.syntax import AddColumn, AlterTable, DropDefault, DropNotNull, SetDefault

_NOTE = "the default that the column had is not known here"


def _quick(operation: str, title: str, facts: Facts, column: str, context: Context) -> Outcome:
    table = table_of(context)
    effect = effect_on(context, table)
    outcome = Outcome(
        operation=operation,
        effect=effect,
        facts=facts,
        touches=(table,),
        as_written=True,
    )
    missing = missing_columns(relation_of(context), (column,), context)
    if missing:
        return replace(outcome, hazards=missing)
    return replace(outcome, steps=(as_written(context, f"{title} of {column} of {table}", effect),))


def _known(column: str, context: Context) -> Column | None:
    relation = relation_of(context)
    return None if relation is None else relation.column(column)


def _set_default(action: SetDefault, context: Context) -> Outcome:
    known, table = _known(action.column, context), table_of(context)
    facts = folding.changed_column(context.facts, table, action.column, default=action.expression.text)
    outcome = _quick("set-default", "SET DEFAULT", facts, action.column, context)
    refused = _has_none(known, context)
    if refused:
        return replace(outcome, hazards=refused, steps=())
    bare = known is not None and known.default is None and context.facts.complete
    undo = (ddl.alter_table(table, ddl.drop_default(action.column)),) if bare else ()
    return replace(outcome, steps=tuple(_undone(step, undo) for step in outcome.steps))


def _undone(step: Step, undo: tuple[str, ...]) -> Step:
    return changed(step, undo=undo, undo_note=None if undo else _NOTE)


def _has_none(known: Column | None, context: Context) -> tuple[Hazard, ...]:
    """An identity column, or a generated one, cannot have a default."""
    if known is None or not (known.identity or known.generated):
        return ()
    what = "an identity column" if known.identity else "a generated column"
    drop = "IDENTITY" if known.identity else "EXPRESSION"
    message = f"{known.name} of {table_of(context)} is {what}: the server refuses to change its default"
    return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, f"DROP {drop} first", table_of(context)),)


def _drop_default(action: DropDefault, context: Context) -> Outcome:
    known, table = _known(action.column, context), table_of(context)
    facts = folding.changed_column(context.facts, table, action.column, default=None)
    outcome = _quick("drop-default", "DROP DEFAULT", facts, action.column, context)
    refused = _has_none(known, context)
    if refused:
        return replace(outcome, hazards=refused, steps=())
    if gives_identity(action.column, context) and in_use(relation_of(context), context):
        note = "the default goes in the transaction that adds the identity"
        return replace(outcome, steps=(), as_written=False, note=note)
    outcome = replace(outcome, steps=tuple(_undone(step, ()) for step in outcome.steps))
    return _relied_upon(action, outcome, known, context)


def _relied_upon(action: DropDefault, outcome: Outcome, known: Column | None, context: Context) -> Outcome:
    """Say who relies on the default of a NOT NULL column."""
    relied = known is None or (known.not_null and known.default is not None)
    if not relied or not in_use(relation_of(context), context):
        return outcome
    table, column = table_of(context), action.column
    if known is not None and _added_by_file(column, context):
        message = (
            f"code that runs now does not know {column} of {table}: without the default its inserts fail"
        )
        instead = "the default stays until contract, when code that writes the column is deployed"
        kind, row = HazardKind.NOT_NULL_WITHOUT_DEFAULT, "catalogue 34, appendix A 2"
        steps = tuple(changed(step, phase=Phase.CONTRACT) for step in outcome.steps)
        return replace(outcome, steps=steps, hazards=(answered(kind, message, instead, table, row),))
    if known is None:
        return outcome
    message = f"an INSERT that leaves out {column} of {table} fails from now on: it is NOT NULL"
    instead = "make sure that the running application writes it in every INSERT"
    found = warning(HazardKind.MAY_BREAK_WRITERS, message, instead, table, "catalogue 34, appendix A 8")
    return replace(outcome, hazards=(found,))


def _added_by_file(column: str, context: Context) -> bool:
    """Whether an earlier statement of the file, or this one, adds the column."""
    table = table_of(context)
    return any(
        isinstance(action, AddColumn) and action.column.name == column
        for statement in context.migration.statements[: context.index]
        if isinstance(statement.command, AlterTable) and context.resolve(statement.command.name) == table
        for action in statement.command.actions
    )


def _drop_not_null(action: DropNotNull, context: Context) -> Outcome:
    known, table, relation = _known(action.column, context), table_of(context), relation_of(context)
    facts = folding.without_not_null(context.facts, table, action.column)
    outcome = _quick("drop-not-null", "DROP NOT NULL", facts, action.column, context)
    refused = _must_stay(action.column, relation)
    if refused:
        return replace(outcome, hazards=refused, steps=())
    if known is not None and not known.not_null and context.facts.complete:
        pending = not_validated(NotNullTarget(table=table, column=action.column), context)
        if pending is None:
            return replace(outcome, note=f"{action.column} of {table} accepts NULL already")
    back = ddl.alter_table(table, ddl.set_not_null(action.column))
    note = "SET NOT NULL reads the whole table, and fails once there is a NULL"
    steps = tuple(changed(step, undo=(back,), undo_note=note) for step in outcome.steps)
    return replace(outcome, steps=steps)


def _must_stay(column: str, relation: Relation | None) -> tuple[Hazard, ...]:
    """What keeps the server from dropping NOT NULL."""
    reason = None if relation is None else not_null_needed_by(column, relation)
    if relation is None or reason is None:
        return ()
    message = f"{column} of {relation.name} {reason}: the server refuses to drop its NOT NULL"
    instead = "drop that first"
    return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, instead, relation.name, "catalogue 46"),)


def not_null_needed_by(column: str, relation: Relation) -> str | None:
    """Return why a column has to stay NOT NULL; None where it has not."""
    known = relation.column(column)
    if column in relation.primary_key:
        return "is in the primary key"
    if known is not None and known.identity:
        return "is an identity column"
    if any(index.replica_identity and column in index.keys for index in relation.indexes):
        return "is in the index of the replica identity"
    return None


SET_DEFAULT = FormOperation(name="set-default", form=SetDefault, outcome=_set_default)
DROP_DEFAULT = FormOperation(name="drop-default", form=DropDefault, outcome=_drop_default)
DROP_NOT_NULL = FormOperation(name="drop-not-null", form=DropNotNull, outcome=_drop_not_null)
