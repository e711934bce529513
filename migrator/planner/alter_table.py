"""ALTER TABLE with its actions: in the order of the server's passes, and together where that is free.

The server sorts the actions of one statement into passes (`AlterTablePass` in tablecmds.c): drops first,
then types, columns, constraints, defaults, the rest. Planning them in that order gives each the facts that
it would find. Where every action runs as written and is quick, the user's statement runs whole, unchanged.
"""

import msgspec
from msgspec.structs import replace

from migrator.operations.base import Context, Outcome
from migrator.operations.liveness import live
from migrator.operations.steps import as_written, as_written_without_lock_table, written
from migrator.operations.target import absent, missing_relation
from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard
from migrator.plan.step import Phase, Step, Transaction
from migrator.planner.lock_classes import joined_steps, union
from migrator.planner.replaced_index import index_first
from migrator.postgres.facts import ConstraintKind
from migrator.sql.syntax import (
    Action,
    AddColumn,
    AddConstraint,
    AddIdentity,
    AlterColumnType,
    AlterTable,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropExpression,
    DropIdentity,
    DropNotNull,
    NotNullConstraint,
    SetDefault,
    SetExpression,
    SetNotNull,
    UniqueConstraint,
)


class Combined(msgspec.Struct, frozen=True, kw_only=True):
    """A statement, and what its actions' operations say, in the order of the passes."""

    command: AlterTable
    outcomes: tuple[Outcome, ...]


def order_of_passes(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Return the actions as the server carries them out, but a default before what needs it."""
    return tuple(sorted(actions, key=_pass))


def _pass(action: Action) -> int:
    match action:
        case DropColumn() | DropConstraint() | DropDefault() | DropNotNull() | DropIdentity():
            return 0
        case DropExpression():
            return 0
        case AlterColumnType():
            return 1
        case AddColumn():
            return 2
        case SetNotNull():
            return 4
        case AddConstraint():
            return _pass_of_constraint(action)
        case SetExpression() | SetDefault():
            return 3  # the server sets defaults last; here steps lie between, in which code relies on them
        case AddIdentity():
            return 6
        case _:
            return 7


def _pass_of_constraint(action: AddConstraint) -> int:
    if isinstance(action.constraint, NotNullConstraint):
        return 4
    return 5 if isinstance(action.constraint, UniqueConstraint) else 6


def skipped(command: AlterTable, context: Context) -> Outcome | None:
    """Return the outcome of IF EXISTS on a relation that is known not to exist."""
    name = context.resolve(command.name)
    if not command.if_exists or not _checked(command) or not absent(name, context):
        return None
    note = f"{name} does not exist"
    return Outcome(operation="alter-table", facts=context.facts, touches=(name,), note=note)


def combined(parts: Combined, context: Context) -> Outcome:
    """Return one outcome for the statement."""
    outcomes = parts.outcomes
    missing = _missing(parts.command, context)
    if len(outcomes) == 1:
        only = outcomes[0]
        return replace(only, hazards=(*missing, *only.hazards), steps=(*only.steps, *only.afterwards))
    effect = union(tuple(outcome.effect for outcome in outcomes))
    whole = _runs_whole(outcomes, context)
    steps = (_whole(parts, effect, context),) if whole else _successors_first(parts, context)
    notes = [outcome.note for outcome in outcomes if outcome.note]
    return Outcome(
        operation="alter-table",
        effect=effect,
        hazards=(*missing, *(hazard for outcome in outcomes for hazard in outcome.hazards)),
        steps=(*steps, *(step for outcome in outcomes for step in outcome.afterwards)),
        facts=outcomes[-1].facts,
        touches=tuple(dict.fromkeys(name for outcome in outcomes for name in outcome.touches)),
        as_written=whole,
        used=tuple(directive for outcome in outcomes for directive in outcome.used),
        note="; ".join(notes) or None,
    )


def _successors_first(parts: Combined, context: Context) -> tuple[Step, ...]:
    """Return the steps of the actions; a unique constraint stays until its successor's index is there."""
    relation = context.facts.relation(context.resolve(parts.command.name))
    drops = [a for a in parts.command.actions if isinstance(a, DropConstraint) and not a.cascade]
    known = {} if relation is None else {c.name: c.kind for c in relation.constraints}
    unique = {ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY, None}
    names = frozenset(drop.name for drop in drops if known.get(drop.name) in unique)
    return index_first(joined_steps(parts.outcomes), names)


def _checked(command: AlterTable) -> bool:
    """Whether facts list relations of this kind under their own name."""
    return command.object_kind != "INDEX"


def _missing(command: AlterTable, context: Context) -> tuple[Hazard, ...]:
    if not _checked(command):
        return ()
    return missing_relation(context.resolve(command.name), context)


def _runs_whole(outcomes: tuple[Outcome, ...], context: Context) -> bool:
    """Whether the statement may run as it is: everything as written, in a transaction, and quick."""
    steps = [step for outcome in outcomes for step in outcome.steps]
    unchanged = all(step.as_written and isinstance(step.work, Transaction) for step in steps)
    quick = all(step.phase is Phase.EXPAND for step in steps)
    return bool(steps) and unchanged and (quick or not live(context))


def _whole(parts: Combined, effect: Effect, context: Context) -> Step:
    steps = [step for outcome in parts.outcomes for step in outcome.steps]
    tables = parts.command.object_kind in {"TABLE", "FOREIGN TABLE"}
    build = as_written if tables else as_written_without_lock_table
    made = build(context, f"ALTER {parts.command.object_kind} {context.resolve(parts.command.name)}", effect)
    return msgspec.structs.replace(
        made,
        undo=tuple(sql for step in reversed(steps) for sql in step.undo),
        undo_note=next((step.undo_note for step in steps if step.undo_note), None),
        diagnoses=tuple(diagnosis for step in steps for diagnosis in step.diagnoses),
        commutes=all(step.commutes for step in steps),
        timeouts=max((made, *steps), key=lambda step: step.timeouts.deadline_s).timeouts,
        work=msgspec.structs.replace(made.work, statements=(written(context),)),
    )
