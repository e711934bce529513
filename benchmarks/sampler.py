"""How close the looks of `migrate verify --traffic` at pg_locks are, and what they cost.

`python -m benchmarks.sampler URL [SECONDS]`: samples a database beside nothing, then beside one session that
takes and gives back a lock all the time, and prints looks a second, their resolution, and the part of
a processor that the sampler and (on this machine) its backend take.
"""

import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psycopg

from migrator.shadow.traffic.companion import Companion
from migrator.shadow.traffic.sampler import DATABASE
from migrator.shadow.traffic.sightings import Sampled

BACKEND = "SELECT pid FROM pg_stat_activity WHERE application_name = 'migrate verify sampler'"

TICKS = 100
"""Of /proc, in a second."""


def main() -> None:
    url = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS sampled (id int)")
        for busy in (False, True):
            show("beside a busy session" if busy else "alone", measured(url, connection, seconds, busy=busy))
        connection.execute("DROP TABLE sampled")


def measured(
    url: str, connection: psycopg.Connection[tuple[object, ...]], seconds: float, *, busy: bool
) -> tuple[Sampled, float | None]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "sampled.json"
        options = {"output": output, "without": "[]"}
        with Companion("migrator.shadow.traffic.sampler", options, environment={DATABASE: url}):
            row = connection.execute(BACKEND).fetchone()
            before, began = used(row), time.monotonic()
            while time.monotonic() - began < seconds:
                if busy:
                    with connection.transaction():
                        connection.execute("LOCK TABLE sampled IN SHARE MODE")
                else:
                    time.sleep(0.1)
            after, ended = used(row), time.monotonic()
        share = None if before is None or after is None else (after - before) / TICKS / (ended - began)
        return msgspec.json.decode(output.read_bytes(), type=Sampled), share


def used(row: tuple[object, ...] | None) -> int | None:
    """Return the processor time of a backend on this machine, in ticks."""
    stat = Path(f"/proc/{row[0]}/stat") if row else Path("/nowhere")
    if not stat.exists() or "postgres" not in stat.read_text():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def show(words: str, found: tuple[Sampled, float | None]) -> None:
    sampled, share = found
    backend = "unknown (elsewhere)" if share is None else f"{share:.0%}"
    print(
        f"{words}: {sampled.looks} looks, resolution {sampled.resolution_s * 1000:.1f} ms, "
        f"sampler {sampled.busy:.0%} of a processor, its backend {backend}, {len(sampled.spans)} locks seen"
    )


if __name__ == "__main__":
    main()
