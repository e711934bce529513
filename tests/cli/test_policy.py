"""Approvals on the command line: `migrate approve`, the approvals file, last days, and how `plan` ends."""

import json
from pathlib import Path

import pytest

from migrator.cli.main import run
from tests.cli.conftest import Site

DROP = "DROP TABLE carts;\n"
NAME = "1_drop_carts.sql"
TODAY, LATER = "2026-06-30", "2026-07-01"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file, in which commands run in this process and without a database."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "PGHOST", "PGDATABASE", "PGSERVICE", "MIGRATE_APPROVALS", "MIGRATE_ENV"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "migrations").mkdir()
    write(tmp_path, DROP)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "migrations" / NAME
    path.write_text(text, encoding="utf-8", newline="")
    return path


def configure(folder: Path, text: str) -> None:
    (folder / "migrate.toml").write_text(text, encoding="utf-8")


IN_FILE = '[policy]\napprovals = "file"\n'


def test_approve_writes_a_directive(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(project, f"-- carts\n\n{DROP}\n  DROP TABLE others;\n")

    assert run(["approve", "--offline", "1", "--reason", 'say "x"', "--until", "2999-01-31"]) == 0
    expected = '-- migrate: allow data-loss reason="say \\"x\\"" until=2999-01-31\n'
    assert path.read_text() == f"-- carts\n\n{expected}{DROP}\n  {expected}  DROP TABLE others;\n"
    assert "approved  data-loss  migrations/1_drop_carts.sql:3:1  DROP TABLE carts" in capsys.readouterr().out
    assert run(["plan", "--offline", f"migrations/{NAME}"]) == 0


def test_approve_keeps_line_ends_and_the_byte_order_mark(project: Path) -> None:
    path = write(project, "\ufeffDROP TABLE carts;\r\nDROP TABLE others;\r\n")

    assert run(["approve", "--offline", NAME, "--reason", "x"]) == 0

    directive = '-- migrate: allow data-loss reason="x"\r\n'
    expected = f"\ufeff{directive}DROP TABLE carts;\r\n{directive}DROP TABLE others;\r\n"
    assert path.read_bytes().decode() == expected
    assert run(["plan", "--offline", f"migrations/{NAME}"]) == 0


def test_a_statement_in_the_middle_of_a_line_is_left_alone(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(project, "SELECT 1; DROP TABLE carts;\n")

    assert run(["approve", "--offline", "1", "--hazard", "data-loss", "--reason", "x"]) == 2
    assert "1_drop_carts.sql:1" in capsys.readouterr().err
    assert path.read_text() == "SELECT 1; DROP TABLE carts;\n"


def test_approve_writes_an_entry_where_the_file_approves(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, IN_FILE)
    write(project, f'-- migrate: allow data-loss reason="no reader"\n{DROP}DROP TABLE carts;\n')

    assert run(["plan", "--offline", f"migrations/{NAME}"]) == 3
    shown = capsys.readouterr()
    assert 'asked for in the file: "no reader"' in shown.out
    assert "migrations/approvals.toml" in shown.err

    assert run(["approve", "--offline", "1", "--reason", "no reader", "--by", "ada"]) == 0
    text = (project / "migrations" / "approvals.toml").read_text()
    assert text.count("[[approvals]]") == 1  # the same statement twice
    assert 'approved_by = "ada"' in text
    capsys.readouterr()

    assert run(["plan", "--offline", f"migrations/{NAME}"]) == 0
    assert "approved by ada in migrations/approvals.toml:4" in " ".join(capsys.readouterr().out.split())


def test_a_second_approval_leaves_what_was_there(project: Path) -> None:
    configure(project, IN_FILE)
    path = project / "migrations" / "approvals.toml"
    path.write_text("# ours\n")

    assert run(["approve", "--offline", "1", "--reason", "one"]) == 0
    write(project, f"{DROP}DROP TABLE others;\n")
    assert run(["approve", "--offline", "1", "--reason", "two"]) == 0

    text = path.read_text()
    assert text.startswith("# ours\n\n[[approvals]]\n")
    assert text.count("[[approvals]]") == 2
    assert run(["plan", "--offline", f"migrations/{NAME}"]) == 0


def test_nothing_to_approve(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "CREATE TABLE t (id int);\n")

    assert run(["approve", "--offline", "1", "--reason", "x"]) == 0
    assert "nothing to approve" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["1", "--reason", " "], 2, "one line of text"),
        (["1", "--reason", "a\nb"], 2, "one line of text"),
        (["1", "--reason", "x", "--until", "1999-01-01"], 2, "is over already"),
        (["1", "--reason", "x", "--until", "soon"], 2, "soon"),
        (["1", "--reason", "x", "--by", "ada"], 2, "--by is for the approvals file"),
        (["1", "--reason", "x", "--hazard", "table-rewrite"], 5, "what does: data-loss"),
        (["1", "--reason", "x", "--hazard", "data"], 2, "data"),
        (["2", "--reason", "x"], 2, "no migration file 2"),
        (["1"], 2, "--reason"),
    ],
)
def test_what_approve_refuses(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert run(["approve", "--offline", *arguments]) == code
    assert message in capsys.readouterr().err
    assert (project / "migrations" / NAME).read_text() == DROP


def test_renumber_takes_the_entries_along(project: Path) -> None:
    configure(project, IN_FILE)
    assert run(["approve", "--offline", "1", "--reason", "x"]) == 0

    assert run(["renumber", NAME]) == 0

    (path,) = (project / "migrations").glob("*.sql")
    assert path.name != NAME
    assert run(["plan", "--offline", f"migrations/{path.name}", "--fail-on", "warning"]) == 0


def test_a_wrong_approvals_file_is_an_error_with_its_place(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, IN_FILE)
    (project / "migrations" / "approvals.toml").write_text("[[approvals]]\nhazzard = 'x'\n")

    assert run(["plan", "--offline", f"migrations/{NAME}"]) == 5
    assert "migrations/approvals.toml:2:1: unknown key 'hazzard'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("severity", "day", "fail_on", "code"),
    [
        ("warning", TODAY, "warning", 0),
        ("warning", LATER, "error", 0),
        ("warning", LATER, "warning", 3),
        ("error", LATER, "error", 3),
        ("off", LATER, "info", 0),
    ],
)
def test_an_approval_that_has_run_out_counts_as_its_severity_says(
    project: Path, severity: str, day: str, fail_on: str, code: int
) -> None:
    configure(project, f"[policy.severity]\nexpired-approval = '{severity}'\n")
    write(project, f'-- migrate: allow data-loss reason="x" until={TODAY}\n{DROP}')

    assert run(["plan", "--offline", f"migrations/{NAME}", "--as-of", day, "--fail-on", fail_on]) == code


def test_style_fails_a_plan_where_it_is_an_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(project, "[policy.severity]\nstyle = 'error'\nprefer-identity = 'off'\n")
    write(project, "CREATE TABLE t (id serial PRIMARY KEY);\n")

    assert run(["plan", "--offline", f"migrations/{NAME}"]) == 3
    shown = capsys.readouterr()
    assert "[prefer-bigint-key]" in shown.out
    assert "prefer-identity" not in shown.out
    assert "; 1 finding to mend" in " ".join(shown.out.split())
    assert "migrate explain HAZARD" in shown.err


def test_ignores_are_relative_to_the_configuration(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(
        project,
        """
        [policy.severity]
        style = "warning"
        [[policy.ignores]]
        paths = ["migrations/1_*"]
        hazards = ["style"]
        reason = "before we knew"
        """,
    )
    write(project, "CREATE TABLE t (id serial PRIMARY KEY);\n")
    (project / "migrations" / "2_b.sql").write_text("CREATE TABLE u (id serial PRIMARY KEY);\n")
    monkeypatch.chdir(project / "migrations")

    assert run(["plan", "--offline", NAME, "2_b.sql", "--fail-on", "warning"]) == 3
    shown = capsys.readouterr().out
    assert "2_b.sql:1:1 [prefer-identity]" in shown
    assert "1_drop_carts.sql:1:1 [" not in shown


@pytest.mark.postgres(newest=True)
def test_apply_neither_looks_at_the_calendar_nor_at_style(shop: Site) -> None:
    settings = "[policy.severity]\nexpired-approval = 'error'\nstyle = 'error'\n"
    (shop.shell.folder / "migrate.toml").write_text(settings)
    text = '-- migrate: allow data-loss reason="x" until=2020-01-01\nALTER TABLE users DROP COLUMN name;\n'
    shop.shell.write("1_a.sql", f"{text}CREATE TABLE t (id serial PRIMARY KEY);\n")

    planned = shop("plan", "--save", "plan.json")
    assert planned.code == 3, str(planned)
    assert "[expired-approval]" in planned.out
    done = shop("apply", "plan.json")

    assert done.code == 0, str(done)


@pytest.mark.postgres(newest=True)
def test_the_approvals_file_decides_what_is_applied(shop: Site) -> None:
    shop.sql("CREATE TABLE carts (id int)")
    (shop.shell.folder / "migrate.toml").write_text(IN_FILE)
    shop.shell.write("1_a.sql", f'-- migrate: allow data-loss reason="x"\n{DROP}')

    refused = shop("apply")
    assert refused.code == 3, str(refused)
    assert "migrations/approvals.toml" in refused.err
    assert shop("approve", "1", "--reason", "x").code == 0
    assert shop("plan", "--save", "plan.json").code == 0
    done = shop("apply", "plan.json")

    assert done.code == 0, str(done)
    saved = json.loads((shop.shell.folder / "plan.json").read_text())
    (hazard,) = saved["statements"][0]["hazards"]
    assert hazard["approval"]["by"] == "file"
    assert hazard["approval"]["file"] == "migrations/approvals.toml"
