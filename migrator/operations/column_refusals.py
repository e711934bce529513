"""New columns for which there is no safe sequence yet, with the catalogue's reason for each.

It may assume that the table is large and in use. Each refusal can be approved: the statement then runs as
written.
"""

from migrator.operations.base import Context
from migrator.operations.column_definition import Parts
from migrator.operations.hazards import needs_approval, warning, wrong
from migrator.operations.liveness import in_use
from migrator.operations.target import extension_owned, relation_of, table_of
from migrator.operations.types import format_type
from migrator.plan.ddl_sequence import INTEGERS
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.walk_key import walkable
from migrator.sql.syntax import NullConstraint

_LAST = {"smallint": 2**15 - 1, "integer": 2**31 - 1}


def refusals(parts: Parts, context: Context) -> tuple[Hazard, ...]:
    """Return what stands in the way of a safe sequence."""
    reasons = _reasons(parts)
    found = [_no_sequence(reason, instead, row, context) for reason, instead, row in reasons]
    if parts.volatile or parts.numbered:
        found += _no_walk(context)
    if parts.numbered:
        found += _numbers(parts, context)
    return (*found, *extension_owned(relation_of(context)))


def without_equality(parts: Parts, context: Context) -> tuple[Hazard, ...]:
    """Return the warning about json: queries over whole rows may need an equality that it has not."""
    relation, table = relation_of(context), table_of(context)
    if parts.definition.type.name.name != "json" or parts.definition.type.array:
        return ()
    if not in_use(relation, context) or (relation is not None and relation.column(parts.definition.name)):
        return ()
    message = f"json has no equality: DISTINCT, UNION and GROUP BY over a row of {table} fail from now on"
    kind = HazardKind.BREAKS_RUNNING_CODE
    return (warning(kind, message, "use jsonb", table, "catalogue 19"),)


def _reasons(parts: Parts) -> list[tuple[str, str, str]]:
    """Return reason, advice and catalogue row of each part that has no sequence yet."""
    found = []
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


def _understood(parts: Parts) -> bool:
    """Whether a serial or identity column is of the ordinary form."""
    definition = parts.definition
    others = parts.default is not None or parts.generated is not None
    others = others or any(isinstance(c, NullConstraint) for c in definition.constraints)
    integer = definition.type.array == 0 and format_type(definition.type) in INTEGERS
    both = definition.type.serial and parts.identity is not None
    plain = not definition.type.serial or definition.head.text.endswith(definition.type.text.text)
    return integer and plain and not others and not both


def _no_sequence(reason: str, instead: str, row: str, context: Context) -> Hazard:
    table = table_of(context)
    message = f"{reason}: {table} is read or written anew under ACCESS EXCLUSIVE"
    return needs_approval(HazardKind.NO_SAFE_SEQUENCE, message, instead, table, f"catalogue {row}")


def _numbers(parts: Parts, context: Context) -> list[Hazard]:
    table, name = table_of(context), parts.definition.name
    if _understood(parts):
        return _too_many_rows(parts, context)
    message = f"a serial or identity column is an integer and has no other default: the server refuses {name}"
    return [wrong(HazardKind.NO_SAFE_SEQUENCE, message, "mend the definition", table, "catalogue 7, 8, R2")]


def _too_many_rows(parts: Parts, context: Context) -> list[Hazard]:
    """A sequence that ends before every row has a number: inserts would fail as well from then on."""
    relation, table = relation_of(context), table_of(context)
    integer = format_type(parts.definition.type)
    rows, last = None if relation is None else relation.rows, _LAST.get(integer)
    if rows is None or last is None or rows < last:
        return []
    message = f"{integer} ends at {last}, and {table} has about {rows} rows"
    return [wrong(HazardKind.MAY_FAIL_ON_DATA, message, "use bigint", table)]


def _no_walk(context: Context) -> list[Hazard]:
    """Return why the table's rows cannot be filled in batches."""
    relation, table = relation_of(context), table_of(context)
    if relation is None:
        return []
    found = []
    if relation.children or relation.inherits or not walkable(relation):
        message = f"every row is given a value of its own, and {table} cannot be walked in windows of one key"
        instead = "add the column without a default, and fill each table below it"
        found.append(needs_approval(HazardKind.INHERITANCE_CHILDREN, message, instead, table, "catalogue 5"))
    if relation.published_without_identity:
        message = f"{table} is published without a replica identity: the backfill's UPDATEs would fail"
        instead = "give it a primary key or REPLICA IDENTITY first"
        found.append(wrong(HazardKind.REPLICA_IDENTITY_MISSING, message, instead, table))
    return found
