"""The small form of `make soak`: fifty kills of every kind."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.chaos.passes import one_pass, open_shop
from tests.chaos.supervisor import ALL_KINDS, Kill
from tests.conftest import Database

KILLS = 50

PER_PASS = 25


@pytest.mark.chaos
@pytest.mark.postgres(newest=True)
def test_killed_fifty_times_and_resumed(
    database: Database, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = int(os.environ.get("MIGRATOR_CHAOS_SEED") or secrets.randbelow(10**9))
    print(f"MIGRATOR_CHAOS_SEED={seed}")  # noqa: T201  # shown where the test fails
    record_property("seed", seed)
    random = Random(seed)
    shop = open_shop(database, tmp_path)
    kills: list[tuple[Kill, str]] = []
    while len(kills) < KILLS:
        folder = tmp_path / f"pass-{len(kills)}"
        kills += one_pass(shop, folder, random, min(PER_PASS, KILLS - len(kills)), ALL_KINDS).kills

    assert len(kills) >= KILLS
