"""The application of the demonstration against a real server: it waits, it notices, it remembers."""

import time
from pathlib import Path

import psycopg
import pytest

from migrator.demo import naive, samples, shop, verification
from migrator.demo.application import Application, Stopwatch
from migrator.demo.shop import Size
from tests.conftest import Database
from tests.waiting import WAITS, until_row

SIZE = Size(orders=2_000)

PLACED = "SELECT 1 FROM orders HAVING count(*) > 2050"

pytestmark = pytest.mark.postgres(newest=True)


@pytest.fixture
def loaded(database: Database) -> Database:
    """The shop as it was opened, with rows."""
    first, _ = samples.history(samples.folder())
    for file in first:
        naive.run(database.url, file, print)
    shop.load(database.url, SIZE)
    return database


def migrate_naively(database: Database) -> None:
    """Make the schema complete, so that the rows can be verified."""
    _, later = samples.history(samples.folder())
    for file in later:
        naive.run(database.url, file, print)


def test_a_lock_is_felt_as_long_as_it_is_held(loaded: Database, tmp_path: Path) -> None:
    with Application(loaded.url, tmp_path / "recording", orders=SIZE.orders) as application:
        with loaded.connect() as blocker, blocker.transaction():
            blocker.execute("LOCK TABLE orders")
            watch = Stopwatch("locked")
            until_row(loaded.connect(), WAITS)
            begin = time.monotonic_ns()
            blocker.execute("SELECT pg_sleep(0.3)")
            held = time.monotonic_ns() - begin
        window = watch.window()
    summary = application.recording().summary(window)

    assert summary.longest >= held
    assert summary.failed == 0


def test_errors_are_counted_by_sqlstate(loaded: Database, tmp_path: Path) -> None:
    watch = Stopwatch("run")
    with Application(loaded.url, tmp_path / "recording", orders=SIZE.orders) as application:
        connection = loaded.connect()
        connection.execute("ALTER TABLE customers ADD COLUMN email_normalised text NOT NULL DEFAULT ''")
        connection.execute("ALTER TABLE customers ALTER COLUMN email_normalised DROP DEFAULT")
        signed_up = "SELECT 1 FROM customers WHERE email_normalised <> ''"
        refused = "SELECT 1 FROM pg_stat_database WHERE datname = current_database() AND xact_rollback > 0"
        until_row(connection, refused)
        application.release()
        until_row(connection, signed_up)
    summary = application.recording().summary(watch.window())

    assert set(summary.errors) == {"23502"}


def test_the_ledger_agrees_with_the_rows(loaded: Database, tmp_path: Path) -> None:
    with Application(loaded.url, tmp_path / "recording", orders=SIZE.orders) as application:
        until_row(loaded.connect(), PLACED)
    migrate_naively(loaded)

    assert verification.faults(loaded.url, SIZE, application.ledger()) == []


def test_lost_and_changed_rows_are_noticed(loaded: Database, tmp_path: Path) -> None:
    with Application(loaded.url, tmp_path / "recording", orders=SIZE.orders) as application:
        until_row(loaded.connect(), PLACED)
    migrate_naively(loaded)
    ledger = application.ledger()
    expected = SIZE.customers + ledger.signed_up
    changed = next(key for key, order in ledger.orders.items() if order.total is None)
    with psycopg.connect(loaded.url) as connection:
        other = "UPDATE orders SET status = CASE status WHEN 'sent' THEN 'new' ELSE 'sent' END WHERE id = %s"
        connection.execute(other, [changed])
        connection.execute("UPDATE customers SET email = 'x@y' WHERE id = %s", [next(iter(ledger.emails))])
        connection.execute("INSERT INTO customers (email, name, email_normalised) VALUES ('N', 'N', 'n')")

    assert verification.faults(loaded.url, SIZE, ledger) == [
        "1 customers whose email_normalised is not lower(email)",
        "1 orders that are not as their writer left them",
        "1 customers without the address they gave",
        f"{expected + 1} customers where {expected} were expected",
    ]
