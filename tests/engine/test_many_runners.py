"""Two, ten runs at once: one works, the others wait and find nothing to do; clocks of hosts do not matter."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migrator.database.runner_key import key
from tests.conftest import Database

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

FILES = {
    "1_carts": "CREATE TABLE carts (id bigint PRIMARY KEY, total int);\nINSERT INTO carts VALUES (1, 10);\n",
    "2_counted": "CREATE TABLE counted (n int);\nINSERT INTO counted VALUES (1);\n",
    "3_note": "ALTER TABLE carts ADD COLUMN note text;\n",
    "4_again": "INSERT INTO counted VALUES (2);\n",
}

IN_USE = {
    "11_lower": (
        "ALTER TABLE users ADD COLUMN lower_email text;\n"
        "UPDATE users SET lower_email = lower(email);\n"
        "CREATE INDEX users_lower_email ON users (lower_email);\n"
    ),
    "12_total": "ALTER TABLE carts ADD COLUMN cents bigint;\nCREATE INDEX carts_total ON carts (total);\n",
    "13_more": "ALTER TABLE users ADD COLUMN more int DEFAULT 7;\n",
    "14_counted": "INSERT INTO counted VALUES (3);\n",
}

PROJECT = Path(__file__).resolve().parents[2] / "migrator"


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / f"{name}.sql").write_text(text)


def at_once(database: Database, directory: Path, number: int, wait: float) -> list[dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "tests.engine.many",
        database.url,
        str(directory),
        str(number),
        str(wait),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr

    return list(json.loads(done.stdout))


def assert_consistent(connection: psycopg.Connection[Any], files: int) -> None:
    """All files are applied, and once."""
    states = connection.execute("SELECT state, count(*) FROM migrator.migration GROUP BY 1").fetchall()

    assert states == [("applied", files)]
    assert_done_once(connection)


def assert_done_once(connection: psycopg.Connection[Any]) -> None:
    """Every file began once, every step ran once, nobody is left."""
    begun = (
        "SELECT version FROM migrator.event WHERE kind = 'migration.begun' GROUP BY 1 HAVING count(*) <> 1"
    )
    twice = "SELECT version, step FROM migrator.attempt GROUP BY 1, 2 HAVING count(*) <> 1"

    assert connection.execute(begun).fetchall() == []
    assert connection.execute(twice).fetchall() == []
    assert connection.execute("SELECT * FROM migrator.step WHERE state <> 'done'").fetchall() == []
    assert connection.execute("SELECT * FROM migrator.session").fetchall() == []
    assert connection.execute("SELECT count(*) FROM migrator.run WHERE ended_at IS NULL").fetchone() == (0,)


def counted(connection: psycopg.Connection[Any]) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM counted ORDER BY n").fetchall()]


@pytest.mark.parametrize("number", [2, 10])
def test_the_first_run_of_all_by_many_at_once(database: Database, tmp_path: Path, number: int) -> None:
    write(tmp_path, FILES)
    ended = at_once(database, tmp_path, number, wait=60)
    connection = database.connect()

    assert [e["code"] for e in ended] == [0] * number, ended
    assert sorted(e["steps"] for e in ended)[:-1] == [0] * (number - 1)
    assert_consistent(connection, len(FILES))
    assert counted(connection) == [1, 2]


@pytest.mark.postgres(newest=True)
def test_ten_at_once_on_a_database_in_use(database: Database, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    at_once(database, tmp_path, 1, wait=0)
    connection = database.connect()
    connection.execute("CREATE TABLE users (id bigint PRIMARY KEY, email text)")
    connection.execute("INSERT INTO users SELECT n, 'U' || n FROM generate_series(1, 500) AS n")
    connection.execute("ANALYZE")
    write(tmp_path, IN_USE)
    ended = at_once(database, tmp_path, 10, wait=60)

    assert [e["code"] for e in ended] == [0] * 10, ended
    states = dict(connection.execute("SELECT version, state FROM migrator.migration").fetchall())

    assert {v: states.get(v) for v in ("11", "12", "13", "14")} == {
        "11": "waiting",  # for contract: its fill trigger goes then
        "12": "applied",
        "13": None,  # touches what 11 touches
        "14": "applied",
    }
    assert_done_once(connection)
    assert counted(connection) == [1, 2, 3]
    wrong = "SELECT count(*) FROM users WHERE lower_email IS DISTINCT FROM lower(email)"

    assert connection.execute(wrong.encode()).fetchone() == (0,)


def test_without_patience_all_but_one_are_told_who_works(database: Database, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    connection = database.connect()
    connection.execute("SELECT pg_advisory_lock(%s)", (key("migrator"),))
    ended = at_once(database, tmp_path, 3, wait=0)
    connection.execute("SELECT pg_advisory_unlock_all()")

    assert [e["code"] for e in ended] == [6, 6, 6]
    assert all(f"server process {connection.info.backend_pid}" in e["said"] for e in ended), ended

    ended = at_once(database, tmp_path, 10, wait=0)

    assert {e["code"] for e in ended} <= {0, 6}, ended
    assert 0 in {e["code"] for e in ended}
    assert sum(e["steps"] > 0 for e in ended) == 1
    assert_consistent(connection, len(FILES))
    assert counted(connection) == [1, 2]


@pytest.mark.postgres(newest=True)
def test_times_are_the_servers(database: Database, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    at_once(database, tmp_path, 2, wait=60)
    connection = database.connect()
    columns = connection.execute(
        "SELECT format('SELECT %I FROM migrator.%I', attname, relname) FROM pg_attribute "
        "JOIN pg_class AS c ON c.oid = attrelid WHERE relnamespace = 'migrator'::regnamespace "
        "AND relkind = 'r' AND atttypid = 'timestamptz'::regtype AND attnum > 0"
    ).fetchall()
    off = [
        (query, at)
        for (query,) in columns
        for (at,) in connection.execute(query.encode()).fetchall()
        if at is not None
        and connection.execute("SELECT abs(extract(epoch FROM now() - %s)) > 3600", (at,)).fetchone()
        == (True,)
    ]

    assert len(columns) > 10
    assert off == []


def test_no_decision_reads_the_clock_of_its_host() -> None:
    folders = [PROJECT / name for name in ("database", "execution", "workflow")]
    files = [PROJECT / "runner.py", *(path for folder in folders for path in folder.rglob("*.py"))]
    wall = {"time", "time_ns", "now", "utcnow", "today", "gmtime", "localtime"}
    found = [
        f"{path.name}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in wall
        and isinstance(node.value, ast.Name)
        and node.value.id in {"time", "datetime", "date"}
    ]

    assert len(files) > 50
    assert found == []
