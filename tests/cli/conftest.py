"""The program as a subprocess, in a folder of the test's own; it never shows a traceback or a password."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from migrator.cli.main import run
from tests.conftest import Database
from tests.servers import PASSWORD
from tests.waiting import until

MARKER = "s3cret-Marker!"
"""Set where a password could stand; must never come out again."""

CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PG", "MIGRATE_", "DATABASE_", "GIT_", "CI", "GITHUB_"))
    and name != "PYTHONDONTWRITEBYTECODE"
}
"""Without it, each of some hundred starts of the program would compile its modules again."""

SETTINGS = """
[rewrite]
small_table_rows = 0

[run]
lock_deadline = "2s"
"""
"""No table is small, and nothing waits for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A project folder and the program."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def migrations(self) -> Path:
        return self.folder / "migrations"

    def write(self, name: str, text: str) -> Path:
        """Write a migration file."""
        self.migrations.mkdir(exist_ok=True)
        path = self.migrations / name
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a command and do not wait for it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "migrator", *arguments],
            cwd=self.folder,
            env=CLEAN | self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.running.append(process)
        return process

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        """Run a command to its end."""
        return finish(self.start(*arguments, **environment), stdin)


def finish(process: "subprocess.Popen[str]", stdin: str = "") -> Done:
    """Wait for a command; whatever it did, it showed neither a traceback nor a secret."""
    out, err = process.communicate(stdin, timeout=120)
    out = out or ""  # None where the test has closed it
    done = Done(code=process.returncode, out=out, err=err)
    assert "Traceback" not in err + out, str(done)
    assert MARKER not in err + out, str(done)
    assert f":{PASSWORD}@" not in err + out, str(done)
    return done


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """An empty project outside of any repository, and no database."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Shell(folder=folder)
    yield made
    for process in made.running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A project with a database."""

    shell: Shell
    database: Database
    sql: Callable[[str], list[tuple[object, ...]]]

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        return self.shell(*arguments, stdin=stdin, **environment)


@pytest.fixture
def site(shell: Shell, database: Database) -> Site:
    """A project whose DATABASE_URL is an empty database; no table counts as small there."""
    shell.environment["DATABASE_URL"] = database.url
    (shell.folder / "migrate.toml").write_text(SETTINGS)
    connection = database.connect()

    def sql(text: str) -> list[tuple[object, ...]]:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []

    return Site(shell=shell, database=database, sql=sql)


@pytest.fixture
def shop(site: Site) -> Site:
    """A live database with 5,000 users, its journal begun, and no files yet."""
    site.sql("CREATE TABLE users (id bigint PRIMARY KEY, name text)")
    site.sql("INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 5000) AS n")
    site.sql("ANALYZE users")
    site.shell.migrations.mkdir()
    begun = run(["baseline", "0", "--database", site.database.url, "--yes"])  # in this process: quicker
    assert begun == 0
    return site


def until_filling(site: Site, process: "subprocess.Popen[str]") -> None:
    """Wait until a batch of the backfill of users.lower_name is committed."""

    def begun() -> bool:
        assert process.poll() is None, str(finish(process))
        if site.sql("SELECT 1 FROM information_schema.columns WHERE column_name = 'lower_name'") == []:
            return False
        return site.sql("SELECT count(*) > 0 FROM users WHERE lower_name IS NOT NULL") == [(True,)]

    until(begun, what="first batch")


def locked(database: Database, table: str) -> psycopg.Connection[tuple[object, ...]]:
    """A session of the application that holds a table in an open transaction."""
    holder = database.connect()
    holder.autocommit = False
    holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
    return holder
