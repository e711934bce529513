"""CREATE INDEX, with and without CONCURRENTLY.

What it does
    Builds an index; UNIQUE also forbids values that stand more than once.

Why it is dangerous
    CREATE INDEX takes SHARE on the table for as long as the build takes: reads go on, every write waits
    (catalogue 153). CONCURRENTLY does not, but it cannot run in a transaction, waits for every older
    snapshot in the database, counts those waits against lock_timeout, and leaves an invalid index behind
    when it is interrupted; IF NOT EXISTS then reports success over that remnant, or over another index of
    the name (catalogue 154 to 156).

What is done instead
    R20: CREATE INDEX CONCURRENTLY under the name that the server would have chosen, without a lock
    timeout and under a deadline of its own. The catalog says afterwards whether the index is done, half
    done (it is dropped and built again), absent or still being built. Duplicates under a unique index are
    named with their counts. It runs in the validate phase, after backfills of its columns. Tables that
    are small, empty or new in the plan get the statement as written.

Source
    Catalogue 153 to 157, R20; manual, CREATE INDEX, "Building Indexes Concurrently".
"""

from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import answered, needs_approval, wrong
from migrator.operations.index_build import build_hazards, build_step, undo_build
from migrator.operations.index_facts import index_of, same_index, with_index
from migrator.operations.index_name import index_name
from migrator.operations.liveness import endangered
from migrator.operations.names import relation_exists
from migrator.operations.partition_tree import foreign_partition, partitioned, spread
from migrator.operations.partitioned_index import PartitionedIndex, index_steps
from migrator.operations.steps import (
    approved_timeouts,
    as_written,
    as_written_without_lock_table,
    locks_on,
    written,
)
from migrator.operations.target import extension_owned, missing_relation
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_each_partition import drop_partitioned_index, index_on_branch, index_on_only
from migrator.plan.ddl_index import (
    column_key,
    create_index_concurrently,
    duplicates,
)
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import BuildIndex, Diagnosis
from migrator.postgres.facts import Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import CreateIndex, IndexElement

NAME = "create-index"

_INDEXABLE = {RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.MATERIALIZED_VIEW}


def _plan(command: CreateIndex, context: Context) -> Outcome:
    table = context.resolve(command.table)
    relation = context.facts.relation(table)
    effect = _effect_as_written(command, table, context)
    outcome = Outcome(operation=NAME, effect=effect, facts=context.facts, touches=(table,))
    name = index_name(command, table, context.facts)
    if name is None:
        return _nameless(outcome, command, context)
    index = QualifiedName(table.schema, name)
    taken = _taken(command, index, relation, context)
    if isinstance(taken, str):
        return replace(outcome, effect=Effect(locks=effect.locks), note=taken)
    hazards = (
        *missing_relation(table, context),
        *_not_indexable(relation),
        *extension_owned(relation),
        *taken,
    )
    if command.if_not_exists and relation_exists(index, context.facts):
        outcome = replace(outcome, effect=Effect(locks=effect.locks))
    facts = with_index(context, table, index_of(command, name, context))
    folded = replace(outcome, facts=facts if command.only else spread(facts, table))
    safe = _safe_or_refused(folded, command, index, relation, context)
    return replace(safe, hazards=(*hazards, *safe.hazards))


def _safe_or_refused(
    outcome: Outcome, command: CreateIndex, index: QualifiedName, relation: Relation | None, context: Context
) -> Outcome:
    table = outcome.touches[0]
    if partitioned(relation) and command.only and not command.concurrently:
        return _on_only(outcome, index, context)
    refusal = _refusal(command, table, relation, context)
    if refusal is not None and (command.concurrently or endangered(relation, context)):
        return _refused(outcome, refusal, command, context)
    if not command.concurrently and not endangered(relation, context):
        plain = as_written(
            context, _title(index, table), outcome.effect, operation=NAME, undo=undo_build(index)
        )
        return replace(outcome, steps=(plain,), as_written=True)
    if partitioned(relation):
        return _partitioned(outcome, command, index, relation, context)
    build = build_step(
        context,
        table=table,
        index=index,
        sql=_concurrent_sql(command, index, context),
        unique=command.unique,
        definition=ddl.verbatim(command.body),
        diagnoses=_diagnoses(command, table),
    )
    hazards = (*_answered(command, table), *build_hazards(table, relation, context, unique=command.unique))
    same = isinstance(build.work, BuildIndex) and build.work.sql == context.statement.text
    return replace(outcome, steps=(changed(build, as_written=same),), hazards=hazards, as_written=same)


def _partitioned(
    outcome: Outcome, command: CreateIndex, index: QualifiedName, relation: Relation | None, context: Context
) -> Outcome:
    """R19: the index of the table alone, then one for each partition."""
    table, body = outcome.touches[0], ddl.verbatim(command.body)
    wanted = PartitionedIndex(
        table=table,
        index=index,
        body=body,
        unique=command.unique,
        label="idx",
        on_only=index_on_only(index.name, table, body, unique=command.unique),
        branch=index_on_branch(body, unique=command.unique),
        recipe="R19",
        undo=(drop_partitioned_index(index),),
        diagnoses=_diagnoses(command, table),
    )
    message = f"CREATE INDEX holds SHARE on {table} and all its partitions while it builds: every write waits"
    instead = "the index of each partition is built CONCURRENTLY and attached"
    kind = HazardKind.INDEX_BUILD_BLOCKS_WRITES
    found = answered(kind, message, instead, table, "catalogue 144 to 147, R19")
    hazards = (found, *build_hazards(table, relation, context, unique=command.unique))
    return replace(outcome, steps=index_steps(wanted, context), hazards=hazards)


def _on_only(outcome: Outcome, index: QualifiedName, context: Context) -> Outcome:
    """ON ONLY a partitioned table: nothing is built, and no partition is locked."""
    effect = Effect(locks=(RelationLock(outcome.touches[0], LockMode.SHARE),))
    plain = as_written_without_lock_table(
        context, _title(index, outcome.touches[0]), effect, undo=(drop_partitioned_index(index),)
    )
    return replace(outcome, effect=effect, steps=(plain,), as_written=True)


def _answered(command: CreateIndex, table: QualifiedName) -> tuple[Hazard, ...]:
    if command.concurrently:
        return ()
    return (
        answered(
            HazardKind.INDEX_BUILD_BLOCKS_WRITES,
            f"CREATE INDEX holds SHARE on {table} while it builds: every write waits",
            "it is built CONCURRENTLY, outside a transaction",
            table,
            "catalogue 153, R20",
        ),
    )


def _taken(
    command: CreateIndex, index: QualifiedName, relation: Relation | None, context: Context
) -> str | tuple[Hazard, ...]:
    """Say whether nothing is to be done (a note), or what stands in the way."""
    found = None if relation is None else relation.index(index.name)
    if found is None:
        if not relation_exists(index, context.facts):
            return ()
        return (_name_taken(f"{index} exists and is not an index of this table", index),)
    if not found.valid and not partitioned(relation):
        return ()
    same = same_index(found, index_of(command, index.name, context))
    if same is False:
        known = f": {found.definition}" if found.definition else ""
        return (_name_taken(f"{index} exists with another definition{known}", index),)
    if not command.if_not_exists:
        return (_name_taken(f"{index} exists already", index),)
    return f"{index} exists with this definition" if same else ()


def _name_taken(message: str, index: QualifiedName) -> Hazard:
    instead = "give the new index another name, or drop the old one first"
    return wrong(HazardKind.NAME_TAKEN, message, instead, index, "catalogue 154")


def _not_indexable(relation: Relation | None) -> tuple[Hazard, ...]:
    if relation is None or relation.kind in _INDEXABLE:
        return ()
    message = f"{relation.name} is neither a table nor a materialized view"
    return (wrong(HazardKind.MISSING_OBJECT, message, relation=relation.name),)


def _refusal(
    command: CreateIndex, table: QualifiedName, relation: Relation | None, context: Context
) -> Hazard | None:
    if partitioned(relation) and command.only:
        message = f"{table} is partitioned, and an index of the table alone is not built CONCURRENTLY"
        return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, "leave out CONCURRENTLY", table)
    if partitioned(relation):
        foreign = foreign_partition(table, "its index cannot become part of this one", context.facts)
        if foreign is not None:
            return foreign
    if context.facts.server_version.concurrent_builds_corrupt:
        return needs_approval(
            HazardKind.NO_SAFE_SEQUENCE,
            f"CREATE INDEX CONCURRENTLY on {context.facts.server_version} may build a corrupt index",
            "update the server to 14.4 or later",
            table,
            "catalogue 157",
        )
    return None


def _refused(outcome: Outcome, refusal: Hazard, command: CreateIndex, context: Context) -> Outcome:
    """As written after an approval; CONCURRENTLY cannot be approved where it fails or corrupts."""
    if command.concurrently:
        return replace(outcome, hazards=(changed(refusal, approvable=False),))
    plain = as_written(
        context, f"CREATE INDEX on {outcome.touches[0]}", outcome.effect, timeouts=approved_timeouts(context)
    )
    return replace(outcome, hazards=(refusal,), steps=(plain,), as_written=True)


def _nameless(outcome: Outcome, command: CreateIndex, context: Context) -> Outcome:
    """An index over an expression: the server's own name is not certain."""
    relation = context.facts.relation(outcome.touches[0])
    if not command.concurrently and not endangered(relation, context):
        plain = as_written(context, f"CREATE INDEX on {outcome.touches[0]}", outcome.effect)
        return replace(outcome, steps=(plain,), as_written=True)
    hazard = wrong(
        HazardKind.NO_SAFE_SEQUENCE,
        "the name that the server gives this index cannot be foreseen, so an interrupted build could "
        "not be found",
        "give the index a name",
        outcome.touches[0],
        "R20",
    )
    return replace(outcome, hazards=(hazard,))


def _effect_as_written(command: CreateIndex, table: QualifiedName, context: Context) -> Effect:
    if command.concurrently:
        lock = RelationLock(table, LockMode.SHARE_UPDATE_EXCLUSIVE)
        return Effect(locks=(lock,), scans=(table,), index_builds=(table,))
    return Effect(locks=locks_on(table, LockMode.SHARE, context.facts), scans=(table,), index_builds=(table,))


def _concurrent_sql(command: CreateIndex, index: QualifiedName, context: Context) -> Sql:
    if command.concurrently and command.name is not None and not command.if_not_exists:
        return written(context)
    return create_index_concurrently(index.name, ddl.verbatim(command.tail), unique=command.unique)


def _diagnoses(command: CreateIndex, table: QualifiedName) -> tuple[Diagnosis, ...]:
    if not command.unique:
        return ()
    keys = tuple(_key(element) for element in command.elements)
    where = None if command.where is None else ddl.verbatim(command.where)
    return (duplicates(table, keys, where=where, nulls_not_distinct=command.nulls_not_distinct),)


def _key(element: IndexElement) -> Sql:
    if element.expression is not None:
        return ddl.verbatim(element.expression)
    return column_key(element.column or "")


def _title(index: QualifiedName, table: QualifiedName) -> str:
    return f"CREATE INDEX {index.name} on {table}"


CREATE_INDEX = FormOperation(name=NAME, form=CreateIndex, outcome=_plan)
