"""What is lost with a column and what breaks, or why the server will refuse to drop it.

It may assume facts folded over all earlier statements. Nothing is said of a column that nobody uses.
"""

from migrator.operations.base import Context
from migrator.operations.column_default import not_null_needed_by
from migrator.operations.column_uses import Uses
from migrator.operations.drop_table_hazards import listed
from migrator.operations.hazards import answered, needs_approval, wrong
from migrator.operations.liveness import empty, in_use, rows_at_most
from migrator.operations.target import extension_owned, relation_of
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.facts import Column, Relation
from migrator.sql.syntax import DropColumn


def hazards(action: DropColumn, uses: Uses, context: Context) -> tuple[Hazard, ...]:
    """Return one hazard to approve, or what makes it impossible."""
    relation = relation_of(context)
    if not in_use(relation, context):
        return ()
    refused = _refused(action, uses, relation, context)
    if refused:
        return refused
    return (
        *_may_be_refused(action, uses),
        _loss(uses, relation, context),
        *_cascade(action, uses, relation),
        *_written(uses, relation),
        *extension_owned(relation),
    )


def must_be_written(column: Column | None, relation: Relation) -> bool:
    """Whether an INSERT without the column fails, and NOT NULL can be dropped before the column."""
    if column is None or not column.not_null or column.default is not None:
        return False
    below_another = relation.partition_of is not None or relation.inherits
    return not (column.generated or below_another or not_null_needed_by(column.name, relation))


def _refused(
    action: DropColumn, uses: Uses, relation: Relation | None, context: Context
) -> tuple[Hazard, ...]:
    """What the server does not do, whoever approves it."""
    reason = None if relation is None else _fixed(uses.column, relation, context)
    if reason is not None:
        message = f"{uses.column} of {uses.table} {reason}: the server refuses to drop it"
        return (wrong(HazardKind.NO_SAFE_SEQUENCE, message, None, uses.table, "catalogue 33"),)
    if action.cascade or not uses.certain:
        return ()
    message = (
        f"other objects depend on {uses.column} of {uses.table}: {listed(uses.refusing)}; "
        "the server refuses to drop it"
    )
    instead = "drop or change them by name, in statements before this one"
    return (wrong(HazardKind.DEPENDENT_OBJECTS, message, instead, uses.table, "catalogue 27, 29"),)


def _fixed(column: str, relation: Relation, context: Context) -> str | None:
    if column in relation.partition_key:
        return "is part of the partition key"
    if relation.partition_of is not None:
        return f"comes from {relation.partition_of}"
    parents = [context.facts.relation(name) for name in relation.inherits]
    above = [parent.name for parent in parents if parent is not None and parent.column(column) is not None]
    if above:
        return f"comes from {above[0]}"
    only = context.alter is not None and context.alter.only
    return "is in every partition, and ONLY leaves these out" if only and relation.partitions else None


def _may_be_refused(action: DropColumn, uses: Uses) -> tuple[Hazard, ...]:
    """A view that this plan makes, and that has the name of the column in it."""
    if action.cascade or not uses.refusing:
        return ()
    message = f"{listed(uses.refusing)} may use {uses.column} of {uses.table}; then the server refuses"
    instead = "drop or replace it before this statement; approve this where it uses another column"
    return (needs_approval(HazardKind.DEPENDENT_OBJECTS, message, instead, uses.table, "catalogue 27"),)


def _loss(uses: Uses, relation: Relation | None, context: Context) -> Hazard:
    goes = f", and takes along: {listed(uses.taken_along)}" if uses.taken_along else ""
    build = (
        "build what is still needed of " + listed(uses.wider) + " without the column, " if uses.wider else ""
    )
    instead = f"deploy code that no longer names it, {build}then approve it with the reason"
    if relation is not None and empty(relation, context.facts):
        message = f"running code that names {uses.column} of {uses.table} fails once it is dropped{goes}"
        kind = HazardKind.BREAKS_RUNNING_CODE
        return needs_approval(kind, message, instead, uses.table, "catalogue 23 to 26, R11")
    rows = None if relation is None else rows_at_most(relation, context.facts)
    size = "" if rows is None else f" in up to {rows:,} rows"
    message = (
        f"DROP COLUMN destroys {uses.column} of {uses.table}{size}{goes}; running code that names it fails"
    )
    return needs_approval(HazardKind.DATA_LOSS, message, instead, uses.table, "catalogue 23 to 26, R11")


def _cascade(action: DropColumn, uses: Uses, relation: Relation | None) -> tuple[Hazard, ...]:
    if not action.cascade:
        return ()
    also = (*uses.refusing, *(f"view {view}" for view in uses.above))
    if relation is None:
        message = f"CASCADE drops whatever depends on {uses.column} of {uses.table}, which is not known here"
        instead = "plan with --database, or drop what depends on it by name, in statements before this one"
    elif also:
        message = f"CASCADE drops as well: {listed(also)}"
        instead = "make sure that no code needs them, then approve it with the reason"
    else:
        return ()
    return (needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, uses.table, "catalogue 31"),)


def _written(uses: Uses, relation: Relation | None) -> tuple[Hazard, ...]:
    """New code leaves the column out, while NOT NULL still asks for it."""
    if relation is None or not must_be_written(relation.column(uses.column), relation):
        return ()
    message = (
        f"{uses.column} of {uses.table} is NOT NULL without a default: "
        "code that no longer writes it cannot insert until it is gone"
    )
    instead = "its NOT NULL is dropped in expand, before that code is deployed"
    return (answered(HazardKind.MAY_BREAK_WRITERS, message, instead, uses.table, "R11"),)
