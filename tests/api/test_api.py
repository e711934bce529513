"""`migrator.apply` and its siblings, as a program calls them; and what importing the package loads."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import migrator
from migrator.errors import ApprovalNeeded, CannotConnect, MigrateError, NotDisposable, UsageError
from migrator.execution.events import Event, StepFinished
from tests.conftest import Database

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n"

ROOT = Path(__file__).parent.parent.parent

newest = pytest.mark.postgres(newest=True)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "1_users.sql").write_text(USERS)
    return tmp_path


@newest
def test_apply_runs_what_is_pending(database: Database, files: Path) -> None:
    seen: list[Event] = []

    first = migrator.apply(database.url, files, watch=seen.append)
    second = migrator.apply(database.url, files)

    assert (first.applied, first.steps, first.waiting, first.blocked) == (("1",), 1, (), ())
    assert [event.step.title for event in seen if isinstance(event, StepFinished)] == [
        "CREATE TABLE public.users"
    ]
    assert (second.applied, second.steps) == ((), 0)


@newest
def test_pending_is_the_plan_and_changes_nothing(database: Database, files: Path) -> None:
    plan = migrator.pending(database.url, files)

    assert [step.title for step in plan.steps] == ["CREATE TABLE public.users"]
    assert database.connect().execute("SELECT to_regnamespace('migrator')").fetchone() == (None,)


@newest
def test_a_hazard_is_an_error_with_exit_code_and_hint(database: Database, files: Path) -> None:
    migrator.apply(database.url, files)
    (files / "2_drop.sql").write_text("DROP TABLE users;\n")

    with pytest.raises(ApprovalNeeded) as caught:
        migrator.apply(database.url, str(files))

    assert caught.value.exit_code == 3
    assert caught.value.hint is not None


@newest
def test_disposable_needs_no_approval_and_may_be_reset(database: Database, files: Path) -> None:
    migrator.apply(database.url, files, disposable=True)
    (files / "2_drop.sql").write_text("DROP TABLE users;\n")

    applied = migrator.apply(database.url, files, disposable=True)
    (files / "1_users.sql").write_text(USERS.replace("users", "people"))
    edited = migrator.apply(database.url, files, disposable=True)
    (files / "2_drop.sql").unlink()
    reset = migrator.reset(database.url, files, disposable=True)

    assert applied.applied == ("2",)
    assert any("edited" in note for note in edited.notes)
    assert reset.applied == ("1",)
    assert database.connect().execute("SELECT to_regclass('people') IS NULL").fetchone() == (False,)


@newest
def test_reset_of_what_counts_is_refused(database: Database, files: Path) -> None:
    migrator.apply(database.url, files)

    for disposable in (False, True):
        with pytest.raises(NotDisposable):
            migrator.reset(database.url, files, disposable=disposable)
    assert migrator.reset(database.url, files, disposable=True, adopt=database.name).applied == ("1",)


@newest
def test_settings_of_a_file_and_an_environment(database: Database, tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "1_users.sql").write_text(USERS)
    config = tmp_path / "migrate.toml"
    config.write_text(f'dir = "sql"\n[environments.test]\ndatabase = "{database.url}"\ndisposable = true\n')

    result = migrator.apply(config=config, env="test")

    assert result.applied == ("1",)
    assert database.connect().execute("SELECT disposable FROM migrator.control").fetchone() == (True,)


def test_no_server_is_an_error_of_the_tree(files: Path) -> None:
    with pytest.raises(CannotConnect) as caught:
        migrator.apply("host=127.0.0.1 port=1 dbname=none", files)

    assert isinstance(caught.value, MigrateError)


def test_no_folder_is_an_error_of_the_tree(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        migrator.apply("host=127.0.0.1 port=1", tmp_path / "none")


def test_importing_the_package_loads_nothing_else() -> None:
    program = "import sys; old = set(sys.modules); import migrator; print(*sorted(set(sys.modules) - old))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())

    assert {name for name in loaded if name.startswith("migrator")} == {"migrator"}
    assert not loaded & {"psycopg", "sqlglot", "msgspec", "click", "rich", "tenacity", "pathlib"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'applyy'"):
        _ = migrator.applyy


def test_the_examples_of_the_page_are_valid_python() -> None:
    page = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)

    assert len(examples) == 3
    for example in examples:
        compile(example, "python-api.md", "exec")


def test_the_page_names_every_argument() -> None:
    import inspect

    page = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    for function in (migrator.apply, migrator.reset, migrator.pending):
        for name in inspect.signature(function).parameters:
            assert f"| `{name}` |" in page, name
