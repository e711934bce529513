"""The safe sequence of a type change that keeps the rows, but verifies constraints anew or rebuilds indexes.

CHECKs and foreign keys are dropped, and added again NOT VALID, in the transaction of the change: no row is
ever written without them, and nothing is read under its lock. They are validated afterwards. Indexes that the
server would rebuild under the lock are dropped CONCURRENTLY before and built CONCURRENTLY after it (decision
0070). ANALYZE follows, because the server forgets the column's statistics (decision 0071).

It may assume that `replaceable` said yes to every index, and that every constraint has a definition.
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations.base import Context
from migrator.operations.column_type_change import Affected, Rebuilt, Verified, tree_of
from migrator.operations.index_build import build_hazards, build_step, unhurried
from migrator.operations.steps import locks_on, step, transaction, validate
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_index import after_table, drop_index_concurrently, recreate
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard
from migrator.plan.step import DropIndex, Phase, Recovery, Step, Timeouts
from migrator.postgres.facts import RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

_UNDO_NOTE = "written by hand: what has been written since may not fit the old type"


def title(found: Affected) -> str:
    """What the step of the change is called."""
    columns = ", ".join(f"{change.name} to {change.new_type}" for change in found.changes)
    return f"ALTER COLUMN TYPE of {columns} of {found.table}"


def effect(found: Affected, context: Context) -> Effect:
    """Return the effect of the change in one step."""
    mode = LockMode.ACCESS_EXCLUSIVE
    names = (*found.tables, *found.partners)
    locks = tuple(dict.fromkeys(lock for name in names for lock in locks_on(name, mode, context.facts)))
    rewritten = _stored(found.tables if found.rewrites else (), context)
    read = [name for each in found.checks for name in tree_of(each.table, context)]
    read += [name for key in found.foreign_keys for name in (key.table, *_parent(key))]
    built = tuple(each.table for each in found.indexes)
    return Effect(
        locks=locks,
        scans=_stored(tuple(name for name in read if name not in rewritten), context),
        rewrites=rewritten,
        index_builds=_stored(built, context),
    )


def _stored(names: tuple[QualifiedName, ...], context: Context) -> tuple[QualifiedName, ...]:
    """Return those that have rows of their own: a partitioned table has none."""
    relations = {name: context.facts.relation(name) for name in names}
    return tuple(
        name for name, r in relations.items() if r is None or r.kind is not RelationKind.PARTITIONED_TABLE
    )


def statement(found: Affected, context: Context) -> Sql:
    """Return the user's statement, or ALTER TABLE with its changes of types alone."""
    alter = context.alter
    if alter is None or len(alter.actions) == len(found.changes):
        return Sql(context.statement.text)
    actions = [ddl.verbatim(change.action.text) for change in found.changes]
    return ddl.alter_table(context.named(alter.name), *actions, if_exists=alter.if_exists, only=alter.only)


def as_written(found: Affected, context: Context) -> Step:
    """Return the change as one step."""
    return transaction(
        context,
        title(found),
        (statement(found, context),),
        effect(found, context),
        as_written=True,
        undo_note=_UNDO_NOTE,
    )


def steps(found: Affected, felt: Affected, context: Context) -> tuple[Step, ...]:
    """Return the sequence; what is not of `felt` is done with the change: it is small."""
    drops = tuple(_drop(each, context) for each in felt.indexes)
    change = _change(found, felt, context, phase=Phase.VALIDATE if drops else Phase.EXPAND)
    validations = [validate(context, each.table, each.constraint.name, recipe="R6") for each in felt.checks]
    validations += [
        validate(context, key.table, key.constraint.name, partners=_parent(key), recipe="R7")
        for key in felt.foreign_keys
    ]
    builds = tuple(made for each in felt.indexes for made in _build(each, context))
    return (*drops, change, *builds, *validations)


def _change(found: Affected, felt: Affected, context: Context, *, phase: Phase) -> Step:
    constraints = [(each.table, each.constraint) for each in (*felt.checks, *felt.foreign_keys)]
    without = [ddl.alter_table(table, ddl.drop_constraint(c.name)) for table, c in constraints]
    again = [
        ddl.alter_table(
            table, ddl.add_constraint(c.name, ddl.as_the_server_wrote(c.definition), not_valid=True)
        )
        for table, c in constraints
    ]
    comments = [
        ddl.comment_on_constraint(c.name, table, c.comment)
        for table, c in constraints
        if c.comment is not None
    ]
    sql = (*without, statement(found, context), *again, *comments)
    done = effect(_less(found, felt), context)
    return transaction(context, title(found), sql, done, phase=phase, undo_note=_UNDO_NOTE)


def _less(found: Affected, felt: Affected) -> Affected:
    """What is left to the transaction of the change."""
    return replace(
        found,
        checks=tuple(each for each in found.checks if each not in felt.checks),
        foreign_keys=tuple(each for each in found.foreign_keys if each not in felt.foreign_keys),
        indexes=tuple(each for each in found.indexes if each not in felt.indexes),
    )


def _drop(rebuilt: Rebuilt, context: Context) -> Step:
    index = _name(rebuilt)
    again = recreate(rebuilt.index.definition)
    work = DropIndex(sql=drop_index_concurrently(index), table=rebuilt.table, index=index)
    return step(
        context,
        f"DROP INDEX CONCURRENTLY {index}",
        work,
        Recovery.PROBED,
        Effect(locks=(RelationLock(rebuilt.table, LockMode.SHARE_UPDATE_EXCLUSIVE),)),
        phase=Phase.VALIDATE,
        recipe="R21",
        undo=() if again is None else (again,),
        timeouts=unhurried(context),
    )


def _build(rebuilt: Rebuilt, context: Context) -> tuple[Step, ...]:
    index, sql = _name(rebuilt), recreate(rebuilt.index.definition)
    body = after_table(rebuilt.index.definition, rebuilt.index.name, rebuilt.table)
    if sql is None or body is None:
        message = f"the definition of {index} cannot be read"
        raise ValueError(message)
    made = build_step(context, table=rebuilt.table, index=index, sql=sql, unique=False, definition=body)
    comment = rebuilt.index.comment
    if comment is None:
        return (changed(made, undo=()),)
    said = (ddl.comment_on_index(index, comment),)
    where = Effect(locks=(RelationLock(rebuilt.table, LockMode.SHARE_UPDATE_EXCLUSIVE),))
    note = transaction(context, f"COMMENT ON INDEX {index}", said, where, phase=Phase.VALIDATE)
    return (changed(made, undo=()), note)


def replaceable(rebuilt: Rebuilt, context: Context) -> bool:
    """Whether the index can be away for a while, and its definition brings it back as it was."""
    index, relation = rebuilt.index, context.facts.relation(rebuilt.table)
    if relation is None or relation.kind is RelationKind.PARTITIONED_TABLE:
        return False
    known = after_table(index.definition, index.name, rebuilt.table) is not None
    return known and not index.unique and not index.special and index.constraint is None


def index_hazards(found: Affected, context: Context) -> tuple[Hazard, ...]:
    """Return what the builds cannot help."""
    tables = dict.fromkeys(each.table for each in found.indexes)
    return tuple(
        hazard
        for table in tables
        for hazard in build_hazards(table, context.facts.relation(table), context, unique=False)
    )


def analyze(found: Affected, context: Context) -> Step:
    """Return ANALYZE of the columns, or of all where an expression of an index has lost its statistics."""
    relations = [context.facts.relation(table) for table in found.tables]
    changed_names = {change.name for change in found.changes}
    expressions = any(
        None in index.keys and changed_names & set(index.mentions)
        for relation in relations
        if relation is not None
        for index in relation.indexes
    )
    columns = () if expressions else tuple(change.name for change in found.changes)
    locks = locks_on(found.table, LockMode.SHARE_UPDATE_EXCLUSIVE, context.facts)
    policy = context.policy
    shown = f" ({', '.join(columns)})" if columns else ""
    return transaction(
        context,
        f"ANALYZE {found.table}{shown}",
        (ddl.analyze(found.table, columns),),
        Effect(locks=locks),
        phase=Phase.VALIDATE,
        undo_note="statistics need no undo",
        timeouts=Timeouts(
            lock_ms=policy.statement_timeout_ms, statement_ms=None, deadline_s=policy.long_deadline_s
        ),
    )


def _parent(key: Verified) -> tuple[QualifiedName, ...]:
    parent = key.constraint.references
    return () if parent is None or parent == key.table else (parent,)


def _name(rebuilt: Rebuilt) -> QualifiedName:
    return QualifiedName(rebuilt.table.schema, rebuilt.index.name)
