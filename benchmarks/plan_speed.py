"""How long `migrate plan` takes in a cold process, and how much memory.

    python -m benchmarks.plan_speed --files 1000 --rounds 5

A history of FILES files is written (tables with keys, columns, indexes, foreign keys: one or two statements
each), and kept in git, with one more file on a branch. Each round starts new processes:

one new file, nothing known       migrate plan --offline --base main
one new file, facts               migrate plan --facts facts.json, which lacks the new file alone
all files                         migrate plan --offline FILE…

Printed are medians of wall time and the peak of resident memory, beside a Python that does nothing. A first
round is not counted: it compiles the modules where an installation has not done that yet.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from migrator.postgres.facts import Column, Facts, Relation
from migrator.postgres.facts_document import FactsDocument, encode
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.server_state import ServerState

TABLES = 200
NOT_OURS = ("PG", "DATABASE_", "MIGRATE_", "PYTHONDONTWRITEBYTECODE")
"""Variables of the surroundings that would be measured with it."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Time `migrate plan` in cold processes.")
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        names = history(folder, arguments.files)
        plan = [sys.executable, "-m", "migrator", "plan", "--fail-on", "never"]
        ways: dict[str, Sequence[str]] = {
            "Python alone": [sys.executable, "-c", "pass"],
            "one new file, nothing known": [*plan, "--offline", "--base", "main"],
            "one new file, facts": [*plan, "--facts", "facts.json"],
            f"all {len(names):,} files": [*plan, "--offline", *names],
        }
        print(f"{len(names):,} files, medians of {arguments.rounds} rounds")
        for name, command in ways.items():
            measured = [timed(folder, command) for _ in range(arguments.rounds + 1)][1:]
            wall = statistics.median(seconds for seconds, _ in measured)
            print(f"{name:<30} {wall:6.2f} s   {max(peak for _, peak in measured):6.0f} MB")


def history(folder: Path, number: int) -> list[str]:
    """Write the files and the facts, all but the newest file committed on the branch main."""
    (folder / "migrations").mkdir()
    names = [f"migrations/{place:04}_change.sql" for place in range(1, number + 1)]
    for place, name in enumerate(names):
        (folder / name).write_text(text(place))
    (folder / "facts.json").write_text(encode(facts(number)))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    for command in (
        ["init"],
        ["add", "--all"],
        ["commit", "--message", "history"],
        ["switch", "--create", "change"],
    ):
        subprocess.run([*git, *command], cwd=folder, check=True, capture_output=True)
    new = f"migrations/{number + 1:04}_change.sql"
    (folder / new).write_text(
        "ALTER TABLE table_1 ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n"
    )
    return [*names, new]


def text(place: int) -> str:
    """Of a file: the first ones make tables, the others change them."""
    table, other = f"table_{place % TABLES}", f"table_{(place + 1) % TABLES}"
    if place < TABLES:
        return (
            f"CREATE TABLE {table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, "
            f"other_id bigint, created_at timestamptz NOT NULL DEFAULT now());\n"
            f"COMMENT ON TABLE {table} IS 'table {place}';\n"
        )
    changes = (
        f"ALTER TABLE {table} ADD COLUMN column_{place} text;\nCREATE INDEX ON {table} (column_{place});\n",
        f"ALTER TABLE {table} ADD FOREIGN KEY (other_id) REFERENCES {other} (id);\n",
        f"ALTER TABLE {table} ADD COLUMN flag_{place} boolean NOT NULL DEFAULT false;\n",
        f"ALTER TABLE {table} ADD CHECK (length(name) < {place});\n",
    )
    return changes[place % len(changes)]


def facts(number: int) -> FactsDocument:
    """Of a database that has begun every file but the new one."""
    columns = (Column(name="id", type="bigint", not_null=True), Column(name="name", type="text"))
    relations = tuple(
        Relation(name=QualifiedName("public", f"table_{place}"), columns=columns, rows=5_000_000, bytes=10**9)
        for place in range(TABLES)
    )
    return FactsDocument(
        tool_version="0",
        made_at="2026-01-01T00:00:00+00:00",
        place="shop",
        facts=Facts(source="database", complete=True, relations=relations),
        server=ServerState(begun=tuple(f"{place:04}" for place in range(1, number + 1))),
    )


def timed(folder: Path, command: Sequence[str]) -> tuple[float, float]:
    """Run a command; its wall time in seconds and its peak of resident memory in megabytes."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(NOT_OURS)}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as error:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=error
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            error.seek(0)
            sys.exit(error.read().decode())
    return seconds, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
