"""Times without what the tracing added to them."""

import pytest

from migrator.shadow.record import Timeline


def test_what_was_spent_before_a_moment_is_taken_off() -> None:
    timeline = Timeline()
    timeline.begin(100.0)
    timeline.spent += [(103.0, 104.0), (101.0, 101.5)]

    assert [timeline.at(moment) for moment in (100.0, 101.0, 102.0, 103.5, 104.0, 105.0)] == [
        pytest.approx(seconds) for seconds in (0.0, 1.0, 1.5, 2.5, 2.5, 3.5)
    ]


def test_what_was_spent_twice_at_a_time_counts_once() -> None:
    timeline = Timeline()
    timeline.begin(10.0)
    timeline.spent += [(11.0, 13.0), (12.0, 14.0), (11.5, 11.6)]

    assert timeline.at(15.0) == pytest.approx(2.0)

    timeline.spent += [(13.5, 14.5)]

    assert timeline.at(15.0) == pytest.approx(1.5)


def test_time_counts_from_the_earliest_moment_and_not_from_what_was_spent_before() -> None:
    timeline = Timeline()
    timeline.begin(20.0)
    timeline.begin(10.0)
    timeline.spent += [(5.0, 9.0)]

    assert timeline.at(10.0) == pytest.approx(0.0)
    assert timeline.at(20.0) == pytest.approx(10.0)
