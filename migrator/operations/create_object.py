"""CREATE SCHEMA, TYPE, SEQUENCE, EXTENSION, VIEW, FUNCTION, TRIGGER and the like; ALTER TYPE … ADD VALUE.

What it does
    Makes an object beside the tables that are in use.

Why it is dangerous
    It hardly is. CREATE TRIGGER takes SHARE ROW EXCLUSIVE on its table for a moment (catalogue 205), CREATE
    OR REPLACE VIEW takes ACCESS EXCLUSIVE on the view (197). The script of an extension may do anything
    (216).

What is done instead
    It runs as written, in a transaction of its own (a new enum value cannot be used in the one that adds
    it, 186), strong locks within the lock budget.

Source
    Catalogue 186, 190, 196 to 201, 205, 207, 216; the manual's pages of these commands.
"""

import re

import msgspec
from msgspec.structs import replace

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.create_table import new_name
from migrator.operations.dependents import sources_of, with_view, without_dependents
from migrator.operations.folding import with_trigger
from migrator.operations.steps import as_written, as_written_without_lock_table, effect_on
from migrator.operations.target import missing_relation
from migrator.operations.types import format_type, without_type
from migrator.plan import ddl
from migrator.plan.effect import Effect, RelationLock
from migrator.postgres.domains import Domain
from migrator.postgres.facts import (
    Facts,
    Function,
    Relation,
    RelationKind,
    Trigger,
)
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import (
    AlterTypeAddValue,
    CreateExtension,
    CreateFunction,
    CreateSchema,
    CreateSequence,
    CreateTrigger,
    CreateType,
    CreateView,
)

_FOR_TRIGGERS = re.compile(r"\breturns\s+(event_)?trigger\b", re.IGNORECASE)


def _made(
    operation: str, title: str, facts: Facts, names: tuple[QualifiedName, ...], context: Context
) -> Outcome:
    effect = Effect()
    return Outcome(
        operation=operation,
        effect=effect,
        steps=(as_written(context, title, effect),),
        facts=facts,
        touches=names,
        as_written=True,
    )


def _schema(command: CreateSchema, context: Context) -> Outcome:
    name = command.name or command.authorization or ""
    schemas = tuple(dict.fromkeys((*context.facts.schemas, name)))
    facts = msgspec.structs.replace(context.facts, schemas=schemas)
    return _made("create-schema", f"CREATE SCHEMA {name}", facts, (), context)


def _type(command: CreateType, context: Context) -> Outcome:
    name = new_name(command.name, context)
    facts = without_type(name, context.facts)
    domains = (*facts.constrained_domains, *((name,) if command.constrained else ()))
    facts = msgspec.structs.replace(
        facts,
        types=(*facts.types, name),
        new_types=(*facts.new_types, name),
        constrained_domains=domains,
    )
    if command.base is not None:
        facts = msgspec.structs.replace(facts, domains=(*facts.domains, _domain(command, name)))
    word = "DOMAIN" if command.form == "domain" else "TYPE"
    return _made("create-type", f"CREATE {word} {name}", facts, (name,), context)


def _domain(command: CreateType, name: QualifiedName) -> Domain:
    collation = None if command.collation is None else command.collation.text
    return Domain(
        name=name, type="" if command.base is None else format_type(command.base), collation=collation
    )


def _enum_value(command: AlterTypeAddValue, context: Context) -> Outcome:
    name = context.resolve(command.name)
    title = f"ADD VALUE {command.label} to {name}"
    outcome = _made("add-enum-value", title, context.facts, (name,), context)
    steps = tuple(
        msgspec.structs.replace(step, undo_note="a value cannot be removed") for step in outcome.steps
    )
    return replace(outcome, steps=steps)


def _sequence(command: CreateSequence, context: Context) -> Outcome:
    name = new_name(command.name, context)
    if command.if_not_exists and context.facts.relation(name) is not None:
        return _exists("create-sequence", name, context)
    relation = Relation(name=name, kind=RelationKind.SEQUENCE, created_in_plan=True)
    facts = context.facts.with_relation(relation)
    return _made("create-sequence", f"CREATE SEQUENCE {name}", facts, (name,), context)


def _extension(command: CreateExtension, context: Context) -> Outcome:
    title = f"CREATE EXTENSION {command.name}"
    return _made("create-extension", title, context.facts, (), context)


def _view(command: CreateView, context: Context) -> Outcome:
    name = new_name(command.name, context)
    existing = context.facts.relation(name)
    if existing is not None and command.if_not_exists:
        return _exists("create-view", name, context)
    kind = RelationKind.MATERIALIZED_VIEW if command.materialized else RelationKind.VIEW
    relation = existing or Relation(name=name, kind=kind, created_in_plan=True, populated=command.with_data)
    facts = context.facts
    if not command.temporary:
        facts = with_view(facts.with_relation(relation), name, command.query.text, context.search_path)
    word = "MATERIALIZED VIEW" if command.materialized else "VIEW"
    effect = _reading(command, context) if existing is None else effect_on(context, name)
    step = as_written_without_lock_table(context, f"CREATE {word} {name}", effect)
    return Outcome(
        operation="create-view",
        effect=effect,
        steps=(step,),
        facts=facts,
        touches=(name,),
        as_written=True,
    )


def _reading(command: CreateView, context: Context) -> Effect:
    """A materialized view is filled by its query, for as long as that takes."""
    if not command.materialized or not command.with_data:
        return Effect()
    sources = tuple(dict.fromkeys(sources_of(command.query.text, context.facts, context.search_path)))
    locks = tuple(RelationLock(source, LockMode.ACCESS_SHARE) for source in sources)
    return Effect(locks=locks, scans=sources or (new_name(command.name, context),))


def _function(command: CreateFunction, context: Context) -> Outcome:
    name, facts = new_name(command.name, context), context.facts
    known = any(function.name == name for function in facts.functions)
    function = Function(
        name=name,
        volatility=command.volatility,
        trigger=_FOR_TRIGGERS.search(context.statement.text) is not None,
        created_in_plan=not known,
    )
    facts = msgspec.structs.replace(facts, functions=(*facts.functions, function))
    facts = without_dependents(facts, "function", (name.name,)) if command.or_replace else facts
    word = "PROCEDURE" if command.procedure else "FUNCTION"
    return _made("create-function", f"CREATE {word} {name}", facts, (name,), context)


def _trigger(command: CreateTrigger, context: Context) -> Outcome:
    table = context.resolve(command.table)
    effect = effect_on(context, table, LockMode.SHARE_ROW_EXCLUSIVE)
    function = context.resolve(command.function)
    trigger = Trigger(name=command.name, definition=context.statement.text, function=function)
    facts = with_trigger(context.facts, table, trigger, command.columns)
    undo = () if command.or_replace else (ddl.drop_trigger(command.name, table),)
    return Outcome(
        operation="create-trigger",
        effect=effect,
        hazards=missing_relation(table, context),
        steps=(as_written(context, f"CREATE TRIGGER {command.name} on {table}", effect, undo=undo),),
        facts=facts,
        touches=(table, function),
        as_written=True,
    )


def _exists(operation: str, name: QualifiedName, context: Context) -> Outcome:
    note = f"{name} exists already"
    return Outcome(operation=operation, facts=context.facts, touches=(name,), note=note)


CREATE_SCHEMA = FormOperation(name="create-schema", form=CreateSchema, outcome=_schema)
CREATE_TYPE = FormOperation(name="create-type", form=CreateType, outcome=_type)
ADD_ENUM_VALUE = FormOperation(name="add-enum-value", form=AlterTypeAddValue, outcome=_enum_value)
CREATE_SEQUENCE = FormOperation(name="create-sequence", form=CreateSequence, outcome=_sequence)
CREATE_EXTENSION = FormOperation(name="create-extension", form=CreateExtension, outcome=_extension)
CREATE_VIEW = FormOperation(name="create-view", form=CreateView, outcome=_view)
CREATE_FUNCTION = FormOperation(name="create-function", form=CreateFunction, outcome=_function)
CREATE_TRIGGER = FormOperation(name="create-trigger", form=CreateTrigger, outcome=_trigger)
