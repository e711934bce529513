"""DROP VIEW, FUNCTION, TRIGGER, TYPE and the like (DROP TABLE and DROP INDEX have modules of their own).

What it does
    Removes objects, with CASCADE whatever depends on them.

Why it is dangerous
    Running code that uses the object fails; a sequence, schema or extension takes data along. CASCADE may
    drop columns and views that nobody named (catalogue 175, 191, 217).

What is done instead
    It waits in the contract phase, and needs an approval with a reason; the locks are taken within the lock
    budget. What an earlier statement of the same plan made, a trigger function that no trigger calls, and a
    trigger that the file makes again, may go at once. What the server would refuse is an error of the plan.

Source
    Catalogue 175, 191, 198, 203, 206, 217; the manual's pages of these commands.
"""

from collections.abc import Iterator

import msgspec

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.dependents import views_over, without_dependents, without_relations
from migrator.operations.drop_hazards import hazards, waits
from migrator.operations.drop_table import KINDS as TABLES
from migrator.operations.renamed_objects import resolve_type
from migrator.operations.steps import (
    approved_timeouts,
    as_written,
    as_written_without_lock_table,
    locks_on,
)
from migrator.operations.target import absent
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import Phase, Step
from migrator.postgres.column_users import UserKind
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import Drop

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
        hazards=hazards(command, names, context),
        steps=(_step(command, names, effect, context),),
        facts=_after(command, names, context.facts),
        touches=(
            *names,
            *(lock.relation for lock in effect.locks if lock.relation not in names),
            *_called(command, names, context),
        ),
        as_written=True,
    )


def _called(command: Drop, names: tuple[QualifiedName, ...], context: Context) -> tuple[QualifiedName, ...]:
    """Return the functions of triggers that go: a DROP FUNCTION after this has to stay after it."""
    relation = context.facts.relation(names[0]) if command.object_kind == "TRIGGER" else None
    gone = {name.name for name in command.names}
    triggers = () if relation is None else relation.triggers
    return tuple(t.function for t in triggers if t.name in gone and t.function is not None)


def _names(command: Drop, context: Context) -> tuple[QualifiedName, ...]:
    """Return the relations (or functions, types) that are meant; of a trigger, its table."""
    if command.on_table is not None:
        return (context.resolve(command.on_table),)
    if command.object_kind in _TYPES:
        return tuple(resolve_type(name, context) for name in command.names)
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
    if command.object_kind == "STATISTICS":
        return Effect(locks=tuple(_tables_of_statistics(command, context)), unknown=command.cascade)
    if command.object_kind not in _RELATIONS and command.on_table is None:
        return Effect(unknown=command.cascade)
    mode, facts = LockMode.ACCESS_EXCLUSIVE, context.facts
    locks = [lock for name in names for lock in locks_on(name, mode, facts)]
    if command.cascade:
        locks += [RelationLock(view, mode) for view in views_over(names, facts)]
    return Effect(locks=tuple(dict.fromkeys(locks)), unknown=command.cascade)


def _tables_of_statistics(command: Drop, context: Context) -> Iterator[RelationLock]:
    """Return the locks on the tables that they are about (catalogue 210)."""
    named = {name.name for name in command.names}
    for relation in context.facts.relations:
        if any(u.kind is UserKind.STATISTICS and u.name in named for u in relation.column_users):
            yield RelationLock(relation.name, LockMode.SHARE_UPDATE_EXCLUSIVE)


def _step(command: Drop, names: tuple[QualifiedName, ...], effect: Effect, context: Context) -> Step:
    shown = ", ".join(map(str, command.names))
    relation = context.facts.relation(names[0]) if command.on_table is not None else None
    lockable = relation is not None and relation.is_table
    build = as_written if lockable else as_written_without_lock_table
    title = f"DROP {command.object_kind} {shown}"
    step = build(context, title, effect, undo_note="what is gone is gone")
    if not waits(command, names, context):
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
        new = tuple(name for name in facts.new_types if name not in names)
        complete = facts.complete and not command.cascade
        return msgspec.structs.replace(facts, types=kept, new_types=new, complete=complete)
    if command.object_kind in {"SCHEMA", "EXTENSION"} or command.cascade:
        return msgspec.structs.replace(facts, complete=False)
    return facts


def _is_other(command: Drop, _: Context) -> bool:
    return command.object_kind not in {*TABLES, "INDEX"}


DROP_OBJECT = FormOperation(name="drop-object", form=Drop, outcome=_plan, when=_is_other)
