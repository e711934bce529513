"""One statement: the operation that plans it, its source statement, and its steps with id and place."""

import msgspec
from msgspec.structs import replace

from migrator.operations import OPERATIONS
from migrator.operations.base import Context, Outcome, Subject
from migrator.operations.other_form import unmatched
from migrator.plan.hazard import Hazard
from migrator.plan.plan import SourceStatement
from migrator.planner.alter_table import Combined, combined, order_of_passes, skipped
from migrator.planner.kept_defaults import kept_columns
from migrator.planner.missing import gone_already, missing_parts
from migrator.planner.phases import Item
from migrator.planner.wildness import wild
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import Action, AlterTable


def plan_command(context: Context) -> Outcome:
    """Return what the operation that is responsible for the statement says of it."""
    command = context.statement.command
    if isinstance(command, AlterTable):
        return _plan_alter_table(command, replace(context, alter=command))
    return _plan_subject(command, context)


def _plan_subject(subject: Subject, context: Context) -> Outcome:
    operation = next((each for each in OPERATIONS if each.matches(subject, context)), None)
    if operation is None:
        return unmatched(context)
    return operation.plan(subject, context)


def _plan_alter_table(command: AlterTable, context: Context) -> Outcome:
    """Plan the actions in the server's order, each with the facts that the ones before it leave."""
    nothing = skipped(command, context)
    if nothing is not None:
        return nothing
    outcomes: list[Outcome] = []
    current = context
    for action in order_of_passes(command.actions):
        current = replace(current, action=action)
        outcomes.append(_plan_action(action, current))
        current = replace(current, facts=outcomes[-1].facts)
    return combined(Combined(command=command, outcomes=tuple(outcomes)), context)


def _plan_action(action: Action, context: Context) -> Outcome:
    nothing = gone_already(action, context)
    if nothing is not None:
        return nothing
    outcome = _plan_subject(action, context)
    return replace(outcome, hazards=(*missing_parts(action, context), *outcome.hazards))


def source_statement(outcome: Outcome, hazards: tuple[Hazard, ...], context: Context) -> SourceStatement:
    """Return the statement as the plan shows it."""
    statement = context.statement
    return SourceStatement(
        migration=context.migration.version,
        index=context.index,
        file=context.migration.file,
        line=statement.at.line,
        column=statement.at.column,
        text=statement.text,
        checksum=statement.checksum,
        kind=outcome.operation,
        effect=outcome.effect,
        hazards=hazards,
        as_written=outcome.as_written,
        touches=tuple(dict.fromkeys(outcome.touches)),
        note=outcome.note,
    )


def items_of(outcome: Outcome, context: Context) -> tuple[Item, ...]:
    """Return the steps with migration, id, place and operation, and what their order depends on."""
    at = context.statement.at
    objects = frozenset(name for name in outcome.touches if not _is_relation(name, outcome, context))
    items = []
    for number, step in enumerate(outcome.steps, start=1):
        placed = msgspec.structs.replace(
            step,
            migration=context.migration.version,
            id=f"{context.index}.{number}",
            statement=context.index,
            file=context.migration.file,
            line=at.line,
            column=at.column,
            operation=step.operation or outcome.operation,
        )
        locked = tuple(lock.relation for lock in step.effect.locks)
        items.append(
            Item(
                step=placed,
                relations=frozenset((*outcome.touches, *locked)),
                objects=objects,
                text=context.statement.text,
                command=context.statement.command,
                kept_defaults=kept_columns(context.statement.command),
                wild=step.as_written and wild(context),
            )
        )
    return tuple(items)


def _is_relation(name: QualifiedName, outcome: Outcome, context: Context) -> bool:
    """Whether it is known as one, before the statement or after it."""
    return context.facts.relation(name) is not None or outcome.facts.relation(name) is not None
