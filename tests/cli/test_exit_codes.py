"""Every documented exit code, reached for real; 0, 2, 3, 4, 5 and 8 are reached in other files as well."""

import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from migrator.cli.exit_codes import EXIT_CODES
from tests.cli.conftest import MARKER, SETTINGS, Done, Shell, Site, finish, locked, until_filling
from tests.conftest import Database

# The command line is the same for every server; what it calls is tested on each of them by itself.
pytestmark = pytest.mark.postgres(newest=True)

FILL = "ALTER TABLE users ADD COLUMN lower_name text;\nUPDATE users SET lower_name = lower(name);\n"


@pytest.fixture
def slow(shop: Site) -> Site:
    """A shop in which each batch of a backfill takes a while."""
    (shop.shell.folder / "migrate.toml").write_text(SETTINGS + 'batch_rows = 10\nbatch_target = "50ms"\n')
    shop.sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.002); RETURN new; END $$"
    )
    shop.sql("CREATE TRIGGER slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slow()")
    shop.shell.write("1_fill.sql", FILL)
    return shop


def test_2_without_a_database(shell: Shell) -> None:
    shell.migrations.mkdir()

    done = shell("apply")

    assert done.code == 2
    assert "no database is named" in done.err


def test_6_another_runner(slow: Site) -> None:
    first = slow.shell.start("apply")
    until_filling(slow, first)

    second = slow("apply", "--wait", "0")

    assert second.code == 6, str(second)
    assert "another runner" in second.err
    first.send_signal(signal.SIGINT)
    finish(first)


def test_7_lock_deadline_names_the_blocker(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    holder = locked(shop.database, "users")

    done = shop("apply")
    holder.rollback()
    again = shop("apply")

    assert done.code == 7, str(done)
    assert str(holder.info.backend_pid) in done.err
    assert again.code == 0, str(again)


def test_7_pause_from_another_host(slow: Site) -> None:
    running = slow.shell.start("apply")
    until_filling(slow, running)

    paused = slow("pause", "--reason", "sale until Monday")
    done = finish(running)
    status = slow("status")
    resumed = slow("resume")

    assert paused.code == resumed.code == 0
    assert done.code == 7, str(done)
    assert "migrate resume" in done.err
    assert "sale until Monday" in status.out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_after_the_batch_and_the_next_run_resumes(
    slow: Site, number: signal.Signals, code: int
) -> None:
    running = slow.shell.start("apply")
    until_filling(slow, running)

    running.send_signal(number)
    done = finish(running)
    slow.sql(
        "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$"
    )
    resumed = slow("apply")

    assert done.code == code, str(done)
    assert "run the same command again" in done.err
    assert resumed.code == 0, str(resumed)
    assert slow.sql("SELECT count(*) FROM users WHERE lower_name IS DISTINCT FROM lower(name)") == [(0,)]


def test_8_failed_step_names_rows(shop: Site) -> None:
    shop.sql("UPDATE users SET name = NULL WHERE id = 77")
    shop.shell.write("1_a.sql", "ALTER TABLE users ALTER COLUMN name SET NOT NULL;\n")

    done = shop("apply")
    status = shop("status")
    shop.sql("UPDATE users SET name = '' WHERE id = 77")
    again = shop("apply")

    assert done.code == 8, str(done)
    assert "77" in done.err
    assert "failed" in status.out
    assert again.code == 0, str(again)


@pytest.mark.parametrize("command", ["plan", "apply", "status", "pause", "resume"])
def test_9_nothing_listens(shell: Shell, command: str) -> None:
    shell.migrations.mkdir()
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        done = shell(command, DATABASE_URL=f"postgresql://me:{MARKER}@127.0.0.1:{port}/shop")

    assert done.code == 9, str(done)
    assert f"port={port}" in done.err


def test_9_wrong_password(shell: Shell, database: Database) -> None:
    if not database.server.container:
        pytest.skip("the embedded server trusts everybody")
    shell.migrations.mkdir()
    wrong = database.url.replace(":scratch@", f":{MARKER}@")

    done = shell("apply", "--database", wrong)

    assert done.code == 9, str(done)
    assert "warning" in done.err


def test_secrets_are_taken_out_of_mistakes(shell: Shell) -> None:
    for arguments in (
        ("plan", "--database", f"postgresql://me:{MARKER}@[broken/shop"),
        ("apply", f"--database=host=localhost password={MARKER} dbname"),
        ("status", f"postgresql://me:{MARKER}@localhost/shop"),
    ):
        done = shell(*arguments)

        assert done.code in {2, 9}, str(done)


def test_broken_pipe_is_quiet(shell: Shell) -> None:
    process = shell.start("explain")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None

    done: Done = finish(process)

    assert done.err == ""


def test_codes_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exit-codes.md").read_text()

    assert all(f"| {code} |" in page for code in EXIT_CODES)
