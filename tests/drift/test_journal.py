"""The journal's own objects damaged by hand: said, never guessed around; and the runbook's ways on work."""

import pytest

from migrator.errors import JournalDamaged, MigrateError
from migrator.execution.events import BatchDone, Event
from tests.drift.conftest import Hands, after_batch

pytestmark = pytest.mark.postgres(newest=True)

FILL = "ALTER TABLE customers ADD COLUMN label text;\nUPDATE customers SET label = upper(name);\n"

DAMAGES = (
    ("DROP TABLE migrator.step CASCADE", "lacks progress, step"),
    ("DROP TABLE migrator.format", "lacks format"),
    ("DROP TABLE migrator.event", "lacks event"),
    ("DELETE FROM migrator.control", r"row of migrator\.control"),
    ("DELETE FROM migrator.format", "row of its table format"),
    ("UPDATE migrator.migration SET plan = NULL", "migration 1 cannot be read: its plan is gone"),
    (
        """UPDATE migrator.migration SET plan = '{"steps": []}'""",
        "migration 1 cannot be read: its plan is gone",
    ),
    ("""UPDATE migrator.migration SET plan = '{"steps": 1}'""", "migration 1 cannot be read"),
    (
        "ALTER TABLE migrator.step DROP CONSTRAINT step_state_check; UPDATE migrator.step SET state = 'x'",
        "row of step .* cannot be read",
    ),
    ("ALTER TABLE migrator.step RENAME COLUMN state TO status", "the journal is damaged"),
)


@pytest.mark.parametrize(("damage", "says"), DAMAGES, ids=lambda text: text[:40])
def test_damage_is_said_and_nothing_is_guessed(hands: Hands, damage: str, says: str) -> None:
    interrupted(hands)
    hands.sql(*damage.split("; "))
    before = hands.sql("SELECT count(label) FROM customers")

    with pytest.raises(JournalDamaged, match=says) as caught:
        raise hands.apply() or AssertionError

    assert caught.value.exit_code == 5
    assert caught.value.hint
    assert hands.sql("SELECT count(label) FROM customers") == before


def interrupted(hands: Hands) -> None:
    """Leave a backfill under way."""
    (hands.folder / "migrations" / "1_change.sql").write_text(FILL)
    error = hands.apply(after_batch(1), "UPDATE migrator.control SET paused = true")
    assert error is not None
    assert error.exit_code == 7, str(error)
    hands.sql("UPDATE migrator.control SET paused = false")


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM migrator.backfill",
        "DELETE FROM migrator.step",
        "DROP TABLE migrator.step CASCADE",
        "DELETE FROM migrator.control",
        "DROP SCHEMA migrator CASCADE",
    ],
)
def test_damage_during_a_run_stops_it_before_its_next_batch(hands: Hands, damage: str) -> None:
    (hands.folder / "migrations" / "1_change.sql").write_text(FILL)

    error = hands.apply(after_batch(1), damage)

    assert isinstance(error, MigrateError)
    assert error.exit_code in {5, 8}, str(error)
    assert error.hint
    assert hands.sql("SELECT count(label) FROM customers") in ([(100,)], [(200,)], [(300,)])


def test_function_of_the_journal_is_made_again(hands: Hands) -> None:
    interrupted(hands)
    hands.sql("DROP FUNCTION migrator.fingerprints")

    error = hands.apply()

    assert error is None
    assert hands.sql("SELECT count(*) FROM customers WHERE label IS DISTINCT FROM upper(name)") == [(0,)]


def test_hint_for_the_pause_flag_works(hands: Hands) -> None:
    interrupted(hands)
    hands.sql("DELETE FROM migrator.control")
    error = hands.apply()
    assert error is not None
    assert error.hint is not None

    hands.sql(error.hint)

    assert hands.apply() is None


def test_new_journal_after_finishing_by_hand(hands: Hands) -> None:
    """The runbook's way without a backup: undo or finish by hand, begin a new journal."""
    interrupted(hands)
    hands.sql("DROP TABLE migrator.step CASCADE")

    hands.sql(
        "DROP TRIGGER zz_migrator_fill_label ON customers",
        "DROP FUNCTION zz_migrator_fill_customers_label()",
        "ALTER TABLE customers DROP COLUMN label",
        "DROP SCHEMA migrator CASCADE",
    )
    assert hands.command("baseline", "0", "--yes") == 0, hands.told

    assert hands.apply() is None
    assert hands.sql("SELECT count(*) FROM customers WHERE label IS DISTINCT FROM upper(name)") == [(0,)]


def test_step_row_deleted_in_a_run_rolls_its_work_back(hands: Hands) -> None:
    """The journal row commits with the work: without one there is no work."""
    (hands.folder / "migrations" / "1_change.sql").write_text(
        "ALTER TABLE customers ADD COLUMN a int;\nALTER TABLE customers ADD COLUMN b int;\n"
    )

    def begins(event: Event) -> bool:
        return not isinstance(event, BatchDone) and getattr(event, "number", 0) == 2

    error = hands.apply(begins, "DELETE FROM migrator.migration")

    assert error is not None
    assert error.exit_code in {5, 8}, str(error)
    columns = (
        "SELECT attname FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname IN ('a', 'b')"
    )
    assert hands.sql(columns) == [("a",)]
