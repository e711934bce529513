"""Builds what belongs to sequences: serial and identity columns; under the rules of `ddl`."""

from migrator.plan.ddl import SourceSlice, Sql
from migrator.plan.template import fill, literal
from migrator.postgres.identifiers import QualifiedName, quote

INTEGERS = frozenset({"smallint", "integer", "bigint"})
"""The types that a sequence may have, and an identity column."""

_GO_ON = "SELECT pg_catalog.setval({sequence}::pg_catalog.regclass, last_value, is_called) FROM {old}"

_BEYOND_LARGEST = (
    "SELECT pg_catalog.setval({sequence}::pg_catalog.regclass, pg_catalog.max({column})) FROM {table} "
    "HAVING pg_catalog.max({column}) >= (SELECT last_value FROM {new})"
)
_BEYOND = (
    "SELECT pg_catalog.setval({sequence}::pg_catalog.regclass, old.last_value, old.is_called) "
    "FROM {new} AS new, {old} AS old WHERE (old.last_value, old.is_called) > (new.last_value, new.is_called)"
)


def integer_type(name: str) -> Sql:
    """Return the type in format_type's words, for serial and its kin."""
    if name not in INTEGERS:
        message = f"a sequence has no type {name}"
        raise ValueError(message)
    return Sql(name)


def add_integer_column(column: str, integer: Sql, *, if_not_exists: bool = False) -> Sql:
    """ADD COLUMN of the type that serial stands for."""
    words = "ADD COLUMN IF NOT EXISTS" if if_not_exists else "ADD COLUMN"
    return Sql(f"{words} {quote(column)} {integer}")


def create_sequence(
    name: QualifiedName, integer: Sql, options: tuple[SourceSlice, ...] = (), *, unlogged: bool = False
) -> Sql:
    """CREATE [UNLOGGED] SEQUENCE."""
    words = "CREATE UNLOGGED SEQUENCE" if unlogged else "CREATE SEQUENCE"
    return Sql(" ".join([f"{words} {name.quoted} AS {integer}", *(option.text for option in options)]))


def owner_to(name: QualifiedName, owner: str) -> Sql:
    """ALTER SEQUENCE … OWNER TO: a sequence must have the owner of its table."""
    return Sql(f"ALTER SEQUENCE {name.quoted} OWNER TO {quote(owner)}")


def owned_by(name: QualifiedName, table: QualifiedName, column: str) -> Sql:
    """ALTER SEQUENCE … OWNED BY: it goes with the column."""
    return Sql(f"ALTER SEQUENCE {name.quoted} OWNED BY {table.quoted}.{quote(column)}")


def grant_usage(name: QualifiedName) -> Sql:
    """GRANT USAGE … TO PUBLIC: whoever may insert draws from it, as identity lets everybody."""
    return Sql(f"GRANT USAGE ON SEQUENCE {name.quoted} TO PUBLIC")


def drop_sequence(name: QualifiedName) -> Sql:
    """DROP SEQUENCE."""
    return Sql(f"DROP SEQUENCE {name.quoted}")


def default_nextval(column: str, sequence: QualifiedName) -> Sql:
    """ALTER COLUMN … SET DEFAULT nextval(…), as serial has it."""
    value = f"pg_catalog.nextval({literal(sequence.quoted)}::pg_catalog.regclass)"
    return Sql(f"ALTER COLUMN {quote(column)} SET DEFAULT {value}")


def add_identity(
    column: str, sequence: QualifiedName, *, always: bool, options: tuple[SourceSlice, ...] = ()
) -> Sql:
    """ALTER COLUMN … ADD GENERATED … AS IDENTITY with a sequence of this name."""
    kind = "ALWAYS" if always else "BY DEFAULT"
    listed = " ".join([f"SEQUENCE NAME {sequence.quoted}", *(option.text for option in options)])
    return Sql(f"ALTER COLUMN {quote(column)} ADD GENERATED {kind} AS IDENTITY ({listed})")


def drop_identity(column: str) -> Sql:
    """ALTER COLUMN … DROP IDENTITY."""
    return Sql(f"ALTER COLUMN {quote(column)} DROP IDENTITY")


def set_generated(column: str, *, always: bool) -> Sql:
    """ALTER COLUMN … SET GENERATED."""
    return Sql(f"ALTER COLUMN {quote(column)} SET GENERATED {'ALWAYS' if always else 'BY DEFAULT'}")


def beyond_largest(sequence: QualifiedName, table: QualifiedName, column: str) -> Sql:
    """SELECT setval(…), where rows have numbers that the new sequence would hand out."""
    parts = {"column": quote(column), "table": table.quoted, "new": sequence.quoted}
    return Sql(fill(_BEYOND_LARGEST, sequence=literal(sequence.quoted), **parts))


def beyond(sequence: QualifiedName, old: QualifiedName) -> Sql:
    """SELECT setval(…), where the old sequence is further on."""
    parts = {"new": sequence.quoted, "old": old.quoted}
    return Sql(fill(_BEYOND, sequence=literal(sequence.quoted), **parts))


def go_on_from(sequence: QualifiedName, old: QualifiedName) -> Sql:
    """SELECT setval(…): the sequence goes on where the old one is.

    `last_value` counts the numbers that sessions have cached, drawn or not.
    """
    return Sql(fill(_GO_ON, sequence=literal(sequence.quoted), old=old.quoted))
