"""Why a DELETE does not run in batches, and what to know of one that does.

A batch sees the table at another time than the one big DELETE would. So WHERE may only depend on its own
row, and the rows may not hold each other by a foreign key. Every reason can be approved; then the statement
runs as written in one transaction.
"""

from collections.abc import Iterator

from migrator.operations.base import Context
from migrator.operations.foreign_key_support import indexed
from migrator.operations.hazards import answered, needs_approval, warning, wrong
from migrator.operations.liveness import endangered, rows_at_most
from migrator.operations.row_effects import foreign_keys, reaches
from migrator.operations.update_reading import Evaluation, Reading, Row, Unfit, read
from migrator.operations.update_refusals import reasons_of_target
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.walk_key import walk_key
from migrator.postgres.facts import Relation
from migrator.sql.syntax import Delete


def reasons_against_batches(
    command: Delete, relation: Relation | None, context: Context
) -> tuple[Hazard, ...]:
    """Return everything that keeps the statement from being walked."""
    if relation is None:
        table = context.resolve(command.table)
        advice = "plan against the database, or with its facts"
        return (_not_batchable(f"nothing is known of {table}", advice, None),)
    found = [*_form(command), *reasons_of_target(relation, context.facts, "DELETE")]
    found += [*_condition(command, relation, context), *_rows_that_hold_each_other(relation)]
    if not walk_key(relation):
        found.append(
            (f"{relation.name} has no key to remember rows by", "give the table a primary key"),
        )
    hazards = [_not_batchable(reason, advice, relation) for reason, advice in found]
    return (*hazards, *_tree(relation), *_unpublished(relation))


def hazards_of_walk(relation: Relation, context: Context) -> tuple[Hazard, ...]:
    """Return what the walk answers, and the foreign keys that make each deleted row a scan."""
    rows = rows_at_most(relation, context.facts)
    size = "every row" if rows is None else f"up to {rows:,} rows"
    message = f"one transaction locks and deletes {size} of {relation.name}, and vacuum waits for its end"
    instead = "their keys are captured, and the rows deleted in small transactions that can be resumed"
    walked = answered(HazardKind.WHOLE_TABLE_UPDATE, message, instead, relation.name, "catalogue 182, R23")
    return (walked, *_scans_of_children(relation, context))


def _form(command: Delete) -> Iterator[tuple[str, str | None]]:
    if command.with_clause:
        yield "the DELETE has a WITH clause", "write it without"
    if command.returning:
        yield "the DELETE has RETURNING, and nobody reads the rows", "leave RETURNING out"
    if command.using is not None:
        yield (
            "the DELETE reads other tables (USING), whose rows other sessions change between batches",
            "mark the rows in a column first, or delete them from the application",
        )


def _condition(command: Delete, relation: Relation, context: Context) -> Iterator[tuple[str, str | None]]:
    if command.where is None or command.using is not None:
        return
    row = Row(relation=relation, alias=command.alias)
    found: Reading | Unfit = read(command.where.text, row, context, clock_mixes=True)
    if isinstance(found, Unfit):
        yield found.reason, found.advice
    elif found.evaluation is Evaluation.VOLATILE:
        yield f"WHERE {command.where.text} is volatile: it chooses other rows each time", None


def _rows_that_hold_each_other(relation: Relation) -> Iterator[tuple[str, str | None]]:
    """The server checks such a key at the end of the statement: one DELETE passes where batches fail."""
    for constraint in foreign_keys(relation):
        if constraint.references == relation.name and not reaches(constraint):
            refers = f"{constraint.name} makes rows of {relation.name} refer to each other"
            yield f"{refers}, and a batch cannot delete a row before those that refer to it", None


def _scans_of_children(relation: Relation, context: Context) -> Iterator[Hazard]:
    for name in relation.referenced_by:
        child = context.facts.relation(name)
        if child is None or not endangered(child, context):
            continue
        for constraint in foreign_keys(child):
            if constraint.references != relation.name or indexed(child, constraint.columns):
                continue
            columns = ", ".join(constraint.columns)
            yield warning(
                HazardKind.UNINDEXED_FOREIGN_KEY,
                f"no index of {name} begins with {columns} ({constraint.name}): each deleted row reads it",
                f"create an index on {name} ({columns}) first",
                relation.name,
                "catalogue 184",
            )


def _tree(relation: Relation) -> tuple[Hazard, ...]:
    if not relation.children:
        return ()
    message = f"{relation.name} has inheritance children: its key is not unique over all of them"
    advice = "write one DELETE FROM ONLY for each table"
    return (needs_approval(HazardKind.INHERITANCE_CHILDREN, message, advice, relation.name),)


def _unpublished(relation: Relation) -> tuple[Hazard, ...]:
    if not relation.published_without_identity:
        return ()
    message = (
        f"{relation.name} is published without a replica identity: the server refuses every DELETE of it"
    )
    advice = f"give it a primary key, or ALTER TABLE {relation.name} REPLICA IDENTITY FULL"
    return (wrong(HazardKind.REPLICA_IDENTITY_MISSING, message, advice, relation.name),)


def _not_batchable(reason: str, advice: str | None, relation: Relation | None) -> Hazard:
    name = None if relation is None else relation.name
    message = f"{reason}; it cannot be cut into batches"
    return needs_approval(HazardKind.UPDATE_NOT_BATCHABLE, message, advice, name, "docs/backfill.md")
