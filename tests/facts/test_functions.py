"""What is known of built-in functions is what each server's catalog says."""

import pytest

from migrator.postgres.volatility import AGGREGATES_AND_WINDOWS
from tests.conftest import Database

pytestmark = [pytest.mark.server, pytest.mark.postgres(every=True)]


def test_aggregates_and_window_functions_are_known(database: Database) -> None:
    rows = database.connect().execute(
        "SELECT DISTINCT proname FROM pg_proc "
        "WHERE prokind IN ('a', 'w') AND pronamespace = 'pg_catalog'::regnamespace"
    )

    assert {name for (name,) in rows} - AGGREGATES_AND_WINDOWS == set()
