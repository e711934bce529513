"""The pure part of the state machines behind CONCURRENTLY."""

import itertools

import pytest
from msgspec.structs import replace

from migrator.execution.concurrent import (
    ATTEMPTS,
    TRANSITIONS,
    Found,
    Move,
    Refusal,
    Verdict,
    next_move,
    patience_s,
    verdict,
)

CANCELLED = Refusal(
    lost=False,
    cancelled=True,
    deadlock=False,
    passing=True,
    stopped=False,
    seconds=5.0,
    deadline_s=60.0,
    attempts=1,
    patient=False,
)
DEADLOCK = replace(CANCELLED, cancelled=False, deadlock=True)
DUPLICATES = replace(CANCELLED, cancelled=False, passing=False)
LATE = 60.0


def test_every_state_has_a_move() -> None:
    assert set(TRANSITIONS) == set(itertools.product(Found, (True, False)))


def test_only_what_is_ours_is_mended() -> None:
    assert [found for found in Found if next_move(found, ours=False) is Move.MEND] == []
    assert next_move(Found.HALF_DONE, ours=True) is Move.MEND


def test_who_is_at_work_is_never_disturbed() -> None:
    assert {next_move(Found.AT_WORK, ours=ours) for ours in (True, False)} == {Move.ADOPT}


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (replace(CANCELLED, lost=True, stopped=True), Verdict.LOST),
        (replace(CANCELLED, stopped=True, seconds=LATE), Verdict.INTERRUPTED),
        (replace(CANCELLED, seconds=LATE), Verdict.DEADLINE),
        (CANCELLED, Verdict.CANCELLED),
        (replace(CANCELLED, patient=True), Verdict.AGAIN),
        (replace(CANCELLED, patient=True, seconds=LATE), Verdict.DEADLINE),
        (DEADLOCK, Verdict.AGAIN),
        (replace(DEADLOCK, attempts=ATTEMPTS), Verdict.REFUSED),
        (replace(DEADLOCK, patient=True, attempts=ATTEMPTS), Verdict.AGAIN),
        (DUPLICATES, Verdict.REFUSED),
        (replace(DUPLICATES, patient=True, seconds=LATE), Verdict.REFUSED),
        (replace(DUPLICATES, stopped=True), Verdict.REFUSED),
    ],
)
def test_what_a_refusal_means(refusal: Refusal, expected: Verdict) -> None:
    assert expected is verdict(refusal)


def test_patience_grows_and_is_bounded() -> None:
    grown = [patience_s(attempt, 600.0) for attempt in range(1, 30)]

    assert grown == sorted(grown)
    assert (grown[0], grown[-1]) == (1.0, 60.0)
    assert patience_s(7, 3.5) == 3.5
