"""Hostile names carried out: exactly what was meant happens, as the file itself would have done it."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

import migrator
from migrator.cli.main import run
from migrator.database.journal_store import JournalStore
from tests import schema_dump
from tests.conftest import Database, create_database, drop_database
from tests.hostile.names import CHOSEN, PLACES, Story, cut, stories, story

SETTINGS = """
[rewrite]
small_table_rows = 0
small_table_bytes = 0

[run]
batch_rows = 10
journal_schema = '{schema}'
"""

JOURNAL = '%s"; {{}} $1 -- mi\\gräte'.replace("{{}}", "{}")

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "2"))


def carried_out(found: Story, database: Database, folder: Path) -> None:
    other = database.connect()
    other.execute(found.before.encode())
    (folder / "migrate.toml").write_text(SETTINGS.replace("{schema}", JOURNAL))
    files = folder / "migrations"
    files.mkdir(exist_ok=True)
    (files / "1_hostile.sql").write_text(found.file)
    JournalStore(database.connect(), JOURNAL).baseline([])
    migrator.apply(database.url, files, config=folder / "migrate.toml")
    options = ["--config", str(folder / "migrate.toml"), "--database", database.url, "--yes"]
    assert run(["contract", "1", *options]) == 0
    state = f'SELECT state FROM "{JOURNAL.replace(chr(34), chr(34) * 2)}".migration'
    assert other.execute(state.encode()).fetchall() == [("applied",)]
    other.execute(f'DROP SCHEMA "{JOURNAL.replace(chr(34), chr(34) * 2)}" CASCADE'.encode())


def check(found: Story, database: Database, second: Database, folder: Path) -> None:
    carried_out(found, database, folder)
    naive = second.connect()
    naive.execute(found.before.encode())
    naive.execute(found.file.encode())

    assert schema_dump.schema(database.url) == schema_dump.schema(second.url)
    assert database.connect().execute("SELECT id FROM public.canary").fetchall() == [(1,)]


@pytest.mark.postgres(ends=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_chosen_names(database: Database, second_database: Database, tmp_path: Path, seed: int) -> None:
    names = [cut(name) for name in CHOSEN]
    random.Random(seed).shuffle(names)  # each in another place

    check(story(names[: len(PLACES)]), database, second_database, tmp_path)


@pytest.mark.postgres(newest=True)
def test_drawn_names(database: Database, tmp_path: Path) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(stories)
    def each(found: Story) -> None:
        first, second = create_database(database.server), create_database(database.server)
        try:
            check(found, first, second, tmp_path)
        finally:
            drop_database(first)
            drop_database(second)

    each()
