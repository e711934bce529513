"""Every command explains itself: help with examples and exit codes, a page, and a name that is found."""

from pathlib import Path

import pytest
from click import Context
from click.testing import CliRunner

from migrator.cli.exit_codes import EXIT_CODES
from migrator.cli.group import Command
from migrator.cli.main import cli, run
from migrator.cli.registry import COMMANDS
from migrator.plan.hazard import HazardKind

DOCS = Path(__file__).parents[2] / "docs"

OURS = [name for name in COMMANDS if name != "demo"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str) -> None:
    done = CliRunner().invoke(cli, [name, "--help"])

    assert done.exit_code == 0, done.output
    assert f"migrate {name}" in done.output.split("Usage:")[1].partition("\n")[2]


@pytest.mark.docs
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page(name: str) -> None:
    page = DOCS / "commands" / f"{name}.md"

    assert page.is_file()
    assert f"migrate {name}" in page.read_text(encoding="utf-8")


@pytest.mark.docs
@pytest.mark.parametrize("name", OURS)
def test_the_page_names_every_option_and_exit_code(name: str) -> None:
    text = (DOCS / "commands" / f"{name}.md").read_text(encoding="utf-8")
    command = cli.get_command(Context(cli), name)
    assert isinstance(command, Command)

    own = [p for p in command.params if p.param_type_name == "option" and p.expose_value]
    missing = [option for p in own for option in p.opts if option not in text]

    assert missing == []
    assert [code for code in command.exit_codes if f"| {code} |" not in text] == []


def test_commands_are_listed_with_their_summary() -> None:
    done = CliRunner().invoke(cli, ["--help"])

    assert all(name in done.output for name in COMMANDS)


def test_a_mistyped_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["aply"])

    assert code == 2
    assert "did you mean apply" in capsys.readouterr().err


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    run([])

    shown = capsys.readouterr()
    assert "Commands:" in shown.out + shown.err
    assert "error:" not in shown.err


@pytest.mark.docs
@pytest.mark.parametrize("kind", HazardKind)
def test_explain_shows_every_hazard(kind: HazardKind, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["explain", kind])

    assert code == 0
    assert kind in capsys.readouterr().out


def test_explain_guesses_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "tabel-rewrite"]) == 2
    assert "did you mean table-rewrite" in capsys.readouterr().err
    assert run(["explain"]) == 0
    assert "data-loss" in capsys.readouterr().out


def test_a_bug_is_told_from_a_mistake(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("password=hunter2 leaked")

    monkeypatch.setattr("migrator.cli.explain.pages", broken)

    code = run(["explain"])

    shown = capsys.readouterr().err
    assert code == 1
    assert "Please report it" in shown
    assert "hunter2" not in shown


def test_codes_are_those_of_the_errors() -> None:
    from migrator import errors

    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    codes = {c.exit_code for c in classes if issubclass(c, errors.MigrateError)}

    assert codes | {0} == set(EXIT_CODES)
