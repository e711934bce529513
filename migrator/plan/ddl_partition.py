"""Builds the statements of partitions: the table that is attached, bounds as a condition, ATTACH, DETACH.

As `ddl`, it takes names, which it quotes, and exact slices of the user's file, which it copies. Types are
format_type's text from the facts. A bound becomes a condition that the server recognises as the partition's
own (docs/decisions/0090-partition-bounds-as-checks.md).
"""

import msgspec

from migrator.plan.ddl import SourceSlice, Sql, alter_table
from migrator.plan.ddl_diagnosis import CHECK_VIOLATION
from migrator.plan.step import Diagnosis
from migrator.plan.template import fill, literal
from migrator.postgres.identifiers import QualifiedName, quote


class TypedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the partition key."""

    name: str
    type: str


def like_root(
    name: QualifiedName,
    root: QualifiedName,
    *,
    unlogged: bool,
    compression: bool,
    elements: tuple[SourceSlice, ...] = (),
    clauses: tuple[Sql, ...] = (),
) -> Sql:
    """CREATE TABLE that makes what PARTITION OF would make; ATTACH PARTITION adds all the rest."""
    kept = ["DEFAULTS", "CONSTRAINTS", "GENERATED", "STORAGE", *(["COMPRESSION"] if compression else [])]
    like = f"LIKE {root.quoted} {' '.join(f'INCLUDING {each}' for each in kept)}"
    words = "CREATE UNLOGGED TABLE" if unlogged else "CREATE TABLE"
    inside = ", ".join([like, *(element.text for element in elements)])
    return Sql(" ".join([f"{words} {name.quoted} ({inside})", *clauses]))


def tablespace(name: str) -> Sql:
    """TABLESPACE of a table."""
    return Sql(f"TABLESPACE {quote(name)}")


def access_method(name: str) -> Sql:
    """USING of a table."""
    return Sql(f"USING {quote(name)}")


def attach(root: QualifiedName, partition: QualifiedName, bound: SourceSlice) -> Sql:
    """ATTACH PARTITION; `bound` is FOR VALUES … or DEFAULT as written."""
    return alter_table(root, Sql(f"ATTACH PARTITION {partition.quoted} {bound.text}"))


def detach(root: QualifiedName, partition: QualifiedName) -> Sql:
    """DETACH PARTITION under ACCESS EXCLUSIVE."""
    return alter_table(root, Sql(f"DETACH PARTITION {partition.quoted}"))


def detach_concurrently(root: QualifiedName, partition: QualifiedName) -> Sql:
    """DETACH PARTITION CONCURRENTLY (14+)."""
    return alter_table(root, Sql(f"DETACH PARTITION {partition.quoted} CONCURRENTLY"))


def detach_finalize(root: QualifiedName, partition: QualifiedName) -> Sql:
    """DETACH PARTITION FINALIZE (14+)."""
    return alter_table(root, Sql(f"DETACH PARTITION {partition.quoted} FINALIZE"))


def drop_constraint_if_exists(name: str) -> Sql:
    """DROP CONSTRAINT IF EXISTS."""
    return Sql(f"DROP CONSTRAINT IF EXISTS {quote(name)}")


def check(condition: Sql) -> Sql:
    """CHECK of a condition of ours."""
    return Sql(f"CHECK ({condition})")


def outside(condition: Sql) -> Sql:
    """What holds for a row of the default partition when the others have the rows of the condition."""
    return Sql(f"NOT ({condition})")


def rows_that(table: QualifiedName, key: tuple[str, ...], condition: Sql, message: str) -> Diagnosis:
    """Rows for which a condition of ours holds, named by their key."""
    shown = " || ', ' || ".join(
        f"{literal(f'{column} = ')} || coalesce({quote(column)}::text, 'NULL')" for column in key
    )
    sql = fill(
        "SELECT {shown} FROM {table} WHERE {condition} LIMIT 5",
        shown=shown or "'ctid ' || ctid::text",
        table=table.quoted,
        condition=condition,
    )
    return Diagnosis(sqlstate=CHECK_VIOLATION, sql=sql, message=message)


# --- bounds as conditions


def in_list(key: TypedColumn, values: tuple[SourceSlice, ...], *, null: bool) -> Sql:
    """FOR VALUES IN; `values` are those that are not NULL."""
    column = quote(key.name)
    if not values:
        return Sql(f"{column} IS NULL")
    among = f"{column} IN ({', '.join(_constant(value, key) for value in values)})"
    return Sql(f"{column} IS NULL OR {among}" if null else f"{column} IS NOT NULL AND {among}")


def of_hash(root: QualifiedName, key: tuple[TypedColumn, ...], numbers: tuple[SourceSlice, ...]) -> Sql:
    """FOR VALUES WITH (MODULUS …, REMAINDER …)."""
    return Sql(
        fill(
            "pg_catalog.satisfies_hash_partition("
            "{root}::pg_catalog.regclass::pg_catalog.oid, {numbers}, {key})",
            root=literal(root.quoted),
            numbers=", ".join(number.text for number in numbers),
            key=", ".join(quote(column.name) for column in key),
        )
    )


def between(
    key: tuple[TypedColumn, ...],
    lower: tuple[SourceSlice | None, ...],
    upper: tuple[SourceSlice | None, ...],
) -> Sql:
    """FOR VALUES FROM (lower) TO (upper); None is MINVALUE in `lower` and MAXVALUE in `upper`.

    The keys after a None have no say.
    """
    parts = [f"{quote(column.name)} IS NOT NULL" for column in key]
    while len(key) > 1 and (first := lower[0]) and upper[0] and first.text == upper[0].text:
        parts.append(f"{quote(key[0].name)} = {_constant(first, key[0])}")
        key, lower, upper = key[1:], lower[1:], upper[1:]
    sides = [_side(key, lower, ">", ">="), _side(key, upper, "<", "<")]
    return Sql(" AND ".join([*parts, *(side for side in sides if side)]))


def _side(
    key: tuple[TypedColumn, ...], bound: tuple[SourceSlice | None, ...], beyond: str, last: str
) -> str | None:
    """Compare rows column by column: `a > 1 OR (a = 1 AND b >= 5)`."""
    if bound[0] is None:
        return None
    column, value = quote(key[0].name), _constant(bound[0], key[0])
    if len(bound) == 1:
        return f"{column} {last} {value}"
    rest = _side(key[1:], bound[1:], beyond, last)
    if rest is None:
        return f"{column} {beyond}= {value}"
    return f"({column} {beyond} {value} OR ({column} = {value} AND {rest}))"


def _constant(value: SourceSlice, column: TypedColumn) -> str:
    return f"CAST(({value.text}) AS {column.type})"
