"""CREATE INDEX CONCURRENTLY as a step, for CREATE INDEX and for the constraints that rest on an index.

The step is a state machine: the catalog says whether the index is done, half done, absent or still being
built. It may assume that the name is free, or that of the remains of an earlier build.
"""

from migrator.operations.base import Context
from migrator.operations.hazards import good_to_know, warning
from migrator.operations.liveness import in_use, rows_at_most
from migrator.operations.steps import step
from migrator.plan.ddl import Sql
from migrator.plan.ddl_index import drop_index_concurrently
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import BuildIndex, Diagnosis, Phase, Recovery, Step, Timeouts
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

LARGE_ROWS = 10_000_000
"""From this many rows on a build is said to hold back vacuum."""


def build_step(
    context: Context,
    *,
    table: QualifiedName,
    index: QualifiedName,
    sql: Sql,
    unique: bool,
    definition: Sql,
    diagnoses: tuple[Diagnosis, ...] = (),
) -> Step:
    """Return CREATE INDEX CONCURRENTLY as a step of the validate phase."""
    lock = RelationLock(table, LockMode.SHARE_UPDATE_EXCLUSIVE)
    work = BuildIndex(
        sql=sql,
        table=table,
        index=index,
        unique=unique,
        definition=definition,
        drop_sql=drop_index_concurrently(index),
    )
    return step(
        context,
        f"{'CREATE UNIQUE' if unique else 'CREATE'} INDEX CONCURRENTLY {index.name} on {table}",
        work,
        Recovery.PROBED,
        Effect(locks=(lock,), scans=(table,), index_builds=(table,)),
        phase=Phase.VALIDATE,
        recipe="R20",
        undo=undo_build(index),
        diagnoses=diagnoses,
        timeouts=unhurried(context),
    )


def unhurried(context: Context) -> Timeouts:
    """Return the timeouts of CONCURRENTLY: lock_timeout would count against its waits for old snapshots."""
    return Timeouts(lock_ms=None, statement_ms=None, deadline_s=context.policy.long_deadline_s)


def build_hazards(
    table: QualifiedName, relation: Relation | None, context: Context, *, unique: bool
) -> tuple[Hazard, ...]:
    """Return what a concurrent build cannot see or cannot help."""
    hazards = []
    if unique:
        message = (
            f"rows of {table} with equal values make the build fail; the step names them with their counts"
        )
        hazards.append(good_to_know(HazardKind.MAY_FAIL_ON_DATA, message, relation=table))
    if unique and in_use(relation, context):
        hazards.append(
            warning(
                HazardKind.MAY_BREAK_WRITERS,
                f"a write that repeats a value fails from the moment the index of {table} is built, "
                "before it is valid",
                "make sure that the running application does not write duplicates",
                table,
                "catalogue 156, appendix A 5",
            )
        )
    return (*hazards, *holds_back_vacuum(table, relation, context))


def holds_back_vacuum(
    table: QualifiedName, relation: Relation | None, context: Context
) -> tuple[Hazard, ...]:
    """Return the warning about a long build of a very large table."""
    rows = None if relation is None else rows_at_most(relation, context.facts)
    if rows is None or rows < LARGE_ROWS:
        return ()
    message = (
        f"the build reads about {rows:,} rows of {table} twice, and until it ends vacuum removes "
        "no row version"
    )
    instead = "run it when few rows change; it can be cancelled and starts again"
    return (warning(HazardKind.HOLDS_BACK_VACUUM, message, instead, table),)


def undo_build(index: QualifiedName) -> tuple[Sql, ...]:
    """Return what removes the index."""
    return (drop_index_concurrently(index),)
