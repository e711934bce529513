"""TRUNCATE.

What it does
    Empties tables, their partitions and children; with CASCADE every table that refers to them as well.

Why it is dangerous
    All rows are lost. It takes ACCESS EXCLUSIVE on every table that it empties (catalogue 176) and, as it is
    not MVCC-safe, transactions that began before see an empty table. CASCADE empties tables that nobody
    named. RESTART IDENTITY gives out numbers again that are known elsewhere.

What is done instead
    It waits in the contract phase for one approval, which names every table; all locks are taken together
    without queueing, then with short waits for one of them at a time. What the server would refuse (a
    referenced table without CASCADE) is an error of the plan. Tables that the plan makes, or that are known
    to be empty, are truncated as written.

Source
    Catalogue 176, 177; manual, TRUNCATE; Concurrency Control, "Caveats".
"""

import msgspec
from msgspec.structs import replace as changed

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.dependents import ForeignKeyOf, foreign_keys_to, owned_sequences
from migrator.operations.drop_table_hazards import listed
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import empty, in_use, rows_at_most
from migrator.operations.steps import approved_timeouts, as_written
from migrator.operations.target import missing_relation
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import KnownForm

NAME = "truncate"


class Emptied(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement empties."""

    named: tuple[QualifiedName, ...]
    all: tuple[QualifiedName, ...]
    """With partitions, children, and what CASCADE adds."""
    referring: tuple[ForeignKeyOf, ...]
    """Foreign keys of tables that are not named."""
    cascade: bool
    restart: bool


def _emptied(command: KnownForm, context: Context) -> Emptied:
    facts, cascade = context.facts, "CASCADE" in command.words
    named = tuple(dict.fromkeys(context.resolve(name) for name in command.relations))
    found = named if "ONLY" in command.words else _with_below(named, facts)
    referring = _referring(found, facts, cascade=cascade)
    added = _with_below(tuple(key.table for key in referring), facts) if cascade else ()
    return Emptied(
        named=named,
        all=tuple(dict.fromkeys((*found, *added))),
        referring=referring,
        cascade=cascade,
        restart="RESTART IDENTITY" in command.words,
    )


def _with_below(names: tuple[QualifiedName, ...], facts: Facts) -> tuple[QualifiedName, ...]:
    found: dict[QualifiedName, None] = {}
    for name in names:
        found[name] = None
        relation = facts.relation(name)
        if relation is not None:
            found |= dict.fromkeys(_with_below((*relation.partitions, *relation.children), facts))
    return tuple(found)


def _referring(names: tuple[QualifiedName, ...], facts: Facts, *, cascade: bool) -> tuple[ForeignKeyOf, ...]:
    """Return foreign keys of other tables; with CASCADE those of the tables that it adds, too."""
    found: dict[ForeignKeyOf, None] = {}
    seen, waiting = set(names), list(names)
    while waiting:
        for key in foreign_keys_to(waiting.pop(0), facts):
            if key.table not in seen:
                found[key] = None
                waiting += [key.table] if cascade else []
                seen |= {key.table} if cascade else set()
    return tuple(found)


def _plan(command: KnownForm, context: Context) -> Outcome:
    emptied = _emptied(command, context)
    effect = Effect(locks=_locks(emptied, context.facts), unknown=_unknown(emptied, context))
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=_hazards(emptied, context),
        steps=(_step(emptied, effect, context),),
        facts=_after(emptied, context.facts),
        touches=tuple(lock.relation for lock in effect.locks),
        as_written=True,
    )


def _locks(emptied: Emptied, facts: Facts) -> tuple[RelationLock, ...]:
    sequences = owned_sequences(emptied.all, facts) if emptied.restart else ()
    return tuple(RelationLock(name, LockMode.ACCESS_EXCLUSIVE) for name in (*emptied.all, *sequences))


def _unknown(emptied: Emptied, context: Context) -> bool:
    """CASCADE where nobody knows which tables refer to these."""
    return emptied.cascade and not all(context.facts.relation(name) for name in emptied.named)


def _step(emptied: Emptied, effect: Effect, context: Context) -> Step:
    title = f"TRUNCATE {', '.join(map(str, emptied.named))}"
    step = as_written(context, title, effect, undo_note="what is gone is gone")
    if not _used(emptied, context):
        return step
    phase = Phase.EXPAND if _nothing_lost(emptied, context) else Phase.CONTRACT
    return changed(step, phase=phase, timeouts=approved_timeouts(context))


def _after(emptied: Emptied, facts: Facts) -> Facts:
    def without_rows(relation: Relation) -> Relation:
        return changed(relation, rows=0, bytes=0)

    for name in emptied.all:
        facts = facts.changed(name, without_rows)
    return facts


# --- hazards


def _used(emptied: Emptied, context: Context) -> bool:
    return any(in_use(context.facts.relation(name), context) for name in emptied.all)


def _nothing_lost(emptied: Emptied, context: Context) -> bool:
    relations = [context.facts.relation(name) for name in emptied.all]
    known = all(relation is not None and empty(relation, context.facts) for relation in relations)
    return known and not _unknown(emptied, context)


def _hazards(emptied: Emptied, context: Context) -> tuple[Hazard, ...]:
    missing = tuple(hazard for name in emptied.named for hazard in missing_relation(name, context))
    if missing:
        return missing
    if emptied.referring and not emptied.cascade:
        return (_refused_by_server(emptied),)
    if not _used(emptied, context) or _nothing_lost(emptied, context):
        return ()
    return (_loss(emptied, context),)


def _refused_by_server(emptied: Emptied) -> Hazard:
    referring = listed(tuple(map(str, emptied.referring)))
    message = (
        f"other tables refer to {_shown(emptied)}: {referring}; the server refuses it, even if they are empty"
    )
    instead = "name these tables in the same TRUNCATE, or delete the rows in batches with DELETE"
    return wrong(HazardKind.DEPENDENT_OBJECTS, message, instead, emptied.named[0], "catalogue 177")


def _loss(emptied: Emptied, context: Context) -> Hazard:
    tables = [relation for name in emptied.named if (relation := context.facts.relation(name)) is not None]
    rows = [rows_at_most(relation, context.facts) for relation in tables]
    known = sum(count for count in rows if count is not None)
    size = f" with up to {known:,} rows" if tables and None not in rows else ""
    more = f"{_cascade(emptied, context)}{_restart(emptied)}"
    message = f"TRUNCATE destroys all rows of {_shown(emptied)}{size}{more}"
    instead = (
        "keep what is still needed, then approve it with the reason; DELETE removes chosen rows in batches"
    )
    return needs_approval(HazardKind.DATA_LOSS, message, instead, emptied.named[0], "catalogue 176")


def _cascade(emptied: Emptied, context: Context) -> str:
    if _unknown(emptied, context):
        return ", and CASCADE those of every table that refers to it, which are not known here"
    added = tuple(dict.fromkeys(str(key.table) for key in emptied.referring))
    return f", and CASCADE those of {listed(added)}" if added else ""


def _restart(emptied: Emptied) -> str:
    return "; numbers are given out again from the start" if emptied.restart else ""


def _shown(emptied: Emptied) -> str:
    return ", ".join(map(str, emptied.named))


TRUNCATE = FormOperation(
    name=NAME, form=KnownForm, outcome=_plan, when=lambda command, _: command.kind == "TRUNCATE"
)
