"""The numbers of what an application recorded: windows, percentiles, the longest wait, silences."""

from pathlib import Path

import pytest

from migrator.shadow.traffic import recording
from migrator.shadow.traffic.recording import (
    Failure,
    Recorder,
    Recording,
    Sample,
    Window,
    longest_silence,
    percentile,
)

WINDOW = Window(name="run", begin=100, end=200)


@pytest.mark.parametrize(
    ("begin", "end", "inside"),
    [(0, 100, False), (0, 101, True), (150, 160, True), (199, 999, True), (200, 210, False), (0, 999, True)],
)
def test_a_statement_belongs_to_every_window_it_was_under_way_in(begin: int, end: int, inside: bool) -> None:  # noqa: FBT001  # the expected answer
    assert WINDOW.overlaps(Sample("read", begin, end)) is inside


@pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 50), (99, 99), (100, 100)])
def test_percentile_is_the_smallest_value_that_covers(percent: int, expected: int) -> None:
    assert percentile(list(range(1, 101)), percent) == expected


def test_percentile_of_one_value() -> None:
    assert percentile([7], 99) == 7


def test_silence_is_the_longest_time_without_a_completed_statement_of_a_kind() -> None:
    samples = [Sample("read", 100, 110), Sample("read", 150, 190), Sample("write", 120, 195)]

    assert longest_silence(samples, WINDOW) == (95, "write")


def test_silence_is_cut_at_the_end_of_the_window() -> None:
    assert longest_silence([Sample("read", 110, 900)], WINDOW) == (100, "read")


def test_summary_counts_errors_of_the_window_by_sqlstate() -> None:
    failures = (
        Failure("write", 99, "40P01", ""),
        Failure("write", 100, "40P01", ""),
        Failure("write", 120, "wrong", ""),
    )
    summary = Recording(samples=(Sample("write", 100, 130),), failures=failures).summary(WINDOW)

    assert summary.errors == {"40P01": 1, "wrong": 1}
    assert summary.failed == 2
    assert (summary.longest, summary.longest_kind) == (30, "write")


def test_time_outside_the_window_is_not_within_it() -> None:
    summary = Recording(samples=(Sample("read", 90, 130), Sample("read", 160, 210))).summary(WINDOW)

    assert (summary.longest, summary.within) == (50, 40)


def test_summary_of_a_window_without_statements() -> None:
    summary = Recording().summary(WINDOW)

    assert (summary.statements, summary.longest, summary.failed) == (0, 0, 0)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.add("read", 1, 5)
    recorder.add("write", 2, 9)
    recorder.failures.append(Failure("write", 9, "23502", "null value"))
    recording.write([recorder, Recorder()], tmp_path)
    found = recording.read(tmp_path)

    assert found.samples == (Sample("read", 1, 5), Sample("write", 2, 9))
    assert found.failures == (Failure("write", 9, "23502", "null value"),)
