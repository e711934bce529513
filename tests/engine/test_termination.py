"""Whom `--terminate-blockers` may end, and when; pure."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from migrator.execution.blocker import Blocker
from migrator.execution.termination import CLIENT, Watch, spared

READER = Blocker(
    pid=7,
    user="app",
    application="web",
    state="idle in transaction",
    age_s=60.0,
    query="SELECT 1",
    kind=CLIENT,
    start=datetime(2026, 1, 1, tzinfo=UTC),
    transaction="3/1",
)


def test_a_client_that_has_only_read_may_be_ended() -> None:
    assert spared(READER, writers=False, superuser=False) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"writes": True}, "terminate_writers"),
        ({"pid": None, "prepared": "it's", "writes": True}, "ROLLBACK PREPARED 'it''s'"),
        ({"autovacuum": True, "kind": "autovacuum worker"}, "yields by itself"),
        ({"autovacuum": True, "wraparound": True}, "let finish"),
        ({"own": True}, "migrator's own"),
        ({"kind": "walsender"}, "walsender"),
        ({"kind": "logical replication worker"}, "logical replication worker"),
        ({"kind": "parallel worker"}, "parallel worker"),
        ({"database": False}, "another database"),
        ({"superuser": True}, "superuser"),
        ({"start": None, "kind": None}, "pg_read_all_stats"),
    ],
)
def test_spared(changed: dict[str, object], reason: str) -> None:
    found = spared(replace(READER, **changed), writers=False, superuser=False)

    assert reason in (found or "")


@pytest.mark.parametrize(
    "changed",
    [
        {"pid": None, "prepared": "x"},
        {"autovacuum": True, "wraparound": True},
        {"autovacuum": True},
        {"own": True},
        {"kind": "walsender"},
        {"database": False},
        {"start": None},
    ],
)
def test_neither_option_nor_superuser_ends_these(changed: dict[str, object]) -> None:
    assert spared(replace(READER, **changed), writers=True, superuser=True) is not None


def test_a_writer_and_a_superuser_may_be_ended_by_who_may() -> None:
    assert spared(replace(READER, writes=True, superuser=True), writers=True, superuser=True) is None


def test_a_transaction_is_due_when_it_has_itself_been_in_the_way_for_so_long() -> None:
    watch, later = Watch(), replace(READER, transaction="3/2")

    assert watch.due("1.1", [READER], 10.0, 5.0) == ()
    assert watch.due("1.1", [READER], 14.9, 5.0) == ()
    assert watch.due("1.1", [READER], 15.0, 5.0) == (READER,)
    assert watch.due("1.1", [later], 16.0, 5.0) == ()
    assert watch.due("1.1", [later], 21.0, 5.0) == (later,)


def test_who_was_away_for_a_look_and_who_was_in_the_way_of_an_earlier_step_begins_anew() -> None:
    watch = Watch()
    watch.due("1.1", [READER], 10.0, 5.0)
    watch.due("1.1", [], 12.0, 5.0)

    assert watch.due("1.1", [READER], 16.0, 5.0) == ()
    assert watch.due("1.2", [READER], 21.5, 5.0) == ()
    assert watch.due("1.2", [READER], 26.5, 5.0) == (READER,)


def test_each_is_told_once() -> None:
    watch = Watch()

    assert [watch.first_told(READER), watch.first_told(READER)] == [True, False]
