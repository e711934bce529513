"""`migrate verify --traffic` and `--report`: two runs beside an application, and files that are whole."""

import json
from pathlib import Path

import click
import pytest

from migrator.cli.report_files import ReportFile, ReportOption, command_line, write_reports
from migrator.cli.verify import verify
from migrator.errors import UsageError
from tests.cli.conftest import Site

USERS = """
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, name text);
"""

CHANGE = """
ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();
CREATE INDEX users_email ON users (email);
-- migrate: allow data-loss reason="nobody reads it"
-- migrate: allow breaks-running-code reason="nobody reads it"
ALTER TABLE users DROP COLUMN name;
"""


@pytest.mark.postgres(newest=True)
def test_both_runs_beside_an_application(site: Site) -> None:
    site.shell.write("1_users.sql", USERS)
    change = site.shell.write("2_change.sql", CHANGE)
    shadow = ("--shadow", site.database.url, "--rows", "40", "--rate", "200", "--traffic")

    reports = ("--report", "html=page.html", "--report", "json=proof.json")

    done = site("verify", str(change), "--offline", *shadow, *reports)

    assert done.code == 0, str(done)
    assert "beside an application" in done.out
    assert "the server's view" in done.out
    proof = json.loads((site.shell.folder / "proof.json").read_text())
    for name in ("traffic", "naive_traffic"):
        assert proof[name]["stopped"] is None
        assert proof[name]["answers"]
        assert proof[name]["resolution_ms"] > 0
    assert proof["traffic"]["errors"] == []
    assert any("42703" in error for error in proof["naive_traffic"]["errors"])
    assert [s["id"] for s in proof["naive_traffic"]["stretches"]] == ["1", "2", "3"]
    assert all(s["title"][:4] != "DROP" for s in proof["traffic"]["stretches"])
    page = (site.shell.folder / "page.html").read_text()
    assert "migrate verify" in page
    assert site.database.url not in page


@pytest.mark.postgres(newest=True)
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ((), "nothing is in use in the database that the plan is for"),
        (("--offline",), "no table that was there before is touched"),
    ],
)
def test_no_traffic_where_no_application_can_be(site: Site, more: tuple[str, ...], reason: str) -> None:
    site.shell.write("1_users.sql", USERS)
    new = site.shell.write("2_new.sql", "CREATE TABLE orders (id int PRIMARY KEY);\n")

    done = site("verify", str(new), *more, "--shadow", site.database.url, "--rows", "0", "--traffic")

    assert done.code == 0, str(done)
    assert f"no traffic: {reason}" in done.err
    assert "beside an application" not in done.out


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("pdf=a.pdf", "formats are text, json, html"),
        ("a.html", "is not FORMAT=FILE"),
        ("html=", "is not FORMAT=FILE"),
        ("html=nowhere/a.html", "there is no folder 'nowhere'"),
    ],
)
def test_report_that_cannot_be_is_refused_before_anything_is_done(value: str, words: str) -> None:
    with pytest.raises(click.BadParameter, match=words):
        ReportOption(("text", "json", "html")).convert(value, None, None)


def test_reports_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a=b.html"
    path.write_text("before")
    report = ReportOption(("text", "json", "html")).convert(f"html={path}", None, None)

    def fail() -> str:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_reports((report,), lambda _: fail())
    assert path.read_text() == "before"
    write_reports((report,), lambda _: "after \ud800")
    assert path.read_text() == "after ?"
    assert [each.name for each in tmp_path.iterdir()] == ["a=b.html"]
    with pytest.raises(UsageError, match="cannot write"):
        write_reports((ReportFile("text", tmp_path),), lambda _: "x")


def test_command_line_is_told_as_it_was_given_without_secrets(tmp_path: Path) -> None:
    given = [
        *("a b.sql", "--shadow", "postgresql://me:hush@host/db", "--traffic", "--rate", "50"),
        *("--report", f"html={tmp_path}/r.html", "--database", "postgresql://me:hush@prod/db"),
    ]
    context = verify.make_context("verify", list(given))

    assert command_line(context) == (
        "migrate verify 'a b.sql' --shadow postgresql://me:***@host/db --traffic --rate 50.0 "
        f"--report html={tmp_path}/r.html"
    )
