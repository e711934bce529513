"""ALTER COLUMN … ADD GENERATED … AS IDENTITY.

What it does
    Lets an existing column draw its values from a sequence of its own.

Why it is dangerous
    The catalog alone changes, under ACCESS EXCLUSIVE (catalogue 48); but the new sequence begins at 1,
    whatever numbers are taken: inserts of running code fail with duplicates, or repeat numbers where
    nothing is unique. The sequence of a serial column stays beside it, and pg_get_serial_sequence() and
    RESTART may mean the old one (R2). With ALWAYS, inserts that give a number of their own fail.

What is done instead
    In the same transaction the sequence is moved behind the largest number, which the column's index tells
    at once, and behind the sequence that the column had. DROP DEFAULT of the same statement goes with it, so
    that no insert is without a number in between. The sequence of a serial column has to be detached first.

Source
    Catalogue 48, R2; manual, ALTER TABLE, "ADD GENERATED".
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import answered, needs_approval, warning, wrong
from migrator.operations.liveness import empty, endangered, in_use
from migrator.operations.numbered_column import named_sequence, owned_sequence, owning
from migrator.operations.steps import approved_timeouts, as_written, effect_on, transaction
from migrator.operations.target import extension_owned, missing_columns, relation_of, table_of
from migrator.plan import ddl
from migrator.plan import ddl_sequence as sql
from migrator.plan.ddl import Sql
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Column, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import AddIdentity, DropDefault

NAME = "add-identity"


def _plan(action: AddIdentity, context: Context) -> Outcome:
    table, relation = table_of(context), relation_of(context)
    sequence = named_sequence(action.options, table, action.column, context)
    outcome = Outcome(
        operation=NAME,
        effect=_effect(table, context),
        facts=_after(action, sequence, context),
        touches=(table, sequence),
    )
    refused = _refused(action, relation, context)
    if refused:
        return replace(outcome, hazards=refused)
    if not in_use(relation, context) or (relation is not None and empty(relation, context.facts)):
        step = as_written(context, _title(action, table), outcome.effect, undo=_undo(action, table))
        return replace(outcome, steps=(step,), as_written=True)
    hazards = (
        _taken(action, table),
        *_old_sequence(action, context),
        *_scan(action, relation, context),
        *_writers(action, relation, context),
        *extension_owned(relation),
    )
    return replace(outcome, hazards=hazards, steps=(_step(action, sequence, hazards, context),))


def _effect(table: QualifiedName, context: Context) -> Effect:
    """Return the lock; partitions are locked since they are numbered too (measured on 13 to 18)."""
    if context.facts.server_version.identity_of_partitions:
        return effect_on(context, table)
    return Effect(locks=(RelationLock(table, LockMode.ACCESS_EXCLUSIVE),))


def _title(action: AddIdentity, table: QualifiedName) -> str:
    return f"ADD IDENTITY to {action.column} of {table}"


def _undo(action: AddIdentity, table: QualifiedName) -> tuple[Sql, ...]:
    return (ddl.alter_table(table, sql.drop_identity(action.column)),)


def _step(
    action: AddIdentity, sequence: QualifiedName, hazards: tuple[Hazard, ...], context: Context
) -> Step:
    """Identity, and its sequence moved on, before anybody can insert."""
    table, old = context.named(table_of(context)), owned_sequence(table_of(context), action.column, context)
    options = tuple(option.text for option in action.options if option.kind != "sequence")
    add = sql.add_identity(action.column, sequence, always=action.always, options=options)
    first = (ddl.drop_default(action.column),) if drops_default(action.column, context) else ()
    moves: tuple[Sql, ...] = (sql.beyond_largest(sequence, table, action.column),)
    moves = moves if old is None else (*moves, sql.beyond(sequence, old))
    statements = (
        *(ddl.alter_table(table, each) for each in (*first, add)),
        *(() if _descends(action) else moves),
    )
    breaks = any(hazard.kind is HazardKind.BREAKS_RUNNING_CODE for hazard in hazards)
    made = transaction(
        context,
        f"{_title(action, table)}, beyond the numbers that are taken",
        statements,
        _effect(table, context),
        phase=Phase.CONTRACT if breaks else Phase.EXPAND,
        recipe="R2",
        undo=_undo(action, table),
    )
    made = changed(made, undo_note="the default that the column had is not known here") if first else made
    scans = any(hazard.kind is HazardKind.SCAN_UNDER_LOCK for hazard in hazards)
    return changed(made, timeouts=approved_timeouts(context)) if scans else made


def drops_default(column: str, context: Context) -> bool:
    """Whether the statement drops the column's default as well."""
    actions = () if context.alter is None else context.alter.actions
    return any(isinstance(each, DropDefault) and each.column == column for each in actions)


def gives_identity(column: str, context: Context) -> bool:
    """Whether the statement makes the column an identity column."""
    actions = () if context.alter is None else context.alter.actions
    return any(isinstance(each, AddIdentity) and each.column == column for each in actions)


# --- hazards


def _refused(action: AddIdentity, relation: Relation | None, context: Context) -> tuple[Hazard, ...]:
    """What the server does not take."""
    missing = missing_columns(relation, (action.column,), context)
    column = None if relation is None else relation.column(action.column)
    if missing or column is None or relation is None:
        return missing
    reason = _reason(column)
    if reason is None:
        return ()
    message, instead = reason
    text = f"{action.column} of {relation.name} {message}: the server refuses to make it an identity column"
    return (wrong(HazardKind.NO_SAFE_SEQUENCE, text, instead, relation.name, "catalogue 48"),)


def _reason(column: Column) -> tuple[str, str] | None:
    if column.identity:
        return "is one already", "remove the statement"
    if column.generated:
        return "is generated", "drop its expression first"
    if column.default is not None:
        return "has a default", f"write ALTER COLUMN {column.name} DROP DEFAULT in the same statement"
    if column.type not in sql.INTEGERS:
        return f"is of type {column.type}", "use smallint, integer or bigint"
    if not column.not_null:
        return "accepts NULL", "SET NOT NULL in a statement before this one"
    return None


def _taken(action: AddIdentity, table: QualifiedName) -> Hazard:
    message = f"the new sequence of {action.column} begins at its start value, whatever numbers {table} has"
    if _descends(action):
        instead = "write START WITH a number below all that are taken, then approve this"
        return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, table, "catalogue 48")
    instead = "in the same transaction it is moved behind the largest number that is taken"
    return answered(HazardKind.MAY_BREAK_WRITERS, message, instead, table, "catalogue 48")


def _descends(action: AddIdentity) -> bool:
    return any(option.kind == "increment" and "-" in option.text.text for option in action.options)


def _old_sequence(action: AddIdentity, context: Context) -> tuple[Hazard, ...]:
    """A sequence that belongs to the column already, from serial or OWNED BY."""
    table = table_of(context)
    old = owned_sequence(table, action.column, context)
    if old is None:
        return ()
    message = (
        f"{old} belongs to {action.column} of {table} already: with two sequences, "
        "pg_get_serial_sequence() and RESTART may mean the old one"
    )
    instead = f"write ALTER SEQUENCE {old} OWNED BY NONE before this statement, and drop it after"
    return (needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, table, "R2"),)


def _scan(action: AddIdentity, relation: Relation | None, context: Context) -> tuple[Hazard, ...]:
    if not endangered(relation, context) or _indexed(action.column, relation):
        return ()
    table = table_of(context)
    message = f"no index tells the largest {action.column}: all of {table} is read under ACCESS EXCLUSIVE"
    instead = f"build an index on {action.column} first"
    return (needs_approval(HazardKind.SCAN_UNDER_LOCK, message, instead, table, "catalogue 48"),)


def _indexed(column: str, relation: Relation | None) -> bool:
    indexes = () if relation is None else relation.indexes
    return any(
        index.valid and index.method == "btree" and index.predicate is None and index.keys[:1] == (column,)
        for index in indexes
    )


def _writers(action: AddIdentity, relation: Relation | None, context: Context) -> tuple[Hazard, ...]:
    """GENERATED ALWAYS: inserts with a number of their own fail; without a default, all of them have one."""
    if not action.always:
        return ()
    table = table_of(context)
    message = f"an INSERT that gives {action.column} of {table} a value of its own fails from now on"
    instead = "use GENERATED BY DEFAULT, and SET GENERATED ALWAYS when no running code gives a value"
    numbered = drops_default(action.column, context)
    if numbered or relation is None:
        return (warning(HazardKind.MAY_BREAK_WRITERS, message, instead, table),)
    message = f"{message}; the column has no default, so every running INSERT does"
    return (needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, table),)


def _after(action: AddIdentity, sequence: QualifiedName, context: Context) -> Facts:
    table, kind = table_of(context), "a" if action.always else "d"
    facts = folding.changed_column(context.facts, table, action.column, identity=kind)
    return owning(facts, sequence, table, action.column)


ADD_IDENTITY = FormOperation(name=NAME, form=AddIdentity, outcome=_plan)
