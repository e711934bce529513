"""From looks at pg_locks, and from what clients recorded, to one clock: seconds since the run began."""

import pytest

from migrator.plan.proof import LockSpan, Stretch, Traffic, Wait
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.traffic.recording import Failure, Recording, Sample
from migrator.shadow.traffic.sightings import Lock, Relation, Sampled, Sightings
from migrator.shadow.traffic.summary import Clock, Observed, traffic

USERS = QualifiedName("public", "users")

KNOWN = {20_000: Relation(USERS, is_index=False), 20_001: Relation(USERS, is_index=True)}

RUN, READER = 7, 8

APPLICATION = frozenset({READER})


def held(relation: int | None, mode: str, *, pid: int = RUN, since: float | None = None) -> Lock:
    return Lock(pid, "3/1", "relation", relation, mode, since is None, since)


def seen(*looks: tuple[float, list[Lock]]) -> Sampled:
    sightings = Sightings(KNOWN)
    for at, locks in looks:
        sightings.look(at, locks, APPLICATION)
    return sightings.sampled()


def span(mode: LockMode, began: float, ended: float) -> LockSpan:
    return LockSpan(relation=USERS, mode=mode, began_s=began, ended_s=ended)


def test_lock_lasts_until_the_first_look_without_it() -> None:
    lock = held(20_000, "AccessExclusiveLock")

    assert seen((10.0, []), (10.1, [lock]), (10.2, [lock]), (10.3, [])).spans == (
        span(LockMode.ACCESS_EXCLUSIVE, 10.1, 10.3),
    )


def test_lock_begins_when_it_was_asked_for() -> None:
    waiting, granted = held(20_000, "ShareLock", since=9.97), held(20_000, "ShareLock")

    assert seen((10.0, [waiting]), (10.1, [granted]), (10.2, [])).spans == (span(LockMode.SHARE, 9.97, 10.2),)


def test_next_transaction_has_a_lock_of_its_own() -> None:
    first = held(20_000, "ShareLock")
    second = first._replace(transaction="3/2")

    assert len(seen((10.0, [first]), (10.1, [second]), (10.2, [])).spans) == 2


def test_transaction_that_is_ending_has_lost_its_number_but_not_its_lock() -> None:
    lock = held(20_000, "AccessExclusiveLock")
    ending = lock._replace(transaction="3/0")

    assert seen((10.0, [lock]), (10.1, [ending]), (10.2, [])).spans == (
        span(LockMode.ACCESS_EXCLUSIVE, 10.0, 10.2),
    )
    assert seen((10.0, []), (10.1, [ending]), (10.2, [])).spans == (
        span(LockMode.ACCESS_EXCLUSIVE, 10.1, 10.2),
    )


def test_locks_on_indexes_and_on_what_was_made_later_are_not_told() -> None:
    unknown, index = held(30_000, "ShareLock"), held(20_001, "AccessExclusiveLock")

    assert seen((10.0, [unknown, index]), (10.1, [])).spans == ()


def test_wait_of_the_application() -> None:
    waiting = held(20_001, "RowExclusiveLock", pid=READER, since=9.5)

    assert seen((10.0, [waiting]), (10.5, [])).waits == (
        Wait(relation=USERS, mode=LockMode.ROW_EXCLUSIVE, began_s=9.5, seconds=1.0),
    )


def test_wait_without_a_beginning_begins_with_its_first_look() -> None:
    waiting = held(20_000, "RowExclusiveLock", pid=READER, since=9.5)._replace(since=None)

    assert [w.began_s for w in seen((10.0, [waiting]), (10.5, [])).waits] == [10.0]


def test_wait_for_a_row_is_told_by_the_tuple_that_is_locked_meanwhile() -> None:
    row = Lock(READER, "4/1", "transactionid", None, "ShareLock", granted=False, since=10.0)
    queue = Lock(READER, "4/1", "tuple", 20_000, "ExclusiveLock", granted=True, since=None)

    assert [(w.relation, w.mode, w.began_s) for w in seen((10.1, [row, queue]), (10.2, [])).waits] == [
        (USERS, None, 10.0)
    ]


def test_what_is_open_at_the_end_ends_with_the_last_look() -> None:
    lock = held(20_000, "ShareLock")

    assert seen((10.0, [lock]), (10.4, [lock])).spans == (span(LockMode.SHARE, 10.0, 10.4),)


CLOCK = Clock(offset_s=1000.0, began_s=1010.0, ended_s=1012.0)
"""Second 10 of the clients' clock is the run's beginning."""


def observed(
    *, samples: tuple[Sample, ...] = (), failures: tuple[Failure, ...] = (), **more: object
) -> Traffic:
    sampled = Sampled(**more)  # type: ignore[arg-type]  # spans and waits
    return traffic(
        Observed(
            recording=Recording(samples=samples, failures=failures),
            sampled=sampled,
            clock=CLOCK,
            readers=1,
            writers=1,
            stretches=(Stretch(id="1", title="x", began_s=0, ended_s=1),),
            stopped=None,
        )
    )


def sample(begin: float, end: float) -> Sample:
    return Sample("read", round(begin * 1e9), round(end * 1e9))


def test_only_requests_during_the_run_count_and_all_are_shown() -> None:
    found = observed(samples=(sample(9.0, 9.6), sample(9.9, 10.3), sample(10.5, 10.6), sample(12.1, 12.2)))

    assert found.requests == 2
    assert found.longest_ms == pytest.approx(400)
    assert found.median_ms == pytest.approx(250)
    assert [round(answer.at_s, 1) for answer in found.answers] == [-0.4, 0.3, 0.6, 2.2]


def test_errors_are_counted_by_kind_with_the_first_words() -> None:
    failures = tuple(Failure("read x", round(at * 1e9), "42703", f"no column\nLINE {at}") for at in (10, 11))
    found = observed(samples=(sample(10.0, 10.0), sample(11.0, 11.0)), failures=failures)

    assert found.errors == ("2 × read x: 42703: no column",)
    assert sum(answer.errors for answer in found.answers) == 2


def test_times_of_the_server_begin_with_the_run() -> None:
    wait = Wait(relation=None, mode=None, began_s=1010.5, seconds=0.25)
    found = observed(waits=(wait,), spans=(span(LockMode.SHARE, 1011.0, 1011.5),))

    assert [(w.began_s, w.seconds) for w in found.waits] == [(0.5, 0.25)]
    assert found.spans == (span(LockMode.SHARE, 1.0, 1.5),)
    assert found.longest_wait_ms == 250


def test_locks_that_keep_nobody_out_are_told_together() -> None:
    batches = [span(LockMode.ROW_EXCLUSIVE, 1010 + n / 100, 1010 + n / 100 + 0.005) for n in range(50)]
    strong = [span(LockMode.ACCESS_EXCLUSIVE, 1011 + n / 100, 1011 + n / 100 + 0.005) for n in range(3)]
    found = observed(spans=tuple(batches + strong))

    assert len([s for s in found.spans if s.mode is LockMode.ROW_EXCLUSIVE]) == 1
    assert len([s for s in found.spans if s.mode is LockMode.ACCESS_EXCLUSIVE]) == 3
    assert found.exclusive_s == pytest.approx(0.015)
