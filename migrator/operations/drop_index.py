"""DROP INDEX, with and without CONCURRENTLY.

What it does
    Removes an index. No data is lost; what the index did for queries, uniqueness and ON CONFLICT is.

Why it is dangerous
    DROP INDEX queues for ACCESS EXCLUSIVE on the index's table: until it has it, every later read and
    write of the table waits behind it (catalogue 158). CONCURRENTLY waits for them instead, but it cannot
    run in a transaction, takes one index at a time, and does not work on indexes of constraints or
    partitioned tables; interrupted, it leaves an index that is maintained and not used (catalogue 159).

What is done instead
    R21: DROP INDEX CONCURRENTLY, one step for each index, in the validate phase. It is done when the
    index is absent. The index of a partitioned table goes in one transaction that takes the locks on
    all partitions beforehand, at once or not at all (R22). The undo builds it again from its
    definition. That queries become slower, and that ON CONFLICT over a unique index fails, cannot be
    seen from here and is said.

Source
    Catalogue 148, 158, 159, R21; manual, DROP INDEX.
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import answered, needs_approval, warning, wrong
from migrator.operations.index_build import unhurried
from migrator.operations.index_facts import resolve_index, without_index
from migrator.operations.liveness import in_use
from migrator.operations.partition_tree import partitioned
from migrator.operations.steps import approved_timeouts, as_written, locks_on, step, transaction
from migrator.plan.ddl_each_partition import drop_partitioned_index
from migrator.plan.ddl_index import drop_index_concurrently, recreate
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import DropIndex, Phase, Recovery, Step
from migrator.postgres.facts import Constraint, Index, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import Drop

NAME = "drop-index"


def _plan(command: Drop, context: Context) -> Outcome:
    names = tuple(resolve_index(name, context) for name in command.names)
    found = {name: context.facts.relation_with_index(name) for name in names}
    facts = context.facts
    for name, relation in found.items():
        facts = facts if relation is None else without_index(facts, relation.name, name.name)
    outcome = Outcome(
        operation=NAME,
        effect=_effect_as_written(command, found, context),
        facts=facts,
        touches=tuple(name if relation is None else relation.name for name, relation in found.items()),
    )
    absent = [name for name, relation in found.items() if relation is None and context.facts.complete]
    if absent and not command.if_exists:
        return replace(outcome, hazards=tuple(_missing(name) for name in absent))
    there = {name: relation for name, relation in found.items() if name not in absent}
    if not there:
        return replace(outcome, note=f"{', '.join(map(str, absent))} is absent already")
    return _present(outcome, command, there, context)


def _present(
    outcome: Outcome, command: Drop, found: dict[QualifiedName, Relation | None], context: Context
) -> Outcome:
    blocking = [h for name, relation in found.items() for h in _blocking(name, relation, context)]
    if blocking:
        return replace(outcome, hazards=tuple(blocking))
    used = any(in_use(relation, context) for relation in found.values())
    if not used and not command.concurrently:
        title = f"DROP INDEX {', '.join(name.name for name in found)}"
        return replace(outcome, steps=(as_written(context, title, outcome.effect),), as_written=True)
    refusal = _refusal(command, found)
    if refusal is not None:
        return _refused(outcome, refusal, command, context)
    steps = tuple(_drop(name, relation, context) for name, relation in found.items())
    hazards = [h for name, relation in found.items() for h in _hazards(command, name, relation)]
    return replace(outcome, steps=steps, hazards=tuple(hazards))


def _drop(index: QualifiedName, relation: Relation | None, context: Context) -> Step:
    if relation is not None and partitioned(relation):
        return _drop_partitioned(index, relation, context)
    table = index if relation is None else relation.name
    known = None if relation is None else relation.index(index.name)
    again = None if known is None else recreate(known.definition)
    work = DropIndex(sql=drop_index_concurrently(index), table=table, index=index)
    locks = (RelationLock(table, LockMode.SHARE_UPDATE_EXCLUSIVE),)
    made = step(
        context,
        f"DROP INDEX CONCURRENTLY {index}",
        work,
        Recovery.PROBED,
        Effect(locks=locks),
        phase=Phase.VALIDATE,
        recipe="R21",
        undo=() if again is None else (again,),
        timeouts=unhurried(context),
    )
    return made if again else _without_undo(made)


def _drop_partitioned(index: QualifiedName, relation: Relation, context: Context) -> Step:
    """All locks beforehand, none of them queued for while others are held; then the catalog only."""
    return transaction(
        context,
        f"DROP INDEX {index}, and those of the partitions",
        (drop_partitioned_index(index),),
        Effect(locks=locks_on(relation.name, LockMode.ACCESS_EXCLUSIVE, context.facts)),
        phase=Phase.VALIDATE,
        recipe="R22",
        undo_note="CREATE INDEX on the partitioned table builds the indexes of all partitions again",
    )


def _without_undo(made: Step) -> Step:
    note = "the definition of the index is not known, so it cannot be built again"
    return changed(made, undo_note=note)


def _hazards(command: Drop, index: QualifiedName, relation: Relation | None) -> list[Hazard]:
    table = index if relation is None else relation.name
    known = None if relation is None else relation.index(index.name)
    slower = warning(
        HazardKind.BREAKS_RUNNING_CODE, _loss(index, known), "drop it when no running code needs it", table
    )
    if command.concurrently:
        return [slower]
    if partitioned(relation):
        return [_answered_partitioned(table), slower]
    message = (
        f"DROP INDEX waits for ACCESS EXCLUSIVE on {table}, and every later read and write waits behind it"
    )
    instead = "it is dropped CONCURRENTLY, outside a transaction"
    return [
        answered(HazardKind.INDEX_DROP_BLOCKS, message, instead, table, "catalogue 158, R21"),
        slower,
    ]


def _answered_partitioned(table: QualifiedName) -> Hazard:
    return answered(
        HazardKind.INDEX_DROP_BLOCKS,
        f"DROP INDEX takes ACCESS EXCLUSIVE on {table} and its partitions one by one, and waits while "
        "it holds those it has",
        "all of them are taken at once or not at all, within the lock budget",
        table,
        "catalogue 148, R22",
    )


def _loss(index: QualifiedName, known: Index | None) -> str:
    if known is not None and known.unique:
        return (
            f"{index} is unique: ON CONFLICT over its columns fails without it, and duplicates "
            "become possible"
        )
    return f"queries that use {index} become slower"


def _blocking(index: QualifiedName, relation: Relation | None, context: Context) -> list[Hazard]:
    """What makes the server refuse the statement."""
    known = None if relation is None else relation.index(index.name)
    if known is None or relation is None:
        return []
    owner = _owner(known, relation)
    if owner is not None:
        message = (
            f"{index} belongs to the constraint {owner} of {relation.name}; the server refuses to drop it"
        )
        instead = f"write ALTER TABLE {relation.name} DROP CONSTRAINT {owner}"
        return [wrong(HazardKind.NO_SAFE_SEQUENCE, message, instead, relation.name, "catalogue 159")]
    return [
        wrong(
            HazardKind.NO_SAFE_SEQUENCE,
            f"the foreign key {constraint.name} of {other.name} rests on {index}",
            "drop the foreign key first",
            relation.name,
        )
        for other in context.facts.relations
        for constraint in other.constraints
        if _rests_on(constraint, known, relation)
    ]


def _rests_on(constraint: Constraint, index: Index, relation: Relation) -> bool:
    """Whether a foreign key needs the index; by its columns, where facts do not name the index."""
    if constraint.references != relation.name:
        return False
    if constraint.index is not None:
        return constraint.index == index.name
    return index.unique and set(constraint.referenced_columns) == set(index.keys)


def _owner(index: Index, relation: Relation) -> str | None:
    """Return the constraint of the table itself that the index belongs to."""
    if index.constraint is not None:
        return index.constraint
    own = [c.name for c in relation.constraints if c.index == index.name and c.references is None]
    return own[0] if own else None


def _refusal(command: Drop, found: dict[QualifiedName, Relation | None]) -> Hazard | None:
    whole = [relation.name for relation in found.values() if relation and partitioned(relation)]
    if whole and command.concurrently:
        return needs_approval(
            HazardKind.NO_SAFE_SEQUENCE,
            f"{whole[0]} is partitioned: its index is only dropped under ACCESS EXCLUSIVE on all partitions",
            "leave out CONCURRENTLY: nothing is read under that lock, and it is only taken where it is free",
            whole[0],
            "catalogue 148",
        )
    if command.cascade:
        message = "CASCADE drops what depends on the index, and does not work CONCURRENTLY"
        return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, "drop what depends on it first")
    return None


def _refused(outcome: Outcome, refusal: Hazard, command: Drop, context: Context) -> Outcome:
    if command.concurrently:
        message = f"{refusal.message}; the server refuses CONCURRENTLY"
        return replace(outcome, hazards=(wrong(refusal.kind, message, refusal.instead, refusal.relation),))
    plain = as_written(context, "DROP INDEX", outcome.effect, timeouts=approved_timeouts(context))
    return replace(outcome, hazards=(refusal,), steps=(plain,), as_written=True)


def _effect_as_written(
    command: Drop, found: dict[QualifiedName, Relation | None], context: Context
) -> Effect:
    mode = LockMode.SHARE_UPDATE_EXCLUSIVE if command.concurrently else LockMode.ACCESS_EXCLUSIVE
    tables = dict.fromkeys(relation.name for relation in found.values() if relation is not None)
    return Effect(locks=tuple(lock for table in tables for lock in locks_on(table, mode, context.facts)))


def _missing(index: QualifiedName) -> Hazard:
    message = f"the index {index} does not exist"
    return needs_approval(
        HazardKind.MISSING_OBJECT, message, "mend the name or the order of the files", index
    )


DROP_INDEX = FormOperation(
    name=NAME, form=Drop, outcome=_plan, when=lambda command, _: command.object_kind == "INDEX"
)
