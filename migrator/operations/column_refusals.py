"""New columns for which there is no safe sequence yet, with the catalogue's reason for each.

It may assume that the table is large and in use. Each refusal can be approved: the statement then runs as
written.
"""

from migrator.operations.base import Context
from migrator.operations.column_definition import Parts
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.target import extension_owned, relation_of, table_of
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.walk_key import walkable


def refusals(parts: Parts, context: Context) -> tuple[Hazard, ...]:
    """Return what stands in the way of a safe sequence."""
    reasons = _reasons(parts)
    found = [_no_sequence(reason, instead, row, context) for reason, instead, row in reasons]
    if parts.volatile:
        found += _no_walk(context)
    return (*found, *_json(parts, context), *extension_owned(relation_of(context)))


def _json(parts: Parts, context: Context) -> tuple[Hazard, ...]:
    """A type without equality."""
    if parts.definition.type.name.name != "json" or parts.definition.type.array:
        return ()
    table = table_of(context)
    message = f"json has no equality: DISTINCT, UNION and GROUP BY over a row of {table} fail from now on"
    kind = HazardKind.NO_SAFE_SEQUENCE
    return (needs_approval(kind, message, "use jsonb", table, "catalogue 19"),)


def _reasons(parts: Parts) -> list[tuple[str, str, str]]:
    """Return reason, advice and catalogue row of each part that has no sequence yet."""
    found = []
    if parts.numbered:
        advice = "add a plain bigint column, and set its default and values in statements of their own"
        found.append(("a serial or identity column draws a number for every row", advice, "7, 8, R2"))
    if parts.stored:
        advice = "add a plain column and fill it by UPDATE"
        found.append(("a stored generated column is computed for every row", advice, "9, R3"))
    if parts.virtual and (parts.not_null is not None or parts.checks):
        advice = "add the column alone, and the constraint in a statement of its own"
        found.append(("a virtual column with NOT NULL or CHECK is computed for every row", advice, "11"))
    if parts.constrained_type:
        advice = "add a column of the base type, and the condition as a CHECK of the table"
        found.append(
            ("a domain with a constraint (or an unknown type) is checked in every row", advice, "17")
        )
    return found


def _no_sequence(reason: str, instead: str, row: str, context: Context) -> Hazard:
    table = table_of(context)
    message = f"{reason}: {table} is read or written anew under ACCESS EXCLUSIVE"
    return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, table, f"catalogue {row}")


def _no_walk(context: Context) -> list[Hazard]:
    """Return why the table's rows cannot be filled in batches."""
    relation, table = relation_of(context), table_of(context)
    if relation is None:
        return []
    found = []
    if relation.children or relation.inherits or not walkable(relation):
        message = (
            f"a volatile default is given to every row, and {table} cannot be walked in windows of one key"
        )
        instead = "add the column without a default, and fill each table below it"
        found.append(needs_approval(HazardKind.INHERITANCE_CHILDREN, message, instead, table, "catalogue 5"))
    if relation.published_without_identity:
        message = f"{table} is published without a replica identity: the backfill's UPDATEs would fail"
        instead = "give it a primary key or REPLICA IDENTITY first"
        found.append(wrong(HazardKind.REPLICA_IDENTITY_MISSING, message, instead, table))
    return found
