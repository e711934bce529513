"""REINDEX of an index, a table or a schema, with and without CONCURRENTLY.

What it does
    Builds indexes anew: smaller, or right again.

Why it is dangerous
    REINDEX holds SHARE on the table and ACCESS EXCLUSIVE on the index for the whole build: nobody writes, and
    as even planning a query opens every index, nobody reads (catalogue 160). CONCURRENTLY stops neither, but
    interrupted it leaves invalid indexes, `_ccnew` or `_ccold`, that every write pays for (161).

What is done instead
    REINDEX … CONCURRENTLY, in the validate phase, one step for each table (and each partition, on 13 too).
    The indexes that were there are recorded beforehand, so that a run knows after a crash what is done, and
    removes exactly the remains of its own. REINDEX DATABASE and SYSTEM are refused: catalogs have no
    concurrent way.

Source
    Catalogue 160 to 162; manual, REINDEX, "Rebuilding Indexes Concurrently".
"""

import re

import msgspec
from msgspec.structs import replace

from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import answered, needs_approval, warning, wrong
from migrator.operations.index_build import holds_back_vacuum, unhurried
from migrator.operations.index_facts import resolve_index
from migrator.operations.liveness import endangered, in_use
from migrator.operations.partition_tree import below
from migrator.operations.steps import approved_timeouts, as_written, step
from migrator.operations.target import missing_relation
from migrator.plan.ddl_index import drop_remains, reindex_concurrently
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.step import Phase, Recovery, Step
from migrator.postgres.facts import ConstraintKind, Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import KnownForm

NAME = "reindex"

_KINDS = frozenset(
    f"REINDEX {kind}{how}" for kind in ("INDEX", "TABLE", "SCHEMA") for how in ("", " CONCURRENTLY")
)
_STORED = frozenset({RelationKind.TABLE, RelationKind.MATERIALIZED_VIEW})
_PARTITIONED_SINCE = 14
_CONCURRENTLY = re.compile(r"\bconcurrently\b", re.IGNORECASE)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What one step rebuilds."""

    table: QualifiedName
    index: QualifiedName | None


def _is_concurrent(command: KnownForm) -> bool:
    return command.kind.endswith("CONCURRENTLY") or _in_options(command)


def _in_options(command: KnownForm) -> bool:
    return command.options is not None and _CONCURRENTLY.search(command.options.text) is not None


def _targets(command: KnownForm, context: Context) -> tuple[Target, ...]:
    facts = context.facts
    if command.kind.startswith("REINDEX SCHEMA"):
        found = [r for r in facts.relations if r.name.schema == command.names[0].name and r.indexes]
        names = sorted(r.name for r in found if r.kind in _STORED)
        return tuple(Target(table=name, index=None) for name in names)
    if command.kind.startswith("REINDEX TABLE"):
        table = context.resolve(command.relations[0])
        return tuple(Target(table=name, index=None) for name in _leaves(table, facts))
    index = resolve_index(command.relations[0], context)
    relation = facts.relation_with_index(index)
    return (Target(table=index if relation is None else relation.name, index=index),)


def _leaves(table: QualifiedName, facts: Facts) -> tuple[QualifiedName, ...]:
    """Return the table, or the partitions that hold its rows."""
    relation = facts.relation(table)
    if relation is None or relation.kind is not RelationKind.PARTITIONED_TABLE:
        return (table,)
    return tuple(leaf for partition in relation.partitions for leaf in _leaves(partition, facts))


def _plan(command: KnownForm, context: Context) -> Outcome:
    targets = _targets(command, context)
    outcome = Outcome(
        operation=NAME,
        effect=_effect(command, targets, context),
        facts=context.facts,
        touches=tuple(target.table for target in targets),
    )
    stopped = _stopped(command, targets, context)
    if stopped:
        return replace(outcome, hazards=stopped)
    if _cannot_be_concurrent(targets, context.facts):
        return _refused(outcome, command, targets, context)
    relations = [context.facts.relation(target.table) for target in targets]
    plain = command.kind in {"REINDEX INDEX", "REINDEX TABLE"} and not _partitioned(command, context)
    if plain and not _is_concurrent(command) and not any(endangered(r, context) for r in relations):
        title = f"{command.kind} {command.relations[0]}"
        return replace(outcome, steps=(as_written(context, title, outcome.effect),), as_written=True)
    steps = tuple(_rebuild(command, target, context) for target in targets)
    return replace(outcome, steps=steps, hazards=_hazards(command, targets, context))


def _partitioned(command: KnownForm, context: Context) -> bool:
    relation = context.facts.relation(context.resolve(command.relations[0]))
    return relation is not None and relation.kind is RelationKind.PARTITIONED_TABLE


def _effect(command: KnownForm, targets: tuple[Target, ...], context: Context) -> Effect:
    """SHARE on the table; the ACCESS EXCLUSIVE on the index, which stops readers too, is not a table's."""
    mode = LockMode.SHARE_UPDATE_EXCLUSIVE if _is_concurrent(command) else LockMode.SHARE
    tables = tuple(dict.fromkeys(target.table for target in targets))
    if command.kind.startswith("REINDEX TABLE") and _partitioned(command, context):
        return _effect_on_partitions(context.resolve(command.relations[0]), mode, tables, context.facts)
    return Effect(locks=tuple(RelationLock(table, mode) for table in tables), index_builds=tables)


def _effect_on_partitions(
    table: QualifiedName, mode: LockMode, leaves: tuple[QualifiedName, ...], facts: Facts
) -> Effect:
    """SHARE on every partition, even CONCURRENTLY: all are locked so while they are listed (measured)."""
    if not facts.server_version.reindex_partitioned:
        return Effect()
    partitions = (RelationLock(name, LockMode.SHARE) for name in below(table, facts))
    return Effect(locks=(RelationLock(table, mode), *partitions), index_builds=leaves)


def _rebuild(command: KnownForm, target: Target, context: Context) -> Step:
    kind, name = ("TABLE", target.table) if target.index is None else ("INDEX", target.index)
    sql = reindex_concurrently(kind, name, command.options, written=_in_options(command))
    work = RebuildIndexes(sql=sql, table=target.table, index=target.index, drop_sql=drop_remains())
    lock = RelationLock(target.table, LockMode.SHARE_UPDATE_EXCLUSIVE)
    return step(
        context,
        f"REINDEX {kind} CONCURRENTLY {name}",
        work,
        Recovery.PROBED,
        Effect(locks=(lock,), index_builds=(target.table,)),
        phase=Phase.VALIDATE,
        timeouts=unhurried(context),
        undo_note="nothing is to be undone: the indexes are what they were",
    )


# --- hazards


def _stopped(command: KnownForm, targets: tuple[Target, ...], context: Context) -> tuple[Hazard, ...]:
    """What the server refuses, and what cannot be planned."""
    facts = context.facts
    if command.kind.startswith("REINDEX SCHEMA"):
        return () if facts.complete else (_unknown_schema(command),)
    missing = tuple(
        h for target in targets if target.index is None for h in missing_relation(target.table, context)
    )
    if missing:
        return missing
    index = targets[0].index if targets else None
    if index is not None and facts.complete and facts.relation_with_index(index) is None:
        message = f"the index {index} does not exist"
        instead = "mend the name or the order of the files"
        return (needs_approval(HazardKind.MISSING_OBJECT, message, instead, index),)
    return _partitioned_before_14(targets, facts)


def _unknown_schema(command: KnownForm) -> Hazard:
    message = f"which tables the schema {command.names[0]} has is not known here"
    return warning(HazardKind.NO_SAFE_SEQUENCE, message, "plan with --database", None, "catalogue 162")


def _partitioned_before_14(targets: tuple[Target, ...], facts: Facts) -> tuple[Hazard, ...]:
    relation = facts.relation(targets[0].table) if targets else None
    first = 14
    if (
        relation is None
        or relation.kind is not RelationKind.PARTITIONED_TABLE
        or facts.server_version.major >= first
    ):
        return ()
    message = f"before PostgreSQL 14 the index of the partitioned table {relation.name} cannot be rebuilt"
    instead = f"write REINDEX TABLE {relation.name}, or name the indexes of the partitions"
    return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, instead, relation.name, "catalogue 161"),)


def _cannot_be_concurrent(targets: tuple[Target, ...], facts: Facts) -> bool:
    """Whether the one index meant belongs to an exclusion constraint."""
    index = targets[0].index if targets else None
    relation = None if index is None else facts.relation(targets[0].table)
    if index is None or relation is None:
        return False
    return _excludes(relation, index)


def _excludes(relation: Relation, index: QualifiedName) -> bool:
    return any(
        c.kind is ConstraintKind.EXCLUDE and (c.index or c.name) == index.name for c in relation.constraints
    )


def _refused(outcome: Outcome, command: KnownForm, targets: tuple[Target, ...], context: Context) -> Outcome:
    message = (
        f"{targets[0].index} belongs to an exclusion constraint: it cannot be rebuilt CONCURRENTLY, and "
        f"{targets[0].table} is neither read nor written while it is"
    )
    instead = "run it when the table is idle"
    if _is_concurrent(command):
        return replace(
            outcome, hazards=(wrong(HazardKind.NO_SAFE_SEQUENCE, message, instead, targets[0].table),)
        )
    if not in_use(context.facts.relation(targets[0].table), context):
        return replace(outcome, steps=(as_written(context, command.kind, outcome.effect),), as_written=True)
    hazard = needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, targets[0].table, "catalogue 161")
    plain = as_written(context, command.kind, outcome.effect, timeouts=approved_timeouts(context))
    return replace(outcome, hazards=(hazard,), steps=(plain,), as_written=True)


def _hazards(command: KnownForm, targets: tuple[Target, ...], context: Context) -> tuple[Hazard, ...]:
    used = [t for t in targets if in_use(context.facts.relation(t.table), context)]
    vacuum = tuple(
        hazard
        for t in used
        for hazard in holds_back_vacuum(t.table, context.facts.relation(t.table), context)
    )
    if _is_concurrent(command) or not used:
        return vacuum
    message = f"REINDEX holds locks under which {used[0].table} is neither read nor written until it ends"
    instead = "it is done CONCURRENTLY, outside a transaction"
    kind = HazardKind.INDEX_BUILD_BLOCKS_WRITES
    return (answered(kind, message, instead, used[0].table, "catalogue 160, 161"), *vacuum)


REINDEX = FormOperation(
    name=NAME, form=KnownForm, outcome=_plan, when=lambda command, _: command.kind in _KINDS
)
