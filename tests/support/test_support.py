"""The support table is up to date, names every operation, and its statements are real ones."""

from pathlib import Path

import psycopg
import pytest

from migrator.operations import OPERATIONS
from tests.conftest import Database
from tests.support.table import HERE, page, rows, statements

PAGE = Path(__file__).parents[2] / "docs" / "support.md"

OUTSIDE_TRANSACTIONS = "25001"

NOT_UNDERSTOOD = "FROBNICATE orders;"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.support.table > docs/support.md"


def test_every_operation_has_a_statement() -> None:
    assert {operation.name for operation in OPERATIONS} <= {row.operation for row in rows()}


@pytest.mark.server
@pytest.mark.postgres(newest=True)
def test_the_server_takes_every_statement(database: Database) -> None:
    connection = database.connect()
    connection.execute((HERE / "schema.sql").read_bytes())
    refused = {}
    for _, statement in statements():
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.encode())
        except psycopg.Error as error:
            if error.sqlstate != OUTSIDE_TRANSACTIONS:
                refused[statement] = str(error)

    assert list(refused) == [NOT_UNDERSTOOD], refused
