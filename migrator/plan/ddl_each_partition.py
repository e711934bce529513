"""Builds the templates of what is done partition by partition, and the statements on the root beside them.

As `ddl`, it takes names, which it quotes, and exact slices of the user's file, which it copies.
"""

from migrator.plan.ddl import Sql
from migrator.plan.partition_template import INDEX, NAME, PARENT_INDEX, PARTITION, Template
from migrator.plan.template import fill, literal
from migrator.postgres.identifiers import QualifiedName, quote


def index_on_only(name: str, table: QualifiedName, body: Sql, *, unique: bool) -> Sql:
    """CREATE [UNIQUE] INDEX … ON ONLY a partitioned table: invalid until every partition has its own."""
    return Sql(f"{_create(unique=unique)} {quote(name)} ON ONLY {table.quoted} {body}")


def index_on_branch(body: Sql, *, unique: bool) -> Template:
    """Return the same for a partition that is itself partitioned."""
    return (f"{_create(unique=unique)} ", NAME, " ON ONLY ", PARTITION, f" {body}")


def index_on_leaf(body: Sql, *, unique: bool) -> Template:
    """CREATE [UNIQUE] INDEX CONCURRENTLY on a partition."""
    return (f"{_create(unique=unique)} CONCURRENTLY ", NAME, " ON ", PARTITION, f" {body}")


def drop_leaf_index() -> Template:
    """DROP INDEX CONCURRENTLY of a partition's index."""
    return ("DROP INDEX CONCURRENTLY IF EXISTS ", INDEX)


def attach_index() -> Template:
    """ALTER INDEX … ATTACH PARTITION."""
    return ("ALTER INDEX ", PARENT_INDEX, " ATTACH PARTITION ", INDEX)


def constraint_on_branch(body: Sql) -> Template:
    """Return ADD CONSTRAINT on a partition that is itself partitioned, and not below it."""
    return ("ALTER TABLE ONLY ", PARTITION, " ADD CONSTRAINT ", NAME, f" {body}")


def constraint_over_index(*, primary: bool, attributes: Sql) -> Template:
    """Return ADD CONSTRAINT … USING INDEX on a partition."""
    kind = "PRIMARY KEY" if primary else "UNIQUE"
    after = f" {attributes}" if attributes else ""
    return (
        "ALTER TABLE ",
        PARTITION,
        " ADD CONSTRAINT ",
        NAME,
        f" {kind} USING INDEX ",
        NAME,
        *((after,) if after else ()),
    )


def add_on_partition(name: str, body: Sql) -> Template:
    """ADD CONSTRAINT … NOT VALID on a partition."""
    return ("ALTER TABLE ", PARTITION, f" ADD CONSTRAINT {quote(name)} {body} NOT VALID")


def validate_on_partition(name: str) -> Template:
    """VALIDATE CONSTRAINT of a partition."""
    return ("ALTER TABLE ", PARTITION, f" VALIDATE CONSTRAINT {quote(name)}")


def drop_partitioned_index(index: QualifiedName) -> Sql:
    """DROP INDEX of a partitioned index; those of the partitions go with it."""
    return Sql(f"DROP INDEX {index.quoted}")


def _create(*, unique: bool) -> str:
    return "CREATE UNIQUE INDEX" if unique else "CREATE INDEX"


_WITHOUT = (
    "SELECT CASE WHEN count(*) > 0 THEN ({without} || string_agg(p.relid::regclass::text, ', '))::integer END"
    " FROM pg_catalog.pg_partition_tree({table}::regclass) AS p"
    " WHERE p.isleaf AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k"
    " WHERE k.conrelid = p.relid AND k.contype = 'f' AND k.convalidated AND k.conname = {name}"
    " AND k.confrelid = {parent}::regclass AND (SELECT array_agg(a.attname::text ORDER BY u.place)"
    " FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place) JOIN pg_catalog.pg_attribute AS a"
    " ON a.attrelid = k.conrelid AND a.attnum = u.number) = ARRAY[{columns}])"
)


def all_have_foreign_key(
    table: QualifiedName, name: str, columns: tuple[str, ...], parent: QualifiedName
) -> Sql:
    """Fails (22P02) and names the partitions that have no such foreign key, or none that is validated."""
    return Sql(
        fill(
            _WITHOUT,
            without=literal(f"these partitions have no validated foreign key {name} to {parent}: "),
            table=literal(table.quoted),
            name=literal(name),
            parent=literal(parent.quoted),
            columns=", ".join(map(literal, columns)),
        )
    )
