"""What a change by hand during a backfill must not do: lose a row, or change one twice."""

import re

import pytest

from migrator.database import backfill_drift
from migrator.execution.events import StepStarted
from tests.drift.cases import ACCEPT, FILL, FILLED, OTHER, TRIGGER
from tests.drift.conftest import Hands, after_batch

newest = pytest.mark.postgres(newest=True)


@pytest.mark.postgres(ends=True)
def test_trigger_dropped_during_the_backfill_loses_no_row(hands: Hands) -> None:
    """Rows written without it, behind the walk and beyond its end, have their value all the same."""
    (hands.folder / "migrations" / "1_change.sql").write_text(FILL)

    found = hands.apply(
        after_batch(1),
        f"DROP TRIGGER {TRIGGER} ON customers",
        "INSERT INTO customers VALUES (0, 'behind the walk', NULL), (1000, 'beyond its end', NULL)",
    )
    (made,) = hands.sql(MADE_AGAIN.format(trigger=TRIGGER))[0]
    hands.sql(str(made))
    error = hands.apply()

    assert found is not None
    assert (found.exit_code, re.search(OTHER, str(found)) is not None) == (5, True), str(found)
    assert error is None
    assert hands.sql(FILLED) == [(0,)]
    assert hands.sql("SELECT count(*) FROM customers") == [(302,)]


MADE_AGAIN = """
SELECT statement FROM migrator.migration, json_array_elements(plan -> 'steps') AS s,
    json_array_elements_text(s -> 'work' -> 'statements') AS statement
WHERE version = '1' AND statement LIKE 'CREATE TRIGGER "{trigger}"%'
"""
"""As the runbook has it."""


@newest
def test_accepted_change_walks_again(hands: Hands) -> None:
    (hands.folder / "migrations" / "1_change.sql").write_text(FILL)
    hands.apply(after_batch(3), "ALTER TABLE customers RENAME email TO mail")
    hands.sql("UPDATE customers SET label = NULL WHERE id <= 10")

    hands.command("resolve", "1", ACCEPT, "--reason", "mail is right")
    error = hands.apply()

    assert error is None
    assert hands.sql(FILLED) == [(0,)]


@newest
def test_rows_that_the_application_has_written_since_are_left_alone(hands: Hands) -> None:
    """A walk over a column that exists may not begin anew: it would write the old value over the new one."""
    (hands.folder / "migrations" / "1_change.sql").write_text(
        "-- migrate: backfill existing-rows\nUPDATE customers SET email = lower(name);\n"
    )
    found = hands.apply(
        after_batch(1),
        "UPDATE customers SET email = 'chosen' WHERE id = 1",
        "ALTER TABLE customers ADD COLUMN note text",
    )

    hands.command("resolve", "1", ACCEPT, "--reason", "the note is right")
    error = hands.apply()

    assert found is not None
    assert found.exit_code == 5, str(found)
    assert error is None
    assert hands.sql("SELECT email FROM customers WHERE id = 1") == [("chosen",)]
    assert hands.sql("SELECT count(*) FROM customers WHERE email = lower(name)") == [(299,)]


@newest
def test_no_row_is_changed_twice_after_a_change_by_hand(hands: Hands) -> None:
    hands.sql("ALTER TABLE customers ADD COLUMN price int NOT NULL DEFAULT 10", "ANALYZE customers")
    (hands.folder / "migrations" / "1_change.sql").write_text("UPDATE customers SET price = price * 2;\n")
    found = hands.apply(after_batch(1), "ALTER TABLE customers ADD COLUMN note text")

    hands.command("resolve", "1", ACCEPT, "--reason", "the note is right")
    error = hands.apply()

    assert found is not None
    assert found.exit_code == 5, str(found)
    assert error is None
    assert hands.sql("SELECT DISTINCT price FROM customers") == [(20,)]


@newest
def test_found_while_the_walk_goes_on(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_drift, "_EVERY_S", 0.0)
    (hands.folder / "migrations" / "1_change.sql").write_text(FILL)

    found = hands.apply(after_batch(1), "ALTER TABLE customers RENAME email TO mail")

    assert found is not None
    assert found.exit_code == 5, str(found)
    assert hands.sql("SELECT count(label) FROM customers") == [(100,)]  # what was done stays


@pytest.mark.postgres(ends=True)
def test_helper_check_dropped_by_hand(hands: Hands) -> None:
    """NOT NULL needs its helper (until 17 a CHECK) until it is set; made again, or begun again."""
    (hands.folder / "migrations" / "1_change.sql").write_text(FILL)
    helper = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE NOT convalidated"
    kept: list[tuple[str, str]] = []

    def dropped(event: object) -> bool:
        if isinstance(event, StepStarted) and event.step.title.startswith("VALIDATE"):
            kept.extend((str(name), str(text)) for name, text in hands.sql(helper))
            hands.sql(*(f"ALTER TABLE customers DROP CONSTRAINT {name}" for name, _ in kept))
        return kept != []

    found = hands.apply(dropped)
    hands.sql(*(f"ALTER TABLE customers ADD CONSTRAINT {name} {text}" for name, text in kept))
    error = hands.apply()

    assert kept != []
    assert found is not None
    assert (found.exit_code, re.search(OTHER, str(found)) is not None) == (5, True), str(found)
    assert error is None
    assert hands.sql(
        "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'label'"
    ) == [(True,)]
