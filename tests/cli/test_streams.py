"""Standard streams that are closed, full, gone or of another encoding: the migration goes on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import CLEAN, SETTINGS, Done, Shell, Site
from tests.cli.terminal import terminal
from tests.waiting import WAITS, until

pytestmark = pytest.mark.postgres(newest=True)

FILL = "ALTER TABLE users ADD COLUMN {0} text;\nUPDATE users SET {0} = lower(name);\n"

NAMES = "-- migrate: backfill existing-rows\nUPDATE users SET name = 'name {0} of ' || id;\n"


def redirected(shell: Shell, redirection: str, *arguments: str, **environment: str) -> Done:
    """Run a command with its streams as a shell's redirection says."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "migrator", *arguments]
    process = subprocess.run(
        command,
        cwd=shell.folder,
        env=CLEAN | shell.environment | environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    out, err = process.stdout.decode("utf-8", "replace"), process.stderr.decode("utf-8", "replace")
    done = Done(code=process.returncode, out=out, err=err)
    assert "Traceback" not in err + out, str(done)
    assert "Exception ignored" not in err + out, str(done)
    return done


@pytest.fixture
def gone() -> Iterator[int]:
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


APPLIES = (
    (">&-", 0, ()),
    ("2>&-", 0, ("--log-format", "json")),
    ("<&- >&- 2>&-", 0, ("-vv",)),
    ("2>/dev/full", 0, ("--log-format", "json")),
    (">/dev/full", 2, ()),
    (">/dev/full 2>/dev/full", 2, ("-vv",)),
)


def test_apply_goes_on_whatever_its_streams_are(shop: Site) -> None:
    """A log that cannot be written is no reason to stop half-way; the journal has what happened."""
    for number, (redirection, code, options) in enumerate(APPLIES, start=1):
        shop.shell.write(f"{number}_names.sql", NAMES.format(number))

        done = redirected(shop.shell, redirection, "apply", *options)

        assert done.code == code, f"{redirection}: {done}"
        assert shop.sql(f"SELECT count(*) FROM users WHERE name = 'name {number} of ' || id") == [(5000,)]
        assert shop.sql(f"SELECT state FROM migrator.migration WHERE version = '{number}'") == [("applied",)]
    assert (
        "cannot write the output: No space left on device" in redirected(shop.shell, ">/dev/full", "plan").err
    )


def test_apply_goes_on_when_nobody_reads_its_log(shop: Site, gone: int) -> None:
    shop.shell.write("1_fill.sql", FILL.format("c"))
    process = subprocess.run(
        [sys.executable, "-m", "migrator", "apply", "-vv"],
        cwd=shop.shell.folder,
        env=CLEAN | shop.shell.environment,
        stdout=gone,
        stderr=gone,
        check=False,
        timeout=120,
    )

    assert process.returncode == 141  # the summary had no reader; the migration is done
    assert shop.sql("SELECT count(*) FROM users WHERE c IS DISTINCT FROM lower(name)") == [(0,)]
    assert shop.sql("SELECT outcome FROM migrator.run ORDER BY id DESC LIMIT 1") == [("done",)]


@pytest.mark.parametrize("arguments", [("plan",), ("status",), ("apply", "--dry-run"), ("--help",)])
def test_reader_that_has_gone_is_141_and_silent(shop: Site, gone: int, arguments: tuple[str, ...]) -> None:
    shop.shell.write("1_fill.sql", FILL.format("c"))
    process = subprocess.run(
        [sys.executable, "-m", "migrator", *arguments],
        cwd=shop.shell.folder,
        env=CLEAN | shop.shell.environment,
        stdout=gone,
        stderr=subprocess.PIPE,
        check=False,
        timeout=120,
        text=True,
    )

    assert (process.returncode, "Traceback" in process.stderr) == (141, False), process.stderr
    assert "Exception ignored" not in process.stderr


ENCODINGS = (
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
)


@pytest.mark.parametrize("environment", ENCODINGS, ids=lambda found: "-".join(found.values()))
def test_letters_that_the_encoding_lacks(shop: Site, environment: dict[str, str]) -> None:
    """Text is legible, JSON stays JSON."""
    name = "grosse" if "LC_ALL" in environment else "große"  # there file names are ASCII too
    shop.shell.write(f"1_{name}_Ordnung.sql", 'ALTER TABLE users ADD COLUMN "größe→\u00e9\U0001f418" int;\n')

    planned = redirected(shop.shell, "", "plan", **environment)
    as_json = redirected(shop.shell, "", "plan", "--format", "json", **environment)
    applied = redirected(shop.shell, "", "apply", "--log-format", "json", **environment)
    status = redirected(shop.shell, "", "status", "--format", "json", **environment)

    assert [each.code for each in (planned, as_json, applied, status)] == [0, 0, 0, 0], str(applied)
    assert "größe→\u00e9\U0001f418" in str(json.loads(as_json.out))
    assert "größe→\u00e9\U0001f418" in str([json.loads(line) for line in applied.err.splitlines()])
    assert f"{name}_Ordnung" in str(json.loads(status.out))


def test_folder_that_is_gone_or_cannot_be_written(shop: Site, tmp_path: Path) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    script = 'cd "$1"; rmdir "$1"; shift; exec "$@"'
    left = tmp_path / "left"
    left.mkdir()
    command = ["sh", "-c", script, "sh", str(left), sys.executable, "-m", "migrator", "status"]
    environment = CLEAN | shop.shell.environment | {"PYTHONPATH": str(Path(__file__).parents[2])}
    gone = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    full = redirected(shop.shell, "", "plan", "--save", "/dev/full/plan.json")
    saved = redirected(shop.shell, "", "plan", "--save", "/proc/plan.json")

    assert (gone.returncode, "Traceback" in gone.stderr) == (2, False), gone.stderr
    assert "the working directory cannot be used" in gone.stderr
    assert (full.code, saved.code) == (2, 2), f"{full}\n{saved}"


def test_dumb_terminal_gets_no_control_sequences(shop: Site) -> None:
    shop.shell.write("1_fill.sql", FILL.format("c"))
    raw: list[str] = []
    with terminal(shop.shell, "apply", "--yes", TERM="dumb") as window:
        window.raw = raw
        code = window.finish()

    assert code == 0, window.shown
    assert "\x1b" not in "".join(raw), repr("".join(raw))
    assert "✓" in window.shown


SLOW = (
    "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_sleep({0}); RETURN new; END $$"
)


def test_closed_terminal_stops_after_the_batch(shop: Site) -> None:
    (shop.shell.folder / "migrate.toml").write_text(SETTINGS + 'batch_rows = 10\nbatch_target = "50ms"\n')
    shop.sql(SLOW.format(0.004))
    shop.sql("CREATE TRIGGER slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slow()")
    shop.shell.write("1_fill.sql", FILL.format("lower_name"))
    with terminal(shop.shell, "apply", "--yes") as window:
        until(lambda: filled(shop) > 0, what="first batch")
        window.close()
        code = window.process.wait(timeout=60)
    stopped = filled(shop)
    outcome = shop.sql("SELECT outcome FROM migrator.run ORDER BY id DESC LIMIT 1")
    shop.sql(SLOW.format(0))
    again = shop("apply")

    assert code == 143
    assert 0 < stopped < 5000
    assert outcome == [("Terminated",)]
    assert again.code == 0, str(again)
    assert filled(shop) == 5000


def filled(shop: Site) -> int:
    with contextlib.suppress(Exception):
        return int(str(shop.sql("SELECT count(lower_name) FROM users")[0][0]))
    return 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_signal_while_it_waits_for_a_lock(shop: Site, number: signal.Signals) -> None:
    """Nothing was begun that is not in the journal; the holder was not disturbed."""
    (shop.shell.folder / "migrate.toml").write_text(SETTINGS.replace("2s", "60s"))
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    holder = shop.database.connect()
    holder.execute("BEGIN")
    holder.execute("SELECT 1 FROM users LIMIT 1")
    process = shop.shell.start("apply")
    waits = "SELECT 1 FROM migrator.progress WHERE waits_for LIKE '%idle in transaction%'"
    until(lambda: shop.sql(waits), what="it says for whom it waits")

    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    holder.execute("ROLLBACK")
    again = shop("apply")

    assert process.returncode == (130 if number == signal.SIGINT else 143), out + err
    assert "Traceback" not in out + err
    assert again.code == 0, str(again)


def test_signals_while_it_plans_end_it_at_once(shop: Site) -> None:
    """Reading only: the default action of SIGTERM and SIGHUP, 130 for SIGINT; the server forgets it."""
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    holder = shop.database.connect()
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE pg_catalog.pg_policy IN ACCESS EXCLUSIVE MODE")  # read for every plan
    waits = WAITS
    codes = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process = shop.shell.start("plan")
        until(lambda: shop.sql(waits), what="it waits")
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        codes.append(process.returncode)
        until(lambda: not shop.sql(waits), what="the server notices")
    holder.execute("ROLLBACK")

    assert codes == [130, -signal.SIGTERM, -signal.SIGHUP]


def test_reports_that_cannot_be_written(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")

    saved = redirected(shop.shell, "", "plan", "--save", "missing/plan.json")

    assert saved.code == 2, str(saved)
    assert "cannot write missing/plan.json" in saved.err
