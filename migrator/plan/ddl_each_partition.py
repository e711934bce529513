"""Builds the templates of what is done partition by partition, and the statements on the root beside them.

As `ddl`, it takes names, which it quotes, and exact slices of the user's file, which it copies.
"""

from migrator.plan.ddl import Sql
from migrator.plan.partition_template import INDEX, NAME, PARENT_INDEX, PARTITION, Template
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
