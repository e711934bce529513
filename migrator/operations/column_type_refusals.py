"""What makes the server refuse a change of a column's type, known when the plan is made.

It may assume complete facts, or says nothing. What an earlier statement of the plan has dropped is not held
against the change; where that cannot be seen (CASCADE), an approval of the file overrules.
"""

from migrator.operations.base import Context
from migrator.operations.column_type_change import Affected
from migrator.operations.hazards import needs_approval
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.column_users import ColumnUser, UserKind
from migrator.postgres.facts import Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import Drop

_USERS = frozenset({"VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE", "ROUTINE", "PUBLICATION"})
"""Kinds of objects that use columns of other relations; what belongs to the table touches it anyway."""

_WORDS = {
    UserKind.POLICY: ("DROP POLICY",),
    UserKind.FUNCTION: ("DROP FUNCTION", "DROP PROCEDURE", "DROP ROUTINE", "CREATE OR REPLACE"),
    UserKind.PUBLICATION: ("DROP PUBLICATION", "ALTER PUBLICATION"),
    UserKind.RULE: ("DROP RULE",),
}
"""How a statement begins that takes the user away, where facts do not follow it."""


def refusals(found: Affected, context: Context) -> tuple[Hazard, ...]:
    """Return an error for each reason."""
    relation = found.relation
    if relation is None or not context.facts.complete:
        return ()
    columns = {change.name for change in found.changes}
    return (
        *_users(found, columns, context),
        *_partition_key(relation, columns),
        *_inherited(relation, columns, context),
        *_only(relation, context),
        *_row_type(relation, context),
    )


def awaited(context: Context) -> tuple[QualifiedName, ...]:
    """Return what earlier statements of the file drop that may have used the column: the change comes after.

    The drop may stand in contract. Facts do not say any more what was over the table, so every view and
    function counts.
    """
    earlier = [statement.command for statement in context.migration.statements[: context.index - 1]]
    drops = [command for command in earlier if isinstance(command, Drop) and command.object_kind in _USERS]
    return tuple(dict.fromkeys(context.resolve(name) for command in drops for name in command.names))


def _users(found: Affected, columns: set[str], context: Context) -> tuple[Hazard, ...]:
    relations = [context.facts.relation(name) for name in found.tables]
    users = dict.fromkeys(
        (user, relation.name)
        for relation in relations
        if relation is not None
        for user in relation.column_users
        if user.column in columns and user.certain and _there(user, context)
    )
    return tuple(
        _refused(
            f"the server refuses to change the type of {user.column} of {table}: the {user} uses it",
            f"drop the {user.kind} in a statement before it, and make it again in one after it",
            table,
        )
        for user, table in users
    )


def _there(user: ColumnUser, context: Context) -> bool:
    """Whether the user still exists when the statement runs."""
    relation = context.facts.relation(user.relation)
    match user.kind:
        case UserKind.STATISTICS:
            return False
        case UserKind.VIEW:
            return relation is not None and user.certain
        case UserKind.TRIGGER:
            return relation is not None and any(t.name == user.name for t in relation.triggers)
        case UserKind.GENERATED_COLUMN:
            column = None if relation is None or user.name is None else relation.column(user.name)
            return column is not None and bool(column.generated)
        case _:
            return not dropped(user, context)


def dropped(user: ColumnUser, context: Context) -> bool:
    """Whether an earlier statement of the file takes it away."""
    name = user.name or user.relation.name
    for statement in context.migration.statements[: context.index - 1]:
        text = " ".join(statement.text.split())
        if text.upper().startswith(_WORDS.get(user.kind, ())) and name in text:
            return True
        command = statement.command
        if isinstance(command, Drop) and command.cascade:
            return True
    return False


def _partition_key(relation: Relation, columns: set[str]) -> tuple[Hazard, ...]:
    found = [column for column in relation.partition_key if column in columns]
    return tuple(
        _refused(
            f"{column} is of the partition key of {relation.name}; the server refuses to change its type",
            "make a new partitioned table with the new type, and copy the rows",
            relation.name,
        )
        for column in found
    )


def _inherited(relation: Relation, columns: set[str], context: Context) -> tuple[Hazard, ...]:
    above = (*relation.inherits, *(() if relation.partition_of is None else (relation.partition_of,)))
    for name in above:
        parent = context.facts.relation(name)
        shared = [] if parent is None else sorted(c for c in columns if parent.column(c) is not None)
        if shared:
            message = f"{', '.join(shared)} of {relation.name} comes from {name}: the server refuses this"
            return (_refused(message, f"write ALTER TABLE {name}", relation.name),)
    return ()


def _only(relation: Relation, context: Context) -> tuple[Hazard, ...]:
    below = (*relation.partitions, *relation.children)
    if not below or context.alter is None or not context.alter.only:
        return ()
    message = f"ONLY leaves out {below[0]}, whose column has to be of the same type; the server refuses it"
    return (_refused(message, "leave out ONLY", relation.name),)


def _row_type(relation: Relation, context: Context) -> tuple[Hazard, ...]:
    """A column whose type is the table itself."""
    names = {str(relation.name), f"{relation.name}[]"}
    users = [
        f"{column.name} of {other.name}"
        for other in context.facts.relations
        if other.kind in {RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.MATERIALIZED_VIEW}
        for column in other.columns
        if column.type in names
    ]
    if not users:
        return ()
    message = f"{users[0]} holds rows of {relation.name}; the server refuses to change a type in them"
    return (_refused(message, "give that column another type first", relation.name),)


def _refused(message: str, instead: str, table: QualifiedName) -> Hazard:
    return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, table, "catalogue 81, 83")
