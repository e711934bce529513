"""Builders of steps: the one place where phases, timeouts and recoveries are given to SQL.

A step comes from here without migration, id, file and place; the planner fills those in. It may assume that
SQL comes from `plan.ddl` or is a slice of the file. Timeouts follow from the effect: what blocks a relation
in use gets the lock budget, what is long under harmless locks gets the long deadline.
"""

from typing import TypedDict, Unpack

import msgspec

from migrator.operations.base import Context
from migrator.operations.liveness import felt, live
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.step import (
    Autocommit,
    Backfill,
    Diagnosis,
    Phase,
    Recovery,
    Step,
    Timeouts,
    Transaction,
    Work,
)
from migrator.postgres.facts import Facts, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

_SMALL_TABLE_FACTOR = 5
"""Work on a small table in use may take this many lock budgets before it is cancelled and tried again."""

_LOCKABLE = {RelationKind.TABLE, RelationKind.PARTITIONED_TABLE}


class Details(TypedDict, total=False):
    """What a step may have besides its SQL and effect."""

    phase: Phase
    timeouts: Timeouts
    operation: str
    recipe: str | None
    undo: tuple[str, ...]
    undo_note: str
    diagnoses: tuple[Diagnosis, ...]
    preconditions: tuple[Diagnosis, ...]
    as_written: bool
    commutes: bool


def step(
    context: Context,
    title: str,
    work: Work,
    recovery: Recovery,
    effect: Effect,
    **details: Unpack[Details],
) -> Step:
    """Return a step of any kind of work; `phase` is expand and `timeouts` follow the effect unless given."""
    made = Step(
        migration="",
        id="",
        statement=context.index,
        phase=Phase.EXPAND,
        title=title.replace("\n", r"\n"),  # of a name: a title is one line
        work=work,
        recovery=recovery,
        effect=effect,
        session=context.session,
        timeouts=timeouts_for(effect, context),
    )
    return msgspec.structs.replace(made, **details)


def transaction(
    context: Context, title: str, statements: tuple[Sql, ...], effect: Effect, **details: Unpack[Details]
) -> Step:
    """Return statements in one short transaction that first takes the strong locks of `effect`.

    LOCK TABLE takes partitions and children too, so they are in the step's effect whether the statements
    need them or not.
    """
    work = Transaction(statements=statements, acquire=acquirable(effect, context.facts))
    effect = _with_all_below(effect, work.acquire, context.facts)
    return step(context, title, work, Recovery.TRANSACTIONAL, effect, **details)


def as_written(context: Context, title: str, effect: Effect, **details: Unpack[Details]) -> Step:
    """Return the user's statement, or its one action, unchanged and in a transaction."""
    details["as_written"] = True
    return transaction(context, title, (written(context),), effect, **details)


def as_written_without_lock_table(
    context: Context, title: str, effect: Effect, **details: Unpack[Details]
) -> Step:
    """Return the user's statement where LOCK TABLE cannot take its locks: views, indexes, sequences."""
    details["as_written"] = True
    work = Transaction(statements=(written(context),))
    return step(context, title, work, Recovery.TRANSACTIONAL, effect, **details)


def as_written_at_length(context: Context, title: str, effect: Effect, phase: Phase, undo_note: str) -> Step:
    """Return the user's INSERT, UPDATE or DELETE in one transaction that may take as long as it takes."""
    policy = context.policy
    limits = Timeouts(
        lock_ms=policy.statement_timeout_ms, statement_ms=None, deadline_s=policy.long_deadline_s
    )
    return as_written(context, title, effect, phase=phase, undo_note=undo_note, timeouts=limits)


def autocommit(context: Context, title: str, effect: Effect, **details: Unpack[Details]) -> Step:
    """Return the user's statement, unchanged, outside a transaction block; no catalog proves its outcome."""
    details["as_written"] = True
    return step(context, title, Autocommit(sql=written(context)), Recovery.UNPROVABLE, effect, **details)


def validate(
    context: Context,
    table: QualifiedName,
    constraint: str,
    *,
    partners: tuple[QualifiedName, ...] = (),
    **details: Unpack[Details],
) -> Step:
    """Return VALIDATE CONSTRAINT in its own transaction: a scan, and reads and writes go on."""
    locks = [*locks_on(table, LockMode.SHARE_UPDATE_EXCLUSIVE, context.facts)]
    locks += [RelationLock(partner, LockMode.ROW_SHARE) for partner in partners]
    effect = Effect(locks=tuple(locks), scans=(table, *partners))
    details.setdefault("phase", Phase.VALIDATE)
    sql = ddl.alter_table(table, ddl.validate_constraint(constraint))
    return transaction(context, f"VALIDATE CONSTRAINT {constraint} of {table}", (sql,), effect, **details)


def backfill(
    context: Context,
    title: str,
    work: Backfill,
    *,
    effect: Effect | None = None,
    **details: Unpack[Details],
) -> Step:
    """Return a walk in batches: row locks only, and no batch waits longer than the budget for one.

    `effect` is that of a batch, where it reaches more than the table.
    """
    if effect is None:
        effect = Effect(locks=locks_on(work.table, LockMode.ROW_EXCLUSIVE, context.facts))
    policy = context.policy
    details.setdefault("phase", Phase.BACKFILL)
    details.setdefault("undo_note", "rows keep the values they were given")
    details.setdefault(
        "timeouts",
        Timeouts(
            lock_ms=policy.lock_budget_ms,
            statement_ms=policy.statement_timeout_ms,
            deadline_s=policy.long_deadline_s,
        ),
    )
    return step(context, title, work, Recovery.CHECKPOINTED, effect, **details)


def written(context: Context) -> Sql:
    """Return the exact text of the statement, or ALTER TABLE with the one action that `context` is about."""
    alter = context.alter
    if alter is None or context.action is None or len(alter.actions) == 1:
        return Sql(context.statement.text)
    action = ddl.verbatim(context.action.text)
    return ddl.alter_table(context.named(alter.name), action, if_exists=alter.if_exists, only=alter.only)


# --- effects


def locks_on(name: QualifiedName, mode: LockMode, facts: Facts) -> tuple[RelationLock, ...]:
    """Return the lock on a relation, and on its partitions and children, which ALTER TABLE locks too."""
    relation = facts.relation(name)
    below = () if relation is None else (*relation.partitions, *relation.children)
    return (RelationLock(name, mode), *(lock for child in below for lock in locks_on(child, mode, facts)))


def partition_locks(name: QualifiedName, mode: LockMode, facts: Facts) -> tuple[RelationLock, ...]:
    """Return the lock on a relation and on its partitions: foreign keys do not reach inheritance children."""
    relation = facts.relation(name)
    below = () if relation is None else relation.partitions
    return (RelationLock(name, mode), *(lock for p in below for lock in partition_locks(p, mode, facts)))


def effect_on(context: Context, name: QualifiedName, mode: LockMode = LockMode.ACCESS_EXCLUSIVE) -> Effect:
    """Return the effect of a quick ALTER TABLE."""
    return Effect(locks=locks_on(name, mode, context.facts))


def acquirable(effect: Effect, facts: Facts) -> tuple[RelationLock, ...]:
    """Return the locks on tables that block reads or writes: LOCK TABLE can take them beforehand."""
    return tuple(lock for lock in effect.locks if lock.mode.blocks_writes and _lockable(lock.relation, facts))


def _with_all_below(effect: Effect, acquired: tuple[RelationLock, ...], facts: Facts) -> Effect:
    """Return the effect with the locks that LOCK TABLE takes on what is below a table."""
    named = {lock.relation for lock in effect.locks}
    below = [each for lock in acquired for each in locks_on(lock.relation, lock.mode, facts)]
    more = dict.fromkeys(lock for lock in below if lock.relation not in named)
    return msgspec.structs.replace(effect, locks=(*effect.locks, *more)) if more else effect


def _lockable(name: QualifiedName, facts: Facts) -> bool:
    relation = facts.relation(name)
    return not facts.complete if relation is None else relation.kind in _LOCKABLE


# --- timeouts


def timeouts_for(effect: Effect, context: Context) -> Timeouts:
    """Return the timeouts that follow from the effect."""
    policy = context.policy
    if not live(context) or not felt(effect, context):
        limit = None if effect.long or not live(context) else policy.statement_timeout_ms
        deadline = policy.lock_deadline_s if limit else policy.long_deadline_s
        return Timeouts(lock_ms=policy.statement_timeout_ms, statement_ms=limit, deadline_s=deadline)
    factor = _SMALL_TABLE_FACTOR if effect.long else 1
    return Timeouts(
        lock_ms=policy.lock_budget_ms,
        statement_ms=policy.lock_budget_ms * factor,
        deadline_s=policy.lock_deadline_s,
    )


def approved_timeouts(context: Context) -> Timeouts:
    """Return the timeouts of dangerous work that a person approved: short waits, then as long as it takes."""
    policy = context.policy
    return Timeouts(lock_ms=policy.lock_budget_ms, statement_ms=None, deadline_s=policy.long_deadline_s)
