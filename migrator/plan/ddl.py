"""The only builder of generated DDL, together with `ddl_index` and `ddl_backfill`.

It takes names, which it quotes, and exact slices of the user's file, which it copies; nothing else ever
reaches the text (promise 2). `Sql` marks text that came from here or from a slice.
"""

from typing import NewType, Protocol

from migrator.plan.template import literal
from migrator.postgres.identifiers import QualifiedName, quote

Sql = NewType("Sql", str)
"""A statement, or a clause of one, built here or copied from the user's file."""


class SourceSlice(Protocol):
    """An exact piece of a file (`migrator.sql.syntax.Slice`); a plain string is not one."""

    @property
    def text(self) -> str:
        """The piece."""

    @property
    def span(self) -> object:
        """Where it stands."""


def verbatim(source: SourceSlice) -> Sql:
    """The user's own text."""
    return Sql(source.text)


def relation(name: QualifiedName) -> Sql:
    """The quoted name of a relation or function."""
    return Sql(name.quoted)


def identifiers(names: tuple[str, ...]) -> Sql:
    """A list of quoted names, without parentheses."""
    return Sql(", ".join(quote(name) for name in names))


# --- ALTER TABLE


def alter_table(table: QualifiedName, *actions: Sql, if_exists: bool = False, only: bool = False) -> Sql:
    """ALTER TABLE with one or more actions."""
    words = ["ALTER TABLE", *(["IF EXISTS"] if if_exists else []), *(["ONLY"] if only else [])]
    return Sql(f"{' '.join(words)} {table.quoted} {', '.join(actions)}")


def add_column(head: SourceSlice, *constraints: Sql, if_not_exists: bool = False) -> Sql:
    """ADD COLUMN; `head` is name, type and collation as written."""
    words = "ADD COLUMN IF NOT EXISTS" if if_not_exists else "ADD COLUMN"
    return Sql(" ".join([words, head.text, *constraints]))


def default(expression: SourceSlice) -> Sql:
    """DEFAULT of a column definition."""
    return Sql(f"DEFAULT {expression.text}")


def drop_column(column: str) -> Sql:
    """DROP COLUMN."""
    return Sql(f"DROP COLUMN {quote(column)}")


def rename_column(old: str, new: str) -> Sql:
    """RENAME COLUMN."""
    return Sql(f"RENAME COLUMN {quote(old)} TO {quote(new)}")


def set_default(column: str, expression: SourceSlice) -> Sql:
    """ALTER COLUMN … SET DEFAULT."""
    return Sql(f"ALTER COLUMN {quote(column)} SET DEFAULT {expression.text}")


def drop_default(column: str) -> Sql:
    """ALTER COLUMN … DROP DEFAULT."""
    return Sql(f"ALTER COLUMN {quote(column)} DROP DEFAULT")


def set_not_null(column: str) -> Sql:
    """ALTER COLUMN … SET NOT NULL."""
    return Sql(f"ALTER COLUMN {quote(column)} SET NOT NULL")


def drop_not_null(column: str) -> Sql:
    """ALTER COLUMN … DROP NOT NULL."""
    return Sql(f"ALTER COLUMN {quote(column)} DROP NOT NULL")


def add_constraint(name: str | None, body: Sql, *, not_valid: bool = False) -> Sql:
    """ADD [CONSTRAINT name] body [NOT VALID]."""
    named = "ADD" if name is None else f"ADD CONSTRAINT {quote(name)}"
    return Sql(f"{named} {body}{' NOT VALID' if not_valid else ''}")


def validate_constraint(name: str) -> Sql:
    """VALIDATE CONSTRAINT."""
    return Sql(f"VALIDATE CONSTRAINT {quote(name)}")


def drop_constraint(name: str) -> Sql:
    """DROP CONSTRAINT."""
    return Sql(f"DROP CONSTRAINT {quote(name)}")


def restore_constraint(name: str, definition: str) -> Sql:
    """ADD CONSTRAINT … NOT VALID from pg_get_constraintdef's text, written to be read by the server."""
    ending = "" if definition.endswith(" NOT VALID") else " NOT VALID"
    return Sql(f"ADD CONSTRAINT {quote(name)} {definition}{ending}")


def rename_constraint(old: str, new: str) -> Sql:
    """RENAME CONSTRAINT."""
    return Sql(f"RENAME CONSTRAINT {quote(old)} TO {quote(new)}")


# --- bodies of constraints


def as_the_server_wrote(definition: str) -> Sql:
    """pg_get_constraintdef's text, which the server wrote to be read by itself, or a slice of the file."""
    return Sql(definition)


def check_not_null(column: str) -> Sql:
    """The CHECK that lets SET NOT NULL pass without a scan (12+)."""
    return Sql(f"CHECK ({quote(column)} IS NOT NULL)")


def not_null(column: str) -> Sql:
    """NOT NULL as a constraint of the table (18+)."""
    return Sql(f"NOT NULL {quote(column)}")


def foreign_key(columns: tuple[str, ...], references: SourceSlice) -> Sql:
    """A foreign key of the table; `references` is the user's own text from the word REFERENCES on."""
    return Sql(f"FOREIGN KEY ({identifiers(columns)}) {references.text}")


def named(name: str | None, body: Sql) -> Sql:
    """[CONSTRAINT name] body, as it stands in a column definition."""
    return body if name is None else Sql(f"CONSTRAINT {quote(name)} {body}")


# --- other statements


def comment_on_constraint(name: str, table: QualifiedName, comment: str) -> Sql:
    """COMMENT ON CONSTRAINT."""
    return Sql(f"COMMENT ON CONSTRAINT {quote(name)} ON {table.quoted} IS {literal(comment)}")


def comment_on_index(name: QualifiedName, comment: str) -> Sql:
    """COMMENT ON INDEX."""
    return Sql(f"COMMENT ON INDEX {name.quoted} IS {literal(comment)}")


def analyze(table: QualifiedName, columns: tuple[str, ...] = ()) -> Sql:
    """ANALYZE of a table, or of some of its columns."""
    return Sql(f"ANALYZE {table.quoted}{f' ({identifiers(columns)})' if columns else ''}")


def drop_trigger(name: str, table: QualifiedName) -> Sql:
    """DROP TRIGGER."""
    return Sql(f"DROP TRIGGER {quote(name)} ON {table.quoted}")


def drop_function(name: QualifiedName) -> Sql:
    """DROP FUNCTION of a function without arguments (all of ours are trigger functions)."""
    return Sql(f"DROP FUNCTION {name.quoted}()")


def drop_table(name: QualifiedName) -> Sql:
    """DROP TABLE."""
    return Sql(f"DROP TABLE {name.quoted}")
