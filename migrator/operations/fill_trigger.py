"""The fill trigger of an UPDATE: it keeps new and changed rows right while, and after, the walk goes on.

What it does
    A trigger BEFORE INSERT OR UPDATE computes the column where the writer gave no value: of a new row whose
    column is NULL or has its default; of a changed row whose column was not assigned and held the value of
    the old row, or none. A value that the application wrote itself stays.

Why it is dangerous
    It runs in the session of everybody who writes to the table: with their rights, at their cost.
    Creating it takes SHARE ROW EXCLUSIVE for an instant.

What is done instead
    The function is SECURITY INVOKER, its settings are those of the plan (search_path is pg_catalog alone
    where the expression needs nothing else), its name sorts last, and a value that cannot be computed is
    left unfilled with a WARNING: the write goes on. It goes in a step of the contract phase: until then the
    code that does not know the column goes on writing, whether or not the column is NOT NULL already.
    Nothing else of the file waits for that step.

Source
    Manual, CREATE TRIGGER, "Overview of Trigger Behavior"; catalogue R3, R5, appendix A 13.
"""

from msgspec.structs import replace as changed

from migrator.operations.base import Context
from migrator.operations.steps import locks_on, transaction
from migrator.operations.target import absent
from migrator.operations.update_reading import Reading
from migrator.plan.ddl_fill_trigger import FillTrigger
from migrator.plan.effect import Effect
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Facts, Relation, Trigger
from migrator.postgres.identifiers import QualifiedName, quote
from migrator.postgres.lock_modes import LockMode
from migrator.postgres.named import replace_named
from migrator.postgres.volatility import cast_volatility, volatility_of
from migrator.sql.syntax import AddConstraint, AlterTable, SetNotNull, UniqueConstraint
from migrator.sql.syntax import NotNullConstraint as NotNull

_CARRIED = (
    "timezone",
    "datestyle",
    "intervalstyle",
    "bytea_output",
    "default_text_search_config",
    "extra_float_digits",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "xmlbinary",
    "xmloption",
)
"""Settings on which the value of an expression may depend."""

_OWN_PATH = ("search_path", "pg_catalog, pg_temp")

_BUILT_IN_TYPES = (
    *("smallint", "integer", "bigint", "numeric", "real", "double precision", "money", "boolean", "uuid"),
    *("text", "character", "character varying", "bytea", "bit", "bit varying", "json", "jsonb", "xml"),
    *("date", "time", "timestamp", "interval", "inet", "cidr", "macaddr", "macaddr8", "oid", "point"),
)


def settings_for(reading: Reading, relation: Relation, context: Context) -> tuple[tuple[str, str], ...]:
    """Return the settings of the trigger function; the search_path of the plan only where it is needed."""
    given = {name.lower(): value for name, value in context.session.settings}
    path = _OWN_PATH
    if not _built_in(reading, relation):
        schemas = [schema for schema in context.search_path if schema != "pg_temp"]
        path = ("search_path", ", ".join(quote(schema) for schema in [*schemas, "pg_temp"]))
    return (path, *((name, given[name]) for name in _CARRIED if name in given))


def _built_in(reading: Reading, relation: Relation) -> bool:
    """Whether functions, casts and the types of columns (and so the operators) are all of pg_catalog."""
    functions = all(volatility_of(name) is not None for name in reading.functions)
    casts = all(cast_volatility(name.removesuffix("[]")) is not None for name in reading.casts)
    types = [column.type for column in relation.columns if column.name in reading.columns]
    return functions and casts and all(_bare(each) in _BUILT_IN_TYPES for each in types)


def _bare(column_type: str) -> str:
    """Return a type without modifiers, time zone and brackets."""
    head = column_type.split(" with", maxsplit=1)[0].split("[", maxsplit=1)[0]
    return head.split("(")[0].strip()


def create_step(trigger: FillTrigger, context: Context) -> Step:
    """Return the step that installs it, before the walk reads its upper bound."""
    effect = Effect(locks=locks_on(trigger.table, LockMode.SHARE_ROW_EXCLUSIVE, context.facts))
    return transaction(
        context,
        f"CREATE the fill trigger of {trigger.column} of {trigger.table}",
        trigger.create_sql(),
        effect,
        phase=Phase.BACKFILL,
        undo=trigger.drop_sql(),
    )


def drop_step(trigger: FillTrigger, context: Context) -> Step:
    """Return the step of the contract phase that removes it."""
    effect = Effect(locks=locks_on(trigger.table, LockMode.ACCESS_EXCLUSIVE, context.facts))
    return transaction(
        context,
        f"DROP the fill trigger of {trigger.column} of {trigger.table}",
        trigger.drop_sql(),
        effect,
        phase=Phase.CONTRACT,
        commutes=True,
        undo_note="the column is no longer filled for code that does not write it",
    )


def with_trigger(facts: Facts, trigger: FillTrigger) -> Facts:
    """Facts in which the table has the trigger."""
    item = Trigger(name=trigger.name, function=trigger.function, fills=(trigger.column,))
    return facts.changed(trigger.table, lambda r: changed(r, triggers=replace_named(r.triggers, item)))


def becomes_not_null(table: QualifiedName, column: str, context: Context) -> bool:
    """Whether a later statement of the file makes the column NOT NULL."""
    later = context.migration.statements[context.index :]
    return any(
        _makes_not_null(command, column)
        for command in (statement.command for statement in later)
        if isinstance(command, AlterTable) and context.resolve(command.name) == table
    ) and not absent(table, context)


def _makes_not_null(command: AlterTable, column: str) -> bool:
    for action in command.actions:
        if isinstance(action, SetNotNull) and action.column == column:
            return True
        if not isinstance(action, AddConstraint):
            continue
        constraint = action.constraint
        if isinstance(constraint, NotNull) and constraint.column == column and not constraint.not_valid:
            return True
        if isinstance(constraint, UniqueConstraint) and constraint.primary and column in constraint.columns:
            return True
    return False
