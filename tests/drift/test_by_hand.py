"""DDL by hand between planning and a step, between two steps, during a backfill: found, with a way on.

Nothing of the other person's is undone; with the runbook's way on the migration comes to its end.
"""

import re

import pytest

from tests.drift.cases import CASES, FILL, FILLED, FUNCTION, INDEX, PARTITIONED, Case
from tests.drift.conftest import Hands, When, before

pytestmark = pytest.mark.postgres(newest=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_found_and_the_way_on_works(hands: Hands, case: Case) -> None:
    (hands.folder / "migrations" / "1_change.sql").write_text(case.file)

    found = hands.apply(case.when, *case.by_hand)
    again = hands.apply() if "before_the_first_step" not in case.name else found

    for error in (found, again):  # and it stays so until somebody has mended it
        assert error is not None
        assert error.exit_code == case.code, str(error)
        assert error.hint
        assert "migrate resolve 1" in error.hint
        assert re.search(case.says, str(error)), str(error)

    hands.sql(*case.mend)
    if case.resolve is not None:
        assert hands.command("resolve", "1", case.resolve, "--reason", "looked at it") == 0, hands.told
    assert hands.apply() is None
    if case.file is FILL:
        assert hands.command("contract", "1", "--yes") == 0, hands.told
        assert hands.sql(FILLED) == [(0,)]
        assert hands.sql(f"SELECT 1 FROM pg_proc WHERE proname = '{FUNCTION}'") == []
    assert hands.sql("SELECT state FROM migrator.migration WHERE version = '1'") == [("applied",)]
    assert hands.sql(case.holds) == [(True,)]


HANDLED = (
    ("index_made_by_hand", INDEX, before("1.1"), INDEX, "customers_name_idx"),
    (
        "partition_added_before",
        PARTITIONED,
        before("1.1"),
        "CREATE TABLE orders_2027 PARTITION OF orders FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
        "orders_2027_at_idx",
    ),
    (
        "partition_added_between",
        PARTITIONED,
        before("1.2"),
        "CREATE TABLE orders_2027 PARTITION OF orders FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
        "orders_2027_at_idx",
    ),
    ("partition_dropped_between", PARTITIONED, before("1.2"), "DROP TABLE orders_2026", "orders_at_idx"),
    (
        "partition_detached_between",
        PARTITIONED,
        before("1.2"),
        "ALTER TABLE orders DETACH PARTITION orders_2026",
        "orders_at_idx",
    ),
    (
        "what_is_no_definition",
        INDEX,
        before("1.1"),
        "ALTER TABLE customers SET (fillfactor = 90); CREATE VIEW names AS SELECT name FROM customers",
        "customers_name_idx",
    ),
)


@pytest.mark.parametrize("case", HANDLED, ids=lambda case: case[0])
def test_what_disturbs_nothing_is_taken_as_it_is(hands: Hands, case: tuple[str, str, When, str, str]) -> None:
    _, file, when, by_hand, index = case
    (hands.folder / "migrations" / "1_change.sql").write_text(file)

    error = hands.apply(when, *by_hand.split("; "))

    assert error is None
    assert hands.sql("SELECT state FROM migrator.migration") == [("applied",)]
    assert hands.sql(f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{index}'::regclass") == [(True,)]
