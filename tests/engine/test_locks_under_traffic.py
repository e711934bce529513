"""An application reads and writes on while a step waits for its lock: the benchmark of locks, in small."""

import pytest

from benchmarks.locks.holders import SCENARIOS
from benchmarks.locks.measure import BUDGET_S, measured
from benchmarks.locks.page import chart, table
from tests.conftest import Database

# What decides here is the same on every version; the benchmark runs against any.
pytestmark = [pytest.mark.server, pytest.mark.serial, pytest.mark.postgres(newest=True)]

HOLD_S = 3.0

BUSY_S = 0.1
"""What a busy machine may add."""


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_application_never_waits_longer_than_the_budget(database: Database, scenario: str) -> None:
    found = measured(database.url, scenario, "migrate apply", hold_s=HOLD_S, rate=50)

    assert found.felt_by_server <= BUDGET_S + found.resolution + BUSY_S
    assert found.statements > 100
    assert found.attempts > (scenario != "stream")
    assert found.done_after < 30


def test_others_make_it_wait_for_as_long_as_they_wait_themselves(database: Database) -> None:
    found = measured(database.url, "read", "lock_timeout 500 ms, retry", hold_s=1.0, rate=50)

    assert found.felt_by_server >= 0.4
    assert found.attempts >= 2
    assert table([found]).count("\n") == 3
    assert "lock_timeout 500 ms, retry</text>" in chart([found], 1.0)
