"""Whatever lies in the way of files — garbage, folders, binary data, permissions — gives a clear error."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.cli.main import run
from tests.cli.conftest import Shell

CLEAR = {0, 2, 3, 5}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_any_content_is_planned_or_refused_clearly(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "1_garbage.sql"
    path.write_bytes(content)

    code = run(["plan", "--offline", str(path)])

    shown = capsys.readouterr()
    assert code in CLEAR, shown.err
    assert "Traceback" not in shown.err
    assert (code == 0) or shown.err.startswith(("error: ", "note: "))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00S", "UTF-8"),
        (b"SELECT 1;\nSELECT '\xe4';\n", "1_x.sql:2:9"),
        (b"\x7fELF\x02\x01\x01\x00\x80", "UTF-8"),
    ],
)
def test_binary_files_are_named(shell: Shell, content: bytes, message: str) -> None:
    (shell.folder / "1_x.sql").write_bytes(content)

    done = shell("plan", "--offline", "1_x.sql")

    assert done.code == 5, str(done)
    assert message in done.err


def test_a_folder_in_place_of_a_file(shell: Shell) -> None:
    (shell.folder / "1_x.sql").mkdir()

    done = shell("plan", "--offline", "1_x.sql")

    assert done.code in {2, 5}, str(done)
    assert "1_x.sql" in done.err


def test_a_file_that_is_not_there(shell: Shell) -> None:
    done = shell("plan", "--offline", "1_x.sql")

    assert done.code in {2, 5}, str(done)
    assert "1_x.sql" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_files_without_permissions(shell: Shell) -> None:
    path = shell.write("1_x.sql", "SELECT 1;")
    path.chmod(0)

    done = shell("plan", "--offline", "migrations/1_x.sql")

    assert done.code in {2, 5}, str(done)


@pytest.mark.parametrize("text", ["dir = ", "unknown_key = 1", "[run]\nlock_budget = 'soon'", "\x00"])
def test_broken_configuration(shell: Shell, text: str) -> None:
    (shell.folder / "migrate.toml").write_text(text)

    done = shell("plan", "-", stdin="SELECT 1")

    assert done.code == 2, str(done)
    assert "migrate.toml" in done.err


def test_files_with_the_same_version(shell: Shell) -> None:
    shell.write("1_a.sql", "SELECT 1;")
    shell.write("01_b.sql", "SELECT 1;")

    done = shell("status", DATABASE_URL="postgresql://127.0.0.1:1/x")

    assert done.code == 9, str(done)


def test_missing_folder_names_init(shell: Shell) -> None:
    done = shell("plan", "--dir", "nowhere", "--offline")

    assert done.code == 2
    assert "migrate init" in done.err


def test_init_writes_once_and_keeps_what_is_there(shell: Shell) -> None:
    first = shell("init")
    written = (shell.folder / "migrate.toml").read_text()
    (shell.folder / "migrate.toml").write_text(written + "# mine\n")

    second = shell("init")
    planned = shell("plan", "-", stdin="SELECT 1")

    assert first.code == second.code == 0
    assert (shell.folder / "migrate.toml").read_text().endswith("# mine\n")
    assert (shell.folder / "migrations" / "README.md").exists()
    assert planned.code == 0, str(planned)


def test_every_setting_that_init_writes_is_known(shell: Shell) -> None:
    shell("init")
    path = shell.folder / "migrate.toml"
    lines = [
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines))

    done = shell("plan", "--offline", "-", stdin="SELECT 1")

    assert done.code == 0, str(done)


def test_new_files_come_after_all_others(shell: Shell) -> None:
    shell.write("29990101000000_future.sql", "")

    done = shell("new", "Add", "Straße", "to users!")

    assert done.code == 0, str(done)
    assert Path(done.out.strip()).name == "29990101000001_add_strae_to_users.sql"
    assert (shell.folder / done.out.strip()).exists()


def test_new_needs_letters(shell: Shell) -> None:
    assert shell("new", "!!!").code == 2


def test_renumber_keeps_name_and_content(shell: Shell) -> None:
    path = shell.write("1_a.sql", "SELECT 1;")
    shell.write("2_b.sql", "SELECT 2;")

    done = shell("renumber", str(path))

    target = shell.folder / done.out.strip()
    assert done.code == 0, str(done)
    assert (target.name[14:], target.read_text(), path.exists()) == ("_a.sql", "SELECT 1;", False)


def test_renumber_of_nothing(shell: Shell) -> None:
    assert shell("renumber", "1_absent.sql").code == 2
