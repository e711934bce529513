"""Signals during CREATE INDEX CONCURRENTLY that waits for an old snapshot."""

import signal
import time
from typing import Any

import psycopg
import pytest

from tests.cli.conftest import Site, finish
from tests.waiting import until

# The command line is the same for every server; what it calls is tested on each of them by itself.
pytestmark = pytest.mark.postgres(newest=True)

WAITING = (
    "SELECT pid FROM pg_stat_progress_create_index "
    "WHERE datname = current_database() AND phase = 'waiting for old snapshots'"
)
STEPS = "SELECT FROM pg_stat_activity WHERE application_name LIKE '% step %' AND datname = current_database()"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('users_name_idx')"


def hold_a_snapshot(shop: Site) -> psycopg.Connection[Any]:
    """Two migrations are pending, and a transaction that knows nothing of them does not end."""
    shop.sql("CREATE TABLE elsewhere ()")
    shop.sql("ALTER TABLE users ADD COLUMN label text")
    shop.shell.write("1_index.sql", "CREATE INDEX users_name_idx ON users (label);\n")
    old = shop.database.connect()
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT FROM elsewhere")
    return old


def pid_of_build(shop: Site) -> object:
    return until(lambda: shop.sql(WAITING), what="the build waits")[0][0]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.chaos)],
)
def test_one_signal_leaves_the_build_to_the_next_run(shop: Site, number: signal.Signals, code: int) -> None:
    old = hold_a_snapshot(shop)
    process = shop.shell.start("apply")
    pid = pid_of_build(shop)
    began = time.monotonic()
    process.send_signal(number)
    stopped = finish(process)

    assert stopped.code == code, str(stopped)
    assert time.monotonic() - began < 30
    assert shop.sql(WAITING) == [(pid,)]

    status = shop("status")

    assert "waiting for old snapshots" in status.out, str(status)
    assert f"waits for the next run; server process {pid} goes on meanwhile" in status.out

    process = shop.shell.start("--log-format", "json", "apply")
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    adopted = next(line for line in lines if '"index.building"' in line)

    assert f'"pid": {pid}' in adopted
    assert '"adopted": true' in adopted
    assert f'"pid": {old.info.backend_pid}' in adopted

    old.execute("COMMIT")

    assert process.wait(60) == 0
    assert shop.sql(VALID) == [(True,)]


def test_a_second_signal_cancels_the_build_and_removes_its_remains(shop: Site) -> None:
    hold_a_snapshot(shop)
    process = shop.shell.start("apply")
    pid_of_build(shop)
    for message in ("once more to cancel it", "cancelling"):
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert any(message in line for line in iter(process.stderr.readline, ""))
    stopped = finish(process)

    assert stopped.code == 130, str(stopped)
    assert shop.sql(VALID) == []
    assert shop.sql(STEPS) == []
