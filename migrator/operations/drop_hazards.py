"""What is said of DROP VIEW, FUNCTION, TRIGGER, TYPE and the like, and whether it waits for contract.

It may assume facts folded over all earlier statements.
"""

from migrator.operations.base import Context
from migrator.operations.dependents import others_that_need, views_over
from migrator.operations.drop_table_hazards import listed
from migrator.operations.hazards import needs_approval, warning, wrong
from migrator.operations.liveness import empty, in_use, live
from migrator.operations.renamed_objects import functions_named
from migrator.operations.target import missing_relation
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import (
    CreateFunction,
    CreateTrigger,
    CreateType,
    CreateView,
    Drop,
    KnownForm,
)

_DATA = frozenset({"SEQUENCE", "SCHEMA", "EXTENSION"})
_RELATIONS = frozenset({"SEQUENCE", "VIEW", "MATERIALIZED VIEW"})
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "ROUTINE"})


def waits(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> bool:
    """Whether running code may miss what goes."""
    if not _felt(command, names, context):
        return False
    return command.object_kind != "TRIGGER" or made_again(command, context) is None


def hazards(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> tuple[Hazard, ...]:
    """Return what is lost and what breaks, or why the server will refuse the statement."""
    missing: tuple[Hazard, ...] = ()
    if command.object_kind in _RELATIONS and not command.if_exists:
        missing = tuple(hazard for name in names for hazard in missing_relation(name, context))
    refused = () if missing or command.cascade else _refused_by_server(command, names, context)
    if missing or refused or not _felt(command, names, context):
        return (*missing, *refused)
    again = made_again(command, context)
    if again is not None and command.object_kind == "TRIGGER":
        return (_trigger_made_again(command, names[0], again),)
    return (_gone(command, names, again, context), *_cascade(command, names, context))


def _felt(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> bool:
    """Whether somebody may be using what goes."""
    facts = context.facts
    if command.object_kind in {"TYPE", "DOMAIN"}:
        return live(context) and not all(name in facts.new_types for name in names)
    if command.object_kind in _ROUTINES:
        return live(context) and not all(_unused_routine(name, context) for name in command.names)
    if command.object_kind == "STATISTICS":
        return False
    if command.object_kind not in _RELATIONS and command.on_table is None:
        return live(context)
    return any(in_use(facts.relation(name), context) for name in names)


def _unused_routine(name: QualifiedName, context: Context) -> bool:
    """Whether no code can be calling it: it is new, or only triggers could, and none does."""
    found = functions_named(name, context)
    return bool(found) and all(function.created_in_plan or function.trigger for function in found)


def made_again(command: Drop, context: Context) -> int | None:
    """Return the number of the later statement of the file that makes an object of the same name."""
    wanted = {(context.resolve(name), command.object_kind) for name in command.names}
    for number, statement in enumerate(context.migration.statements, start=1):
        if number > context.index and _made(statement.command, command, context) & wanted:
            return number
    return None


def _made(made: object, command: Drop, context: Context) -> set[tuple[QualifiedName, str]]:
    on = None if command.on_table is None else context.resolve(command.on_table)
    match made:
        case CreateTrigger() if context.resolve(made.table) == on:
            return {(context.resolve(QualifiedName(None, made.name)), "TRIGGER")}
        case KnownForm(kind="CREATE POLICY" | "CREATE RULE") if context.resolve(made.relations[0]) == on:
            return {(context.resolve(made.names[0]), made.kind.removeprefix("CREATE "))}
        case CreateView(materialized=True):
            return {(context.resolve(made.name), "MATERIALIZED VIEW")}
        case CreateView():
            return {(context.resolve(made.name), "VIEW")}
        case CreateFunction():
            return {(context.resolve(made.name), kind) for kind in _ROUTINES}
        case CreateType():
            return {(context.resolve(made.name), kind) for kind in ("TYPE", "DOMAIN")}
        case _:
            return set()


# --- the hazards


def _refused_by_server(
    command: Drop, names: tuple[QualifiedName, ...], context: Context
) -> tuple[Hazard, ...]:
    needing = _dependents(command, names, context)
    if not needing:
        return ()
    shown = ", ".join(map(str, names))
    message = f"other objects depend on {shown}: {listed(needing)}; the server refuses it"
    instead = "drop or change them by name, in statements before this one"
    relation = names[0] if command.object_kind in _RELATIONS else None
    return (wrong(HazardKind.DEPENDENT_OBJECTS, message, instead, relation, "catalogue 191, 198, 206"),)


def _dependents(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> tuple[str, ...]:
    facts = context.facts
    if command.object_kind in _RELATIONS:
        views = [f"view {view}" for view in views_over(names, facts) if view not in names]
        return (*views, *map(str, others_that_need(names, facts)))
    if command.object_kind not in _ROUTINES or not facts.complete:
        return ()
    called = {function.name for name in command.names for function in functions_named(name, context)}
    return tuple(
        f"trigger {trigger.name} of {relation.name}"
        for relation in facts.relations
        for trigger in relation.triggers
        if trigger.function in called
    )


def _trigger_made_again(command: Drop, table: QualifiedName, number: int) -> Hazard:
    shown = ", ".join(name.name for name in command.names)
    message = f"until statement {number} makes it again, {table} is written to without the trigger {shown}"
    instead = "CREATE OR REPLACE TRIGGER (14+) leaves no gap; or change the function alone"
    return warning(HazardKind.BREAKS_RUNNING_CODE, message, instead, table, "catalogue 206")


def _gone(command: Drop, names: tuple[QualifiedName, ...], again: int | None, context: Context) -> Hazard:
    shown = ", ".join(map(str, names))
    kind = command.object_kind
    relation = names[0] if kind in _RELATIONS or command.on_table is not None else None
    if kind in _DATA and not _known_empty(names, context):
        message = f"DROP {kind} destroys what {shown} holds"
        instead = "make sure that nothing needs it, then approve it with the reason"
        return needs_approval(HazardKind.DATA_LOSS, message, instead, relation, "catalogue 173")
    if command.on_table is not None:
        what = f"{', '.join(name.name for name in command.names)} of {shown}"
        message = (
            f"running code that relies on the {kind.lower()} {what} does not get what it expects without it"
        )
    else:
        message = f"running code that uses {shown} fails when the {kind.lower()} is gone"
    instead = "deploy code that does not use it first, then approve it with the reason"
    if again is not None:
        message += f", until statement {again} makes it again"
        instead = f"use {_REPLACING.get(kind, 'another name')} where that is possible, or approve the gap"
    return needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, relation, "catalogue 198")


_REPLACING = {
    "VIEW": "CREATE OR REPLACE VIEW",
    "FUNCTION": "CREATE OR REPLACE FUNCTION",
    "PROCEDURE": "CREATE OR REPLACE PROCEDURE",
    "POLICY": "ALTER POLICY",
    "RULE": "CREATE OR REPLACE RULE",
}


def _cascade(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> tuple[Hazard, ...]:
    if not command.cascade:
        return ()
    shown = ", ".join(map(str, names))
    relation = names[0] if command.object_kind in _RELATIONS else None
    source = "catalogue 175, 191, 217"
    if command.object_kind in _RELATIONS and context.facts.complete:
        needing = _dependents(command, names, context)
        if not needing:
            return ()
        message = f"CASCADE drops as well: {listed(needing)}"
        instead = "make sure that no code needs them, then approve it with the reason"
        return (needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, relation, source),)
    message = f"CASCADE drops whatever depends on {shown}: views, columns, foreign keys of other tables"
    instead = "drop what depends on it by name, in statements before this one"
    return (needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, relation, source),)


def _known_empty(names: tuple[QualifiedName, ...], context: Context) -> bool:
    relations = [context.facts.relation(name) for name in names]
    return all(relation is not None and empty(relation, context.facts) for relation in relations)
