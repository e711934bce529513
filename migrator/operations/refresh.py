"""REFRESH MATERIALIZED VIEW, with and without CONCURRENTLY.

What it does
    Runs the query of the view again and keeps its rows.

Why it is dangerous
    Nobody reads the view until the query has ended: it is filled under ACCESS EXCLUSIVE (catalogue 200).
    CONCURRENTLY lets readers go on, but it needs a unique index over columns of all rows, and a view that was
    filled before. WITH NO DATA leaves a view whose every reader fails.

What is done instead
    REFRESH … CONCURRENTLY, in the validate phase and for as long as it takes, where such an index exists; a
    view that is small, new in the plan or not filled yet is refreshed as written. Otherwise it needs an
    approval.

Source
    Catalogue 200; manual, REFRESH MATERIALIZED VIEW.
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import answered, needs_approval, wrong
from migrator.operations.liveness import endangered, in_use, live
from migrator.operations.steps import approved_timeouts, as_written_without_lock_table, step
from migrator.operations.target import missing_relation
from migrator.plan.ddl_index import refresh_concurrently
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Recovery, Step, Timeouts, Transaction
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import KnownForm

NAME = "refresh-materialized-view"

_CONCURRENTLY = "REFRESH MATERIALIZED VIEW CONCURRENTLY"
_KINDS = frozenset({"REFRESH MATERIALIZED VIEW", _CONCURRENTLY})


def _plan(command: KnownForm, context: Context) -> Outcome:
    view = context.resolve(command.relations[0])
    concurrently, emptied = command.kind == _CONCURRENTLY, "WITH NO DATA" in command.words
    outcome = Outcome(
        operation=NAME,
        effect=_effect(view, concurrently=concurrently, emptied=emptied),
        facts=_after(context.facts, view, populated=not emptied),
        touches=(view,),
    )
    relation = context.facts.relation(view)
    stopped = missing_relation(view, context) or _refused_by_server(command, relation, context)
    if stopped:
        return replace(outcome, hazards=stopped)
    if concurrently:
        return replace(outcome, steps=(_written(outcome, context, long=True),), as_written=True)
    if emptied:
        return _emptied(outcome, relation, context)
    if not _read_by_somebody(relation, context):
        return replace(outcome, steps=(_written(outcome, context, long=True),), as_written=True)
    if relation is not None and _usable_index(relation):
        return replace(outcome, steps=(_concurrent(view, context),), hazards=(_answered(view),))
    return _refused(outcome, view, context)


def _effect(view: QualifiedName, *, concurrently: bool, emptied: bool) -> Effect:
    mode = LockMode.EXCLUSIVE if concurrently else LockMode.ACCESS_EXCLUSIVE
    done = () if emptied else (view,)
    return Effect(
        locks=(RelationLock(view, mode),),
        scans=done if concurrently else (),
        rewrites=() if concurrently else done,
    )


def _after(facts: Facts, view: QualifiedName, *, populated: bool) -> Facts:
    rows = None if populated else 0
    return facts.changed(view, lambda r: changed(r, populated=populated, rows=rows, bytes=rows))


def _read_by_somebody(relation: Relation | None, context: Context) -> bool:
    """Whether readers would wait for as long as the query takes; a view not filled yet has no reader."""
    return endangered(relation, context) and (relation is None or relation.populated)


def _usable_index(relation: Relation) -> bool:
    """Whether CONCURRENTLY can tell rows apart: a unique index over columns, of all rows."""
    return relation.populated and any(
        index.unique and index.valid and index.predicate is None and None not in index.keys
        for index in relation.indexes
    )


def _written(outcome: Outcome, context: Context, *, long: bool) -> Step:
    view = outcome.touches[0]
    made = as_written_without_lock_table(
        context, f"REFRESH MATERIALIZED VIEW {view}", outcome.effect, undo_note=_NO_UNDO
    )
    if not long or not live(context):
        return made
    return changed(made, phase=Phase.VALIDATE, timeouts=_unhurried(context))


def _concurrent(view: QualifiedName, context: Context) -> Step:
    return step(
        context,
        f"{_CONCURRENTLY} {view}",
        Transaction(statements=(refresh_concurrently(view),)),
        Recovery.TRANSACTIONAL,
        Effect(locks=(RelationLock(view, LockMode.EXCLUSIVE),), scans=(view,)),
        phase=Phase.VALIDATE,
        timeouts=_unhurried(context),
        undo_note=_NO_UNDO,
    )


_NO_UNDO = "the rows of before are gone; the query gives those of now"


def _unhurried(context: Context) -> Timeouts:
    """Short waits for the lock, then as long as the query takes."""
    policy = context.policy
    return Timeouts(lock_ms=policy.lock_budget_ms, statement_ms=None, deadline_s=policy.long_deadline_s)


# --- hazards


def _refused_by_server(command: KnownForm, relation: Relation | None, context: Context) -> tuple[Hazard, ...]:
    """CONCURRENTLY without what it needs."""
    if command.kind != _CONCURRENTLY or relation is None or not context.facts.complete:
        return ()
    if "WITH NO DATA" in command.words:
        message, instead = "CONCURRENTLY and WITH NO DATA exclude each other", "write one of them"
    elif not relation.populated:
        message = f"{relation.name} is not filled yet: the server refuses CONCURRENTLY"
        instead = "write REFRESH MATERIALIZED VIEW, for the first time"
    elif not _usable_index(relation):
        message = (
            f"{relation.name} has no unique index over columns of all rows: the server refuses CONCURRENTLY"
        )
        instead = f"CREATE UNIQUE INDEX on {relation.name} before"
    else:
        return ()
    return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, instead, relation.name, "catalogue 200"),)


def _answered(view: QualifiedName) -> Hazard:
    message = f"REFRESH fills {view} under ACCESS EXCLUSIVE: nobody reads it until its query has ended"
    return answered(HazardKind.TABLE_REWRITE, message, "it is done CONCURRENTLY", view, "catalogue 200")


def _refused(outcome: Outcome, view: QualifiedName, context: Context) -> Outcome:
    message = f"REFRESH fills {view} under ACCESS EXCLUSIVE: nobody reads it until its query has ended"
    instead = f"CREATE UNIQUE INDEX on {view}, over columns and all rows: then it is done CONCURRENTLY"
    hazard = needs_approval(HazardKind.TABLE_REWRITE, message, instead, view, "catalogue 200")
    return replace(
        outcome, hazards=(hazard,), steps=(_written(outcome, context, long=True),), as_written=True
    )


def _emptied(outcome: Outcome, relation: Relation | None, context: Context) -> Outcome:
    view = outcome.touches[0]
    made = _written(outcome, context, long=False)
    if not in_use(relation, context) or (relation is not None and not relation.populated):
        return replace(outcome, steps=(made,), as_written=True)
    message = f"WITH NO DATA empties {view}: every query of it fails until it is filled again"
    instead = "deploy code that does not read it first, then approve it with the reason"
    hazard = needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, view, "catalogue 200")
    waiting = changed(made, phase=Phase.CONTRACT, timeouts=approved_timeouts(context))
    return replace(outcome, hazards=(hazard,), steps=(waiting,), as_written=True)


REFRESH = FormOperation(
    name=NAME, form=KnownForm, outcome=_plan, when=lambda command, _: command.kind in _KINDS
)
