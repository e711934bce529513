"""`migrate plan`: which files it chooses, what it says, and that it changes nothing."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Shell, Site

pytestmark = pytest.mark.postgres(newest=True)
"""What is chosen and said does not depend on the server; the golden plans run on every version."""

ADD = "ALTER TABLE users ADD COLUMN age int;\n"


def git(folder: Path, *arguments: str) -> None:
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


def test_pending_files_of_a_database(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    assert shop("apply").code == 0
    shop.shell.write("2_b.sql", "ALTER TABLE users ADD COLUMN b int;\n")

    done = shop("plan")

    assert done.code == 0, str(done)
    assert "2_b.sql" in done.out
    assert "1_a.sql" not in done.out


def test_plan_creates_nothing_and_works_on_a_read_only_database(site: Site) -> None:
    site.shell.write("1_a.sql", "CREATE TABLE users (id int);\n")
    site.sql(f"ALTER DATABASE {site.database.name} SET default_transaction_read_only = on")

    done = site("plan")

    assert done.code == 0, str(done)
    assert site.sql("SELECT to_regnamespace('migrator')") == [(None,)]


def test_database_without_a_journal_is_pointed_to_baseline(site: Site) -> None:
    site.sql("CREATE TABLE users (id int)")
    site.shell.write("1_a.sql", ADD)

    done = site("plan")

    assert done.code == 0, str(done)
    assert "migrate baseline" in done.err


def test_named_files_are_planned_whether_pending_or_not(shop: Site) -> None:
    path = shop.shell.write("1_a.sql", ADD)
    assert shop("apply").code == 0

    done = shop("plan", str(path))

    assert done.code in {0, 3}, str(done)  # the column exists, which the plan says
    assert "ADD COLUMN age" in done.out


def test_standard_input(shell: Shell) -> None:
    done = shell("plan", "-", stdin=ADD)

    assert done.code == 0, str(done)
    assert "ADD COLUMN age" in done.out


def test_standard_input_stands_alone(shell: Shell) -> None:
    done = shell("plan", "-", "other.sql", stdin=ADD)

    assert done.code == 2


@pytest.mark.parametrize(
    ("sql", "place"),
    [("SELECT 'open", "<stdin>:1:8"), ("SELECT 1;\n  \\copy x", "<stdin>:2:3"), ("/* a", "<stdin>:1:1")],
)
def test_syntax_errors_have_a_place(shell: Shell, sql: str, place: str) -> None:
    done = shell("plan", "-", stdin=sql)

    assert done.code == 5, str(done)
    assert f"error: {place}: " in done.err


def test_unapproved_hazard_is_exit_3_unless_never(shell: Shell) -> None:
    assert shell("plan", "-", stdin="DROP TABLE users").code == 3
    assert shell("plan", "-", "--fail-on", "never", stdin="DROP TABLE users").code == 0


def test_fail_on_info_counts_what_is_rewritten_away(shell: Shell) -> None:
    index = "CREATE INDEX users_name ON users (name)"

    assert shell("plan", "-", stdin=index).code == 0
    assert shell("plan", "-", "--fail-on", "info", stdin=index).code == 3


def test_check_is_exit_4_only_where_something_is_pending(shop: Site) -> None:
    nothing = shop("plan", "--check")
    shop.shell.write("1_a.sql", ADD)

    done = shop("plan", "--check")

    assert nothing.code == 0, str(nothing)
    assert done.code == 4, str(done)


def test_json_is_the_document_that_is_saved(shop: Site) -> None:
    shop.shell.write("1_a.sql", ADD)

    done = shop("plan", "--format", "json", "--save", "plan.json")

    saved = (shop.shell.folder / "plan.json").read_text()
    assert done.code == 0, str(done)
    assert json.loads(done.out) == json.loads(saved)
    assert [path.name for path in shop.shell.folder.iterdir() if path.name.startswith(".")] == []


def test_saved_plan_is_applied(shop: Site) -> None:
    shop.shell.write("1_a.sql", ADD)
    shop("plan", "--save", "plan.json")

    done = shop("apply", "plan.json")
    again = shop("apply", "plan.json")

    assert done.code == again.code == 0, str(again)
    assert "applied    1  a" in done.out
    assert "nothing to do" in again.out


def test_saved_plan_is_refused_where_a_file_was_edited(shop: Site) -> None:
    shop.shell.write("1_a.sql", ADD)
    shop("plan", "--save", "plan.json")
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN age bigint;\n")

    done = shop("apply", "plan.json")

    assert done.code == 5
    assert "1_a.sql was edited" in done.err


def test_saved_plan_is_refused_where_a_table_was_changed(shop: Site) -> None:
    shop.shell.write("1_a.sql", ADD)
    shop("plan", "--save", "plan.json")
    shop.sql("ALTER TABLE users ADD COLUMN other int")

    done = shop("apply", "plan.json")

    assert done.code == 5
    assert "public.users was changed" in done.err
    assert "migrate plan --save" in done.err


def test_saved_plan_made_without_a_database_is_refused(shop: Site) -> None:
    shop.shell.write("1_a.sql", ADD)
    made = shop("plan", "--offline", "migrations/1_a.sql", "--save", "plan.json")

    done = shop("apply", "plan.json")

    assert made.code == 0, str(made)
    assert done.code == 5
    assert "without a database" in done.err


def test_damaged_plan_is_an_input_problem(shop: Site) -> None:
    shop.shell.migrations.mkdir(exist_ok=True)
    for text in ("", "{", "[]", '{"format": 1}', '{"format": 99}', "\x00"):
        (shop.shell.folder / "plan.json").write_text(text)

        done = shop("apply", "plan.json")

        assert done.code in {2, 5}, f"{text!r}: {done}"
    assert shop("apply", "absent.json").code == 5


def test_offline_plans_what_the_branch_adds(shell: Shell) -> None:
    shell.write("1_old.sql", "ALTER TABLE users ADD COLUMN old int;\n")
    git(shell.folder, "init")
    git(shell.folder, "add", ".")
    git(shell.folder, "commit", "-m", "old")
    git(shell.folder, "checkout", "-b", "work")
    shell.write("2_new.sql", "ALTER TABLE users ADD COLUMN new int;\n")
    git(shell.folder, "add", ".")
    git(shell.folder, "commit", "-m", "new")
    shell.write("3_uncommitted.sql", "ALTER TABLE users ADD COLUMN newer int;\n")

    done = shell("plan", "--offline")

    assert done.code == 0, str(done)
    assert "2_new.sql" in done.out
    assert "3_uncommitted.sql" in done.out
    assert "1_old.sql" not in done.out


def test_offline_without_a_repository_says_what_to_do(shell: Shell) -> None:
    shell.write("1_a.sql", ADD)

    done = shell("plan")

    assert done.code == 2
    assert "not in a git repository" in done.err


def test_unknown_base_is_named(shell: Shell) -> None:
    shell.write("1_a.sql", ADD)
    git(shell.folder, "init")

    done = shell("plan", "--base", "origin/nowhere")

    assert done.code == 2
    assert "origin/nowhere" in done.err


def test_offline_excludes_a_database(shell: Shell) -> None:
    assert shell("plan", "--offline", "--database", "postgresql://localhost/x", "-").code == 2
