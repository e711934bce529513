"""A client that is frozen holds no strong lock, and goes on when it is let."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.conftest import Database
from tests.engine.frozen import SENT
from tests.engine.plans import backfill, ddl, plan, users

pytestmark = [pytest.mark.server, pytest.mark.chaos, pytest.mark.postgres(ends=True)]

POINTS = {
    "LOCKED",
    "TAKEN_OVER",
    "MIGRATION_BEGUN",
    "STEP_BEGUN",
    "BEFORE_COMMIT",
    SENT,
    "STEP_DONE",
    "DEFINITIONS_KEPT",
    "BACKFILL_BEGUN",
    "BATCH_UPDATED",
    "BATCH_DONE",
    "WALK_CHECKED",
    "MIGRATION_ENDED",
}


def test_stopped_at_every_point_it_holds_nobody_up(database: Database, tmp_path: Path) -> None:
    connection, other = database.connect(), database.connect()
    users(connection, 150)
    path = tmp_path / "plan.json"
    given = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), backfill(2), database=database)
    path.write_bytes(msgspec.json.encode(given))
    other.execute("SET lock_timeout = '15s'")
    waited: dict[str, float] = {}
    command = [sys.executable, "-m", "tests.engine.frozen", database.url, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while os.WIFSTOPPED(status := os.waitpid(process.pid, os.WUNTRACED)[1]):
            point = process.stdout.readline().strip()
            began = time.monotonic()
            with other.transaction():
                other.execute("LOCK TABLE users")
            waited[point] = time.monotonic() - began
            os.kill(process.pid, signal.SIGCONT)
        process.returncode = os.waitstatus_to_exitcode(status)

    assert process.returncode == 0
    assert set(waited) == POINTS
    assert connection.execute(
        "SELECT count(*), count(age) FROM users WHERE nickname = upper(email)"
    ).fetchone() == (
        150,
        0,
    )
    assert connection.execute("SELECT state FROM migrator.migration").fetchone() == ("applied",)
