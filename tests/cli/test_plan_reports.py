"""`migrate plan --report`: which reports go where, and what paths they name."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from migrator.cli.repository import path_in_repository
from tests.cli.conftest import Shell

DROP = "DROP TABLE carts;\n"

BROKEN = "SELECT 1;\nSELECT (;\n"


def test_several_reports_in_one_call(shell: Shell) -> None:
    path = shell.write("1_a.sql", DROP)

    done = shell(
        *("plan", "--offline", str(path), "--report", "markdown=plan.md", "--report", "sarif=plan.sarif"),
        *("--report", "gitlab=quality.json", "--report", "github=-", "--report", "json=plan.json"),
    )

    assert done.code == 3, str(done)
    assert done.out.startswith("::error file=migrations/1_a.sql,line=1,")
    assert (shell.folder / "plan.md").read_text().startswith("<!-- migrator:plan migrations -->\n## ")
    assert json.loads((shell.folder / "plan.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((shell.folder / "quality.json").read_text())[0]["check_name"] == "data-loss"
    assert json.loads((shell.folder / "plan.json").read_text())["format"] == 1


@pytest.mark.parametrize("form", ["markdown", "github", "sarif", "gitlab"])
def test_format_prints_what_report_writes(shell: Shell, form: str) -> None:
    path = shell.write("1_a.sql", DROP)

    done = shell("plan", "--offline", str(path), "--format", form, "--report", f"{form}=report")

    assert done.out == (shell.folder / "report").read_text()


@pytest.mark.parametrize(
    "options",
    [
        ("--report", "markdown=-", "--report", "sarif=-"),
        ("--format", "json", "--report", "markdown=-"),
        ("--report", "html=x.html"),
        ("--report", "markdown"),
        ("--report", "markdown=nowhere/x.md"),
        ("--report-root", "nowhere"),
    ],
)
def test_mistakes_are_usage_errors(shell: Shell, options: tuple[str, ...]) -> None:
    path = shell.write("1_a.sql", DROP)

    done = shell("plan", "--offline", str(path), *options)

    assert done.code == 2, str(done)
    assert done.out == ""


def test_a_file_that_cannot_be_read_is_reported_too(shell: Shell) -> None:
    path = shell.write("1_a.sql", BROKEN)

    done = shell(
        *("plan", "--offline", str(path), "--report", "github=-", "--report", "markdown=plan.md"),
        *("--report", "text=plan.txt"),
    )

    assert done.code == 5, str(done)
    assert done.out.startswith("::error file=migrations/1_a.sql,line=2,col=8,")
    assert "there is no plan" in (shell.folder / "plan.md").read_text()
    assert not (shell.folder / "plan.txt").exists()


def test_paths_begin_at_the_root_of_the_repository(shell: Shell) -> None:
    subprocess.run(["git", "init", "-q", str(shell.folder.parent)], check=True)
    path = shell.write("1_a.sql", DROP)

    own = shell("plan", "--offline", str(path), "--format", "github")
    other = shell("plan", "--offline", str(path), "--format", "github", "--report-root", "migrations")

    assert own.out.startswith("::error file=project/migrations/1_a.sql,")
    assert other.out.startswith("::error file=1_a.sql,")


def test_standard_input_is_in_no_repository(shell: Shell) -> None:
    done = shell("plan", "--offline", "-", "--format", "github", stdin=DROP)

    assert done.out.startswith("::error title=data-loss::")


def test_links_and_worktrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    (root / "db" / "migrations").mkdir(parents=True)
    (root / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "link").symlink_to(root / "db")
    monkeypatch.chdir(root / "db")

    assert path_in_repository(Path("migrations/1.sql"), None) == "db/migrations/1.sql"
    assert path_in_repository(Path("../db/./migrations/1.sql"), None) == "db/migrations/1.sql"
    assert path_in_repository(tmp_path / "link" / "migrations" / "1.sql", None) == "db/migrations/1.sql"
    assert path_in_repository(Path("migrations/1.sql"), Path("migrations")) == "1.sql"
    assert path_in_repository(Path("/elsewhere/1.sql"), Path(os.curdir)) is None


def test_without_a_repository_paths_begin_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert path_in_repository(Path("migrations/1.sql"), None) == "migrations/1.sql"
