"""What plans expect of long steps, and what happens: time, WAL, disk.

    python -m benchmarks.estimates --server URL --rows 1000000

A table of an ordinary shape is filled, vacuumed and analysed. Then each change is planned and applied by
the command, one after the other: first with the speeds that are assumed, then, on a second table as large,
with those that the journal has seen by then. For each long step it prints what was expected and what was
measured. Times are those of the journal; WAL is the distance of pg_current_wal_insert_lsn() over the whole
change, disk the growth of pg_total_relation_size().
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.replay import database
from migrator.reports.amounts import seconds, size

TABLE = """
CREATE TABLE {0} (
    id bigint PRIMARY KEY, customer uuid NOT NULL, total numeric(12, 2), note text, at timestamptz NOT NULL
);
INSERT INTO {0}
SELECT n, gen_random_uuid(), n % 10000, repeat('note ', (n % 20)::int), now() - n * interval '1 second'
FROM generate_series(1, {1}) AS n;
CREATE INDEX {0}_at ON {0} (at);
"""

KINDS = """
CREATE TABLE kinds (id bigint PRIMARY KEY);
INSERT INTO kinds SELECT generate_series(1, {0});
"""

TIMES = (
    "SELECT id, extract(epoch FROM finished_at - started_at)::float8 FROM migrator.step WHERE version = %s"
)

CHANGES = {
    "check": "ALTER TABLE {0} ADD CONSTRAINT {0}_total CHECK (total >= 0);",
    "not null": "ALTER TABLE {0} ALTER COLUMN total SET NOT NULL;",
    "index": "CREATE INDEX {0}_customer ON {0} (customer);",
    "unique": "ALTER TABLE {0} ADD CONSTRAINT {0}_key UNIQUE (customer, at);",
    "backfill": "ALTER TABLE {0} ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();",
    "foreign key": "ALTER TABLE {0} ADD FOREIGN KEY (id) REFERENCES kinds (id);",
}

CONFIGURATION = "[rewrite]\nsmall_table_rows = 0\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One long step."""

    change: str
    estimate: dict[str, Any]
    took_s: float
    wal: int
    disk: int


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare estimates with what happens.")
    parser.add_argument("--server", required=True, help="URL of a database in which others can be created")
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with database(arguments.server) as url, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "migrations").mkdir()
        (folder / "migrate.toml").write_text(CONFIGURATION)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(KINDS.format(arguments.rows).encode())
            migrate(url, folder, "baseline", "0", "--yes")
            for round_, table in (("assumed", "first"), ("measured", "second")):
                connection.execute(TABLE.format(table, arguments.rows).encode())
                connection.execute(f"VACUUM (ANALYZE) {table}, kinds".encode())
                connection.execute(b"CHECKPOINT")
                bytes_ = ask(connection, f"SELECT pg_table_size('{table}')")
                print(f"\n{round_}: {arguments.rows:,} rows, {size(bytes_)}")
                show([row for name in CHANGES for row in changed(connection, url, folder, table, name)])


def changed(connection: psycopg.Connection[Any], url: str, folder: Path, table: str, name: str) -> list[Row]:
    """Plan and apply one change; what was expected of its long steps, and what it took."""
    version = str(len(list((folder / "migrations").iterdir())) + 1)
    (folder / "migrations" / f"{version}_change.sql").write_text(CHANGES[name].format(table) + "\n")
    planned = json.loads(migrate(url, folder, "plan", "--format", "json", "--fail-on", "never"))
    before = (lsn(connection), total(connection, table))
    migrate(url, folder, "apply", "--yes")
    wal, disk = lsn(connection) - before[0], total(connection, table) - before[1]
    took = dict(connection.execute(TIMES, [version]).fetchall())
    return [
        Row(change=name, estimate=estimate, took_s=took[estimate["step"]], wal=wal, disk=disk)
        for estimate in planned["estimates"]
    ]


def migrate(url: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "migrator", *arguments],
        cwd=folder,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout


def lsn(connection: psycopg.Connection[Any]) -> int:
    return int(ask(connection, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


def total(connection: psycopg.Connection[Any], table: str) -> int:
    return int(ask(connection, f"SELECT pg_total_relation_size('{table}')"))


def ask(connection: psycopg.Connection[Any], query: str) -> Any:  # noqa: ANN401  # one value
    (row,) = connection.execute(query.encode()).fetchall()
    return row[0]


def show(rows: list[Row]) -> None:
    print("| change | work | expected | took | | WAL expected | WAL | disk expected | disk |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        span, wal, disk = (row.estimate[name] for name in ("seconds", "wal_bytes", "disk_bytes"))
        place = "below" if row.took_s < span["low"] else "above" if row.took_s > span["high"] else "within"
        cells = (
            row.change,
            row.estimate["pace"],
            f"{seconds(span['low'])} to {seconds(span['high'])}",
            seconds(row.took_s),
            place,
            between(wal),
            size(row.wal),
            between(disk),
            size(row.disk),
        )
        print(f"| {' | '.join(cells)} |")


def between(span: dict[str, float]) -> str:
    return f"{size(round(span['low']))} to {size(round(span['high']))}"


if __name__ == "__main__":
    main()
