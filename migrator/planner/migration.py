"""One file: its statements one after the other, then its steps in phases.

What is said of the file as a whole comes when all files are planned: `planner.findings`.
"""

from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from migrator.operations.base import Context, Outcome
from migrator.operations.liveness import endangered
from migrator.plan.plan import PlannedMigration, SourceStatement
from migrator.plan.step import SessionState, Step
from migrator.planner.approvals import Approvals, checked_names, entries_for
from migrator.planner.explicit_transactions import joined
from migrator.planner.phases import Item, in_phases
from migrator.planner.statement import items_of, plan_command, source_statement
from migrator.planner.touches import with_dependents
from migrator.policy import FileApproval, Policy
from migrator.postgres.facts import Facts
from migrator.sql.migration import Directive, Migration


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A file's part of the plan, and the facts after it."""

    source: Migration
    migration: PlannedMigration
    statements: tuple[SourceStatement, ...]
    steps: tuple[Step, ...]
    facts: Facts
    contexts: tuple[Context, ...] = ()
    """Where each statement stands; only where somebody asked for style."""
    used: frozenset[Directive] = frozenset()
    """Directives that took effect, or would have on other tables."""
    entries: frozenset[FileApproval] = frozenset()
    """Of the approvals file, those that approve something."""


@dataclass(slots=True, kw_only=True)
class _Progress:
    """What has been planned of a file so far."""

    context: Context
    statements: list[SourceStatement]
    items: list[tuple[Item, ...]]
    contexts: list[Context]
    used: set[Directive]
    entries: set[FileApproval]
    everything: bool = False


def plan_migration(migration: Migration, facts: Facts, policy: Policy) -> Planned:
    """Plan a file whose statements begin with these facts, and with the session that facts describe."""
    checked_names(migration)
    if not migration.statements:
        return _empty(migration, facts)
    first = _first(migration, facts, policy)
    progress = _Progress(context=first, statements=[], items=[], contexts=[], used=set(), entries=set())
    for index in range(1, len(migration.statements) + 1):
        _advance(progress, index)
    items = joined(progress.items, migration, progress.context)
    return _assembled(progress, tuple(item for part in items for item in part), facts)


def _first(migration: Migration, facts: Facts, policy: Policy) -> Context:
    statement = migration.statements[0]
    return Context(
        facts=facts,
        policy=policy,
        session=SessionState(role=facts.role, settings=facts.settings),
        search_path=facts.search_path,
        migration=migration,
        statement=statement,
        index=1,
        directives=(*statement.directives, *migration.directives),
    )


def _advance(progress: _Progress, index: int) -> None:
    """Plan the next statement and fold what it changes."""
    migration = progress.context.migration
    statement = migration.statements[index - 1]
    directives = (*statement.directives, *migration.directives)
    context = replace(progress.context, statement=statement, index=index, directives=directives)
    outcome = plan_command(context)
    approvals = Approvals.of(outcome.hazards, context)
    progress.statements.append(source_statement(outcome, approvals.hazards, context))
    progress.items.append(items_of(outcome, context))
    if context.policy.style:
        progress.contexts.append(context)
    progress.used |= {*approvals.used, *outcome.used}
    progress.entries |= set(approvals.entries)
    if _small_or_new(outcome, context):
        progress.used |= set(context.directives)
        progress.entries |= set(entries_for(context))
    progress.everything = progress.everything or outcome.touches_everything
    progress.context = _after(outcome, context)


def _small_or_new(outcome: Outcome, context: Context) -> bool:
    """Whether approvals find nothing to do only because these tables are new or small here."""
    touched = [context.facts.relation(name) for name in outcome.touches]
    known = [relation for relation in touched if relation is not None]
    return bool(known) and not any(endangered(relation, context) for relation in known)


def _after(outcome: Outcome, context: Context) -> Context:
    """Return the context of the next statement: facts, session, and whether a transaction is open."""
    return replace(
        context,
        facts=outcome.facts,
        session=context.session if outcome.session is None else outcome.session,
        search_path=context.search_path if outcome.search_path is None else outcome.search_path,
        transaction=outcome.transaction if outcome.controls_session else context.transaction,
    )


def _assembled(progress: _Progress, items: tuple[Item, ...], before: Facts) -> Planned:
    migration, context = progress.context.migration, progress.context
    touched = tuple(name for statement in progress.statements for name in statement.touches)
    planned = PlannedMigration(
        version=migration.version,
        name=migration.name,
        file=migration.file,
        touches=with_dependents(touched, before),
        touches_everything=progress.everything,
    )
    return Planned(
        source=migration,
        migration=planned,
        statements=tuple(progress.statements),
        steps=in_phases(items),
        facts=context.facts,
        contexts=tuple(progress.contexts),
        used=frozenset(progress.used),
        entries=frozenset(progress.entries),
    )


def _empty(migration: Migration, facts: Facts) -> Planned:
    planned = PlannedMigration(
        version=migration.version,
        name=migration.name,
        file=migration.file,
    )
    return Planned(source=migration, migration=planned, statements=(), steps=(), facts=facts)
