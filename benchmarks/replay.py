"""How long it takes to replay a folder of migrations on an empty database: psql's time and ours.

    python benchmarks/replay.py FOLDER --server URL --rounds 3

Each round does all three, one after the other, each on a new database of the same server:

psql, a process for each file   as scripts do it: psql -1 -f FILE, without -1 where a file needs that
psql, one process for all       the least there is: one session, BEGIN and COMMIT around each file
migrate apply                   the command as it is, with `disposable = true`: reading, planning, journal

The medians and their ratios are printed. The first round also compares the schemas by pg_dump.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

NAMES = ("psql, a process for each file", "psql, one process for all", "migrate apply")

PSQL = ("psql", "-q", "-X", "-v", "ON_ERROR_STOP=1")


def main() -> None:
    arguments = parsed()
    files = sorted(arguments.folder.glob("[0-9]*.sql"))
    with tempfile.TemporaryDirectory() as scratch:
        copies = [copied(file, Path(scratch)) for file in files]
        alone = cannot_share(arguments.server, copies)
        script = Path(scratch) / "_all.psql"
        script.write_text("\n".join(lines(copies, alone)))
        ways: tuple[Callable[[str], object], ...] = (
            lambda url: each_file(url, copies, alone),
            lambda url: psql(url, "-f", str(script)),
            lambda url: migrate(url, Path(scratch)),
        )
        times: dict[str, list[float]] = {name: [] for name in NAMES}
        for number in range(arguments.rounds):
            schemas = []
            for name, way in zip(NAMES, ways, strict=True):
                seconds, schema = measured(arguments.server, way, compared=number == 0)
                times[name].append(seconds)
                schemas.append(schema)
            if len(set(schemas)) > 1:
                sys.exit("the schemas differ")
    show(times, len(files), len(alone))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Replay a folder of migrations with psql and with migrate.")
    parser.add_argument("folder", type=Path, help="files NUMBER_name.sql")
    parser.add_argument("--server", required=True, help="URL of a database in which others can be created")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def copied(file: Path, scratch: Path) -> Path:
    """A copy beside the others, without files that are no migrations."""
    copy = scratch / file.name
    copy.write_bytes(file.read_bytes())
    return copy


def cannot_share(server: str, files: list[Path]) -> frozenset[Path]:
    """The files that fail in one transaction: CREATE INDEX CONCURRENTLY, new enum values that are used."""
    found: set[Path] = set()
    with database(server) as url:
        for file in files:
            if psql(url, "-1", "-f", str(file), check=False) != 0:
                found.add(file)
                psql(url, "-f", str(file))
    return frozenset(found)


def lines(files: list[Path], alone: frozenset[Path]) -> Iterator[str]:
    for file in files:
        yield f"\\i {file}" if file in alone else f"BEGIN;\n\\i {file}\nCOMMIT;"


def each_file(url: str, files: list[Path], alone: frozenset[Path]) -> None:
    for file in files:
        psql(url, *(() if file in alone else ("-1",)), "-f", str(file))


def psql(url: str, *arguments: str, check: bool = True) -> int:
    done = subprocess.run([*PSQL, *arguments, url], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        sys.exit(done.stderr)
    return done.returncode


def migrate(url: str, folder: Path) -> None:
    command = [sys.executable, "-m", "migrator", "apply", "-q", "--dir", str(folder)]
    environment = os.environ | {"DATABASE_URL": url, "MIGRATE_DISPOSABLE": "true"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has compiled modules
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)


def measured(server: str, way: Callable[[str], object], *, compared: bool) -> tuple[float, str]:
    with database(server) as url:
        began = time.perf_counter()
        way(url)
        seconds = time.perf_counter() - began
        return seconds, dumped(url) if compared else ""


def dumped(url: str) -> str:
    command = ["pg_dump", "--schema-only", "--exclude-schema=migrator", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return "\n".join(line for line in done.stdout.splitlines() if "restrict " not in line)


class database:  # noqa: N801  # used as a function
    """A new database for the length of a `with` block."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.name = f"replay_{os.getpid()}"

    def __enter__(self) -> str:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {self.name}".encode())
        return urlsplit(self.server)._replace(path=f"/{self.name}").geturl()

    def __exit__(self, *_: object) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {self.name} WITH (FORCE)".encode())


def show(times: dict[str, list[float]], files: int, alone: int) -> None:
    ours = statistics.median(times[NAMES[-1]])
    print(f"{files} files, {alone} of them not in one transaction; medians of {len(times[NAMES[0]])} rounds")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        each = " ".join(f"{one:.2f}" for one in seconds)
        print(f"{name:<32} {median:7.2f} s   migrate / this: {ours / median:5.2f}   ({each})")


if __name__ == "__main__":
    main()
