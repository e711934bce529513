"""Builds the statements of index builds, and of constraints that take over a finished index.

As `ddl`, it takes names, which it quotes, and exact slices of the user's file, which it copies. `recreate`
alone takes text of the server (pg_get_indexdef), which the server wrote to be read by itself.
"""

from migrator.plan.ddl import SourceSlice, Sql, identifiers
from migrator.plan.step import Diagnosis
from migrator.plan.template import conjunction, fill, literal
from migrator.postgres.identifiers import QualifiedName, quote

UNIQUE_VIOLATION = "23505"


def create_index_concurrently(name: str, tail: Sql, *, unique: bool) -> Sql:
    """CREATE [UNIQUE] INDEX CONCURRENTLY; `tail` goes from the word ON to the end."""
    words = "CREATE UNIQUE INDEX CONCURRENTLY" if unique else "CREATE INDEX CONCURRENTLY"
    return Sql(f"{words} {quote(name)} {tail}")


def drop_index_concurrently(index: QualifiedName) -> Sql:
    """DROP INDEX CONCURRENTLY; one that is gone already is well."""
    return Sql(f"DROP INDEX CONCURRENTLY IF EXISTS {index.quoted}")


def reindex_concurrently(
    kind: str, name: QualifiedName, options: SourceSlice | None, *, written: bool
) -> Sql:
    """REINDEX of an INDEX or TABLE, CONCURRENTLY; `written`: the user's options say so already."""
    words = ["REINDEX", *([options.text] if options else []), kind, *([] if written else ["CONCURRENTLY"])]
    return Sql(f"{' '.join(words)} {name.quoted}")


def refresh_concurrently(view: QualifiedName) -> Sql:
    """REFRESH MATERIALIZED VIEW CONCURRENTLY, which rests on a unique index."""
    return Sql(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {view.quoted}")


def drop_remains() -> Sql:
    """DROP INDEX CONCURRENTLY of what an interrupted REINDEX left; $1 is its quoted name."""
    return Sql("DROP INDEX CONCURRENTLY IF EXISTS $1")


def on_table(table: QualifiedName, body: Sql) -> Sql:
    """Return the tail of CREATE INDEX for a body of ours."""
    return Sql(f"ON {table.quoted} {body}")


def unique_index_body(
    columns: tuple[str, ...],
    include: tuple[str, ...] = (),
    *,
    nulls_not_distinct: bool = False,
    parameters: SourceSlice | None = None,
    tablespace: str | None = None,
) -> Sql:
    """Return the index that UNIQUE or PRIMARY KEY would make: what stands after the table's name."""
    parts = [
        f"({identifiers(columns)})",
        f"INCLUDE ({identifiers(include)})" if include else "",
        "NULLS NOT DISTINCT" if nulls_not_distinct else "",
        f"WITH {parameters.text}" if parameters else "",
        f"TABLESPACE {quote(tablespace)}" if tablespace else "",
    ]
    return Sql(" ".join(part for part in parts if part))


def constraint_using_index(index: str, *, primary: bool, deferrable: bool, deferred: bool) -> Sql:
    """Return the body of a constraint that takes over a finished index."""
    words = [
        "PRIMARY KEY" if primary else "UNIQUE",
        f"USING INDEX {quote(index)}",
        deferral(deferrable=deferrable, deferred=deferred),
    ]
    return Sql(" ".join(word for word in words if word))


def deferral(*, deferrable: bool, deferred: bool) -> Sql:
    """Return the attributes of a constraint that say when it is checked; '' for at once."""
    if deferred:
        return Sql("DEFERRABLE INITIALLY DEFERRED")
    return Sql("DEFERRABLE" if deferrable else "")


def recreate(definition: str) -> Sql | None:
    """Return the statement that brings an index back without blocking writes, from pg_get_indexdef's text."""
    for words in ("CREATE UNIQUE INDEX ", "CREATE INDEX "):
        if definition.startswith(words):
            return Sql(f"{words}CONCURRENTLY {definition.removeprefix(words)}")
    return None


def after_table(definition: str, index: str, table: QualifiedName) -> Sql | None:
    """Return what stands after the table's name in pg_get_indexdef's text; None where that is not clear."""
    head, found, rest = definition.partition(" ON ")
    names = {f"CREATE {words}{name}" for words in ("INDEX ", "UNIQUE INDEX ") for name in _spellings(index)}
    if not found or head not in names:
        return None
    schemas = [""] if table.schema is None else [f"{spelt}." for spelt in _spellings(table.schema)]
    prefixes = [f"{schema}{name} " for schema in schemas for name in _spellings(table.name)]
    return next((Sql(rest[len(prefix) :]) for prefix in prefixes if rest.startswith(prefix)), None)


def _spellings(name: str) -> tuple[str, str]:
    """As quote_ident writes a name: in quotes where it must."""
    return quote(name), name


def column_key(name: str) -> Sql:
    """Return a key of an index that is a column."""
    return Sql(quote(name))


def duplicates(
    table: QualifiedName,
    keys: tuple[Sql, ...],
    *,
    where: Sql | None = None,
    nulls_not_distinct: bool = False,
) -> Diagnosis:
    """Return the query that names values that stand more than once, with their counts."""
    names = [f"key_{place}" for place, _ in enumerate(keys, 1)]
    shown = [
        f"{literal(f'{key} = ')} || pg_catalog.quote_nullable(keys.{name}::text)"
        for key, name in zip(keys, names, strict=True)
    ]
    present = [] if nulls_not_distinct else [f"keys.{name} IS NOT NULL" for name in names]
    sql = fill(
        "SELECT {shown} || ': ' || count(*) || ' rows' FROM (SELECT {keys} FROM {table} WHERE {where})"
        " AS keys WHERE {present} GROUP BY {names} HAVING count(*) > 1 ORDER BY count(*) DESC, 1 LIMIT 5",
        shown=" || ', ' || ".join(shown),
        keys=", ".join(f"({key}) AS {name}" for key, name in zip(keys, names, strict=True)),
        table=table.quoted,
        where=conjunction([where]),
        present=conjunction(present),
        names=", ".join(f"keys.{name}" for name in names),
    )
    return Diagnosis(
        sqlstate=UNIQUE_VIOLATION, sql=sql, message=f"duplicate values of {table} stand in the way"
    )
