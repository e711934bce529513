"""DROP VIEW, FUNCTION, TRIGGER, TYPE and the like (DROP TABLE and DROP INDEX have modules of their own).

What it does
    Removes objects, with CASCADE whatever depends on them.

Why it is dangerous
    Running code that uses the object fails; a sequence, schema or extension takes data along. CASCADE may
    drop columns and views that nobody named (catalogue 175, 191, 217).

What is done instead
    It waits in the contract phase, and needs an approval with a reason; the locks are taken within the lock
    budget. What an earlier statement of the same plan made may go at once.

Source
    Catalogue 175, 191, 198, 203, 206, 217; the manual's pages of these commands.
"""

import msgspec

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.dependents import views_over, without_dependents, without_relations
from migrator.operations.drop_table import KINDS as TABLES
from migrator.operations.hazards import needs_approval
from migrator.operations.liveness import empty, in_use, live
from migrator.operations.steps import (
    approved_timeouts,
    as_written_without_lock_table,
    locks_on,
)
from migrator.operations.target import absent, missing_relation
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import Drop

_DATA = frozenset({"SEQUENCE", "SCHEMA", "EXTENSION"})
_TYPES = frozenset({"TYPE", "DOMAIN"})
_NAMED = _TYPES | {"FUNCTION", "PROCEDURE", "ROUTINE"}
"""Kinds whose names the facts list."""
_RELATIONS = frozenset({"SEQUENCE", "VIEW", "MATERIALIZED VIEW"})


def _plan(command: Drop, context: Context) -> Outcome:
    operation = "drop-object"
    names = _names(command, context)
    if command.if_exists and _all_absent(command, names, context):
        note = f"{', '.join(map(str, names))} does not exist"
        return Outcome(operation=operation, facts=context.facts, touches=names, note=note)
    effect = _effect(command, names, context)
    return Outcome(
        operation=operation,
        effect=effect,
        hazards=_hazards(command, names, context),
        steps=(_step(command, names, effect, context),),
        facts=_after(command, names, context.facts),
        touches=(*names, *(lock.relation for lock in effect.locks if lock.relation not in names)),
        as_written=True,
    )


def _names(command: Drop, context: Context) -> tuple[QualifiedName, ...]:
    """Return the relations (or functions, types) that are meant; of a trigger, its table."""
    if command.on_table is not None:
        return (context.resolve(command.on_table),)
    return tuple(context.resolve(name) for name in command.names)


def _all_absent(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> bool:
    if command.on_table is not None and not absent(names[0], context):
        relation = context.facts.relation(names[0])
        triggers = [] if relation is None else [t.name for t in relation.triggers]
        known = command.object_kind == "TRIGGER" and context.facts.complete
        return known and all(name.name not in triggers for name in command.names)
    if command.object_kind in _NAMED:
        return context.facts.complete and not any(
            _exists(command.object_kind, n, context) for n in command.names
        )
    related = command.object_kind in _RELATIONS or command.on_table is not None
    return related and all(absent(name, context) for name in names)


def _exists(kind: str, name: QualifiedName, context: Context) -> bool:
    """Whether a type or routine of that name is known, in any schema where it would be looked for."""
    schemas = context.search_path if name.schema is None else (name.schema,)
    facts = context.facts
    known = facts.types if kind in _TYPES else tuple(function.name for function in facts.functions)
    return any(QualifiedName(schema, name.name) in known for schema in schemas)


def _effect(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> Effect:
    if command.object_kind not in _RELATIONS and command.on_table is None:
        return Effect(unknown=command.cascade)
    mode, facts = LockMode.ACCESS_EXCLUSIVE, context.facts
    locks = [lock for name in names for lock in locks_on(name, mode, facts)]
    if command.cascade:
        locks += [RelationLock(view, mode) for view in views_over(names, facts)]
    return Effect(locks=tuple(dict.fromkeys(locks)), unknown=command.cascade)


def _felt(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> bool:
    """Whether somebody may be using what goes."""
    if command.object_kind not in _RELATIONS and command.on_table is None:
        return live(context)
    return any(in_use(context.facts.relation(name), context) for name in names)


def _hazards(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> tuple[Hazard, ...]:
    missing: tuple[Hazard, ...] = ()
    if command.object_kind in _RELATIONS and not command.if_exists:
        missing = tuple(hazard for name in names for hazard in missing_relation(name, context))
    if missing or not _felt(command, names, context):
        return missing
    shown = ", ".join(map(str, names))
    relation = names[0] if names and command.object_kind in _RELATIONS else None
    found = []
    if command.object_kind in _DATA and not _known_empty(names, context):
        message = f"DROP {command.object_kind} destroys what {shown} holds"
        instead = "make sure that nothing needs it, then approve it with the reason"
        found.append(needs_approval(HazardKind.DATA_LOSS, message, instead, relation, "catalogue 173"))
    else:
        message = f"running code that uses {shown} fails when the {command.object_kind.lower()} is gone"
        instead = "deploy code that does not use it first, then approve it with the reason"
        found.append(
            needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, relation, "catalogue 198")
        )
    return (*found, *_cascade(command, shown, relation))


def _cascade(command: Drop, shown: str, relation: QualifiedName | None) -> tuple[Hazard, ...]:
    if not command.cascade:
        return ()
    message = f"CASCADE drops whatever depends on {shown}: views, columns, foreign keys of other tables"
    instead = "drop what depends on it by name, in statements before this one"
    kind = HazardKind.NO_SAFE_SEQUENCE
    return (needs_approval(kind, message, instead, relation, "catalogue 175, 191, 217"),)


def _known_empty(names: tuple[QualifiedName, ...], context: Context) -> bool:
    relations = [context.facts.relation(name) for name in names]
    return all(relation is not None and empty(relation, context.facts) for relation in relations)


def _step(command: Drop, names: tuple[QualifiedName, ...], effect: Effect, context: Context) -> Step:
    shown = ", ".join(map(str, command.names))
    title = f"DROP {command.object_kind} {shown}"
    step = as_written_without_lock_table(context, title, effect, undo_note="what is gone is gone")
    if not _felt(command, names, context):
        return step
    return msgspec.structs.replace(step, phase=Phase.CONTRACT, timeouts=approved_timeouts(context))


def _after(command: Drop, names: tuple[QualifiedName, ...], facts: Facts) -> Facts:
    gone = {name.name for name in command.names}
    facts = without_dependents(facts, command.object_kind.lower(), gone)
    if command.object_kind == "TRIGGER":
        for trigger in gone:
            facts = folding.without_trigger(facts, names[0], trigger)
        return facts
    if command.object_kind in _RELATIONS:
        return without_relations(facts, (*names, *(views_over(names, facts) if command.cascade else ())))
    return _without_named(command, names, facts)


def _without_named(command: Drop, names: tuple[QualifiedName, ...], facts: Facts) -> Facts:
    if command.object_kind in _TYPES:
        kept = tuple(name for name in facts.types if name not in names)
        return msgspec.structs.replace(facts, types=kept, complete=facts.complete and not command.cascade)
    if command.object_kind in {"SCHEMA", "EXTENSION"} or command.cascade:
        return msgspec.structs.replace(facts, complete=False)
    return facts


def _is_other(command: Drop, _: Context) -> bool:
    return command.object_kind not in {*TABLES, "INDEX"}


DROP_OBJECT = FormOperation(name="drop-object", form=Drop, outcome=_plan, when=_is_other)
