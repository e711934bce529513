"""The whole sample history on every version, on tables in use of which none is small.

`migrate apply` and `migrate contract` of everything that waits, in processes of their own; on a copy of the
loaded database the same files as written. Schema and rows must come out equal, and nothing be left behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from migrator.demo import comparison, naive, samples, shop, verification
from migrator.demo.planned import PlannedRun
from migrator.demo.shop import Size
from migrator.demo.tool import Tool
from tests import schema_dump
from tests.conftest import Database

SIZE = Size(orders=3_000)

JOURNAL = "migrator"

CONFIG = """
[rewrite]
small_table_rows = 0

[run]
batch_rows = 500
"""
"""No table is small."""

DRAWN = ("updated_at", "changed_at", "confirmation_token", "number")
"""Columns whose values are drawn or told by the clock, so that they differ in any two runs."""

DRAWN_IN = {"audit_log": ("id",)}
"""Such columns of one table: the log is numbered as rows are changed, and batches go by their key."""

TABLES: LiteralString = """
    SELECT relname FROM pg_class
    WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace ORDER BY 1
"""

ROWS: LiteralString = """
    SELECT (to_jsonb(t) - %s::text[] #- '{{new_values,updated_at}}' #- '{{old_values,updated_at}}')::text
        COLLATE "C" AS told
    FROM {} AS t ORDER BY told
"""

PROMISES: dict[str, LiteralString] = {
    "orders share a confirmation_token": "SELECT count(*) - count(DISTINCT confirmation_token) FROM orders",
    "orders share a number": "SELECT count(*) - count(DISTINCT number) FROM orders",
    "orders have no number": "SELECT count(*) FROM orders WHERE number IS NULL",
}
"""What must hold of drawn values: each counts rows that break it."""


def test_the_whole_history_gives_what_the_files_say(database: Database, tmp_path: Path) -> None:
    files = samples.folder()
    tool = planned_tool(database, files, tmp_path)
    first, later = samples.history(files)
    tool.run("apply", "--to", samples.version(first[-1]))
    shop.load(database.url, SIZE)
    with copied(database) as copy:
        for file in later:
            naive.run(copy, file, print)
        PlannedRun(tool, JOURNAL, print).finish(lambda: None)

        assert schema_dump.schema(database.url) == schema_dump.schema(copy)
        assert rows(database.url) == rows(copy)

    assert comparison.remains(database.url, journal=JOURNAL) == []
    assert broken_promises(database.url) == []


def planned_tool(database: Database, files: Path, folder: Path) -> Tool:
    """The program as somebody has it who takes no table for small."""
    config = folder / "migrate.toml"
    config.write_text(CONFIG)
    return Tool(database=database.url, files=files, config=config, log=folder / "migrate.log")


@contextmanager
def copied(database: Database) -> Iterator[str]:
    """A copy of the database, for as long as it is needed."""
    name = f"{database.name}_naive"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with database.server.connect() as administrator:
        administrator.execute(create.format(sql.Identifier(name), sql.Identifier(database.name)))
        try:
            yield database.server.database_url(name)
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            administrator.execute(drop.format(sql.Identifier(name)))


def rows(url: str) -> dict[str, list[str]]:
    """Every row of every table, without what is drawn."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [name for (name,) in connection.execute(TABLES)]
        queries = {name: sql.SQL(ROWS).format(sql.Identifier("public", name)) for name in tables}
        return {
            name: [told for (told,) in connection.execute(query, [[*DRAWN, *DRAWN_IN.get(name, ())]])]
            for name, query in queries.items()
        }


def broken_promises(url: str) -> list[str]:
    """What the files promise of drawn values, and does not hold."""
    with psycopg.connect(url, autocommit=True) as connection:
        counted = {name: verification.one(connection, query) for name, query in PROMISES.items()}
    return [f"{number} {name}" for name, number in counted.items() if number]
