"""Why an UPDATE does not run in batches, or not at all, whatever its expressions are.

The rules are those of "Backfill: which UPDATE may be batched" in docs/backfill.md. Each hazard names what
would make it batchable; most can be approved, and then the statement runs as written in one transaction.
"""

from collections.abc import Iterator

from migrator.operations.base import Context
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import rows_at_most
from migrator.operations.target import extension_owned
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.walk_key import walk_key, walkable
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import Update

_QUESTION = (
    "say before the statement what is meant: `-- migrate: backfill existing-rows` (rows that exist "
    "now, once) or"
    " `-- migrate: backfill keep-filled` (a trigger also fills rows that are written meanwhile)"
)

ROWS_PER_SECOND = 200_000
"""What one big UPDATE manages on a good day (benchmarks/backfill.py), for the estimate of its duration."""


def refusals(command: Update, relation: Relation, context: Context) -> tuple[Hazard, ...]:
    """Return everything that keeps the statement from being walked."""
    reasons = [*_form(command), *reasons_of_target(relation, context.facts, "UPDATE")]
    size = estimate(relation, context)
    found = [_unfit(f"{reason}{size}", advice, relation.name) for reason, advice in reasons]
    assigned = {assignment.column for assignment in command.assignments}
    return (*found, *_tree(relation), *extension_owned(relation), *_wrong(relation, assigned))


def unfit(reason: str, advice: str | None, relation: Relation, context: Context) -> Hazard:
    """Return the refusal for a reason found in an expression."""
    return _unfit(f"{reason}{estimate(relation, context)}", advice, relation.name)


def estimate(relation: Relation, context: Context) -> str:
    """Say what one transaction would mean."""
    rows = rows_at_most(relation, context.facts)
    if rows is None:
        return "; in one transaction it locks and writes an unknown number of rows"
    seconds = max(1, rows // ROWS_PER_SECOND)
    return f"; in one transaction it locks and writes up to {rows:,} rows, for {seconds:,} s or more"


def unknown_table(table: QualifiedName) -> Hazard:
    """Return the refusal where nothing is known of the table."""
    return needs_approval(
        HazardKind.WHOLE_TABLE_UPDATE,
        f"nothing is known of {table}, so its UPDATE cannot be cut into batches; it locks every row "
        "that it changes",
        "plan against the database, or with its facts",
        table,
        "catalogue 182",
    )


def existing_column(column: str, relation: Relation) -> Hazard:
    """Return the question that the file has to answer."""
    return wrong(
        HazardKind.EXISTING_COLUMN_BACKFILL,
        f"{column} of {relation.name} existed before this file: the application may write it during the "
        "backfill",
        _QUESTION,
        relation.name,
        "docs/backfill.md",
    )


def _form(command: Update) -> Iterator[tuple[str, str | None]]:
    if command.with_clause:
        yield "the UPDATE has a WITH clause", "write it without"
    if command.returning:
        yield "the UPDATE has RETURNING, and nobody reads the rows", "leave RETURNING out"
    if command.from_clause is not None:
        yield (
            "the UPDATE reads other tables (FROM), whose rows other sessions change between batches",
            "fill the column from columns of its own row, or run the UPDATE from the application",
        )
    if not command.assignments:
        yield "SET assigns to several columns at once, or to a part of one", "write `column = expression, …`"


def reasons_of_target(relation: Relation, facts: Facts, word: str) -> Iterator[tuple[str, str | None]]:
    """Return what keeps any statement on the relation from being walked; `word` is UPDATE or DELETE."""
    if relation.rules:
        yield f"{relation.name} has the rule {relation.rules[0]}, which rewrites the statement", None
    if relation.kind is RelationKind.VIEW:
        yield f"{relation.name} is a view", f"write the {word} of its table"
        return
    if relation.kind is RelationKind.FOREIGN_TABLE:
        yield f"{relation.name} is a foreign table", f"run the {word} where its rows are"
        return
    for name in relation.partitions:
        partition = facts.relation(name)
        if partition is not None and partition.kind is RelationKind.FOREIGN_TABLE:
            yield f"the partition {name} is a foreign table", f"run the {word} where its rows are"
    if not walkable(relation):
        yield f"{relation.name} is partitioned and has no key over all partitions", "give it a primary key"


def _tree(relation: Relation) -> Iterator[Hazard]:
    if relation.children:
        yield needs_approval(
            HazardKind.INHERITANCE_CHILDREN,
            f"{relation.name} has inheritance children: its key is not unique over all of them",
            "write one UPDATE ONLY for each table",
            relation.name,
        )


def _wrong(relation: Relation, assigned: set[str]) -> Iterator[Hazard]:
    """What no approval can mend."""
    if relation.published_without_identity:
        yield wrong(
            HazardKind.REPLICA_IDENTITY_MISSING,
            f"{relation.name} is published without a replica identity: the server refuses every UPDATE of it",
            f"give it a primary key, or ALTER TABLE {relation.name} REPLICA IDENTITY FULL",
            relation.name,
        )
    partition_key = sorted(assigned & set(relation.partition_key))
    if partition_key:
        yield needs_approval(
            HazardKind.UPDATE_NOT_BATCHABLE,
            f"{partition_key[0]} is in the partition key of {relation.name}: rows move to other partitions",
            "copy the rows into a table that is partitioned as wanted",
            relation.name,
        )


def _unfit(message: str, advice: str | None, table: QualifiedName) -> Hazard:
    return needs_approval(HazardKind.UPDATE_NOT_BATCHABLE, message, advice, table, "docs/backfill.md")


def without_key(relation: Relation) -> bool:
    """Whether there is no key to remember rows by."""
    return not walk_key(relation)
