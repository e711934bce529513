"""The bound of a partition as a condition on its rows, where the server would know it again.

The server skips the scan of ATTACH PARTITION where a validated CHECK implies the partition's constraint. It
folds constants of the bound, but not the expressions of a CHECK that are only stable; so a value has to be
written as one constant. None where the condition cannot be written, or would not be known again: expressions
in the bound or in the key, operator classes, collations of the key's own, a key column of unknown type.
"""

import re

from migrator.plan.ddl import Sql
from migrator.plan.ddl_partition import TypedColumn, between, in_list, of_hash
from migrator.postgres.facts import Relation
from migrator.sql.syntax import PartitionBound, Slice

_NUMBER = r"[-+]?\s*\d[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?\d+)?"
_STRING = r"'(?:[^'\\]|'')*'"
_CONSTANT = re.compile(rf"\s*(?:{_NUMBER}|{_STRING}|true|false)\s*", re.IGNORECASE)

_HASHED_WITHOUT_COLLATION = re.compile(
    r"(smallint|integer|bigint|uuid|date|boolean|numeric|timestamp|oid)\b", re.IGNORECASE
)
"""The server's own call of satisfies_hash_partition has no collation; over text ours would have one."""


def condition(bound: PartitionBound, root: Relation) -> Sql | None:
    """Return the condition that holds for exactly the rows of the partition; None where it is not certain."""
    key = _key(root)
    if key is None or bound.default:
        return None
    if bound.hash and root.partition_strategy == "h":
        known = all(_HASHED_WITHOUT_COLLATION.match(column.type) for column in key)
        return of_hash(root.name, key, bound.hash) if known else None
    if bound.values and root.partition_strategy == "l" and len(key) == 1:
        return _of_list(key[0], bound.values)
    if bound.lower and root.partition_strategy == "r" and len(bound.lower) == len(bound.upper) == len(key):
        return _of_range(key, bound)
    return None


def _key(root: Relation) -> tuple[TypedColumn, ...] | None:
    """Return the columns of a plain key with their types."""
    if not root.plain_partition_key or not root.partition_key:
        return None
    columns = [root.column(name) for name in root.partition_key]
    typed = tuple(TypedColumn(name=c.name, type=c.type) for c in columns if c is not None and c.type)
    return typed if len(typed) == len(root.partition_key) else None


def _of_list(key: TypedColumn, values: tuple[Slice, ...]) -> Sql | None:
    given = tuple(value for value in values if value.text.strip().upper() != "NULL")
    if not all(_CONSTANT.fullmatch(value.text) for value in given):
        return None
    return in_list(key, given, null=len(given) < len(values))


def _of_range(key: tuple[TypedColumn, ...], bound: PartitionBound) -> Sql | None:
    lower, upper = _limits(bound.lower, "MINVALUE"), _limits(bound.upper, "MAXVALUE")
    if lower is None or upper is None:
        return None
    return between(key, lower, upper)


def _limits(values: tuple[Slice, ...], endless: str) -> tuple[Slice | None, ...] | None:
    """Return the constants, None for each that is endless on its own side."""
    found: list[Slice | None] = []
    for value in values:
        word = value.text.strip().upper()
        if word == endless:
            found.append(None)
        elif _CONSTANT.fullmatch(value.text):
            found.append(value)
        else:
            return None
    return tuple(found)
