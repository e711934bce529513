"""Histories of other projects from their first file to their last; skipped where they are not at hand."""

from pathlib import Path

import pytest

from benchmarks.histories import naive
from benchmarks.histories.empty import apply_all, run
from benchmarks.histories.source import History, all_histories, histories_folder
from tests.conftest import Database
from tests.schema_dump import schema

HISTORIES = all_histories()

needs_histories = pytest.mark.skipif(not HISTORIES, reason=f"no histories in {histories_folder()}")

each_history = pytest.mark.parametrize("history", HISTORIES, ids=[history.name for history in HISTORIES])


def needs_extensions(database: Database) -> None:
    """The embedded server ships without contrib."""
    if not database.server.container:
        pytest.skip("the histories need extensions that the embedded server has not")


@needs_histories
@each_history
@pytest.mark.postgres(since=15, newest=True)
def test_schema_is_that_of_psql(
    history: History, database: Database, second_database: Database, tmp_path: Path
) -> None:
    needs_extensions(database)
    record = run(history, tmp_path, database.url, second_database.url, judge=False)

    assert record.equal


@needs_histories
@each_history
@pytest.mark.postgres(since=15, until=15)
def test_schema_is_the_recorded_one(
    history: History, database: Database, second_database: Database, tmp_path: Path
) -> None:
    apply_all(database.url, history.copy_to(tmp_path))
    # With the empty search_path of a dump an index of instantdb cannot be built: its function calls another.
    recorded = tmp_path / "schema.sql"
    recorded.write_text(history.schema.read_text().replace("'search_path', ''", "'search_path', 'public'"))
    naive.run_file(second_database.url, recorded)

    assert schema(second_database.url) == schema(database.url)
