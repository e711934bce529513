"""What is said, and what is left out: durations, narration, secrets."""

import click
import pytest

from migrator.cli.narration import note
from migrator.cli.progress import LogDisplay, Throttle
from migrator.cli.redact import known_secrets, redact
from migrator.cli.units import Duration, duration
from migrator.execution import events
from migrator.workflow.provenance import ci_url
from tests.engine.plans import backfill


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("30", 30),
        ("30s", 30),
        ("10min", 600),
        ("10m", 600),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("1.5 h", 5400),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10 lightyears", "-5s", "5s5", "h"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(click.BadParameter, match="not a duration"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4219, "0.42 s"),
        (37, "37 s"),
        (250, "4 min 10 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
        (None, "unknown"),
    ],
)
def test_durations_are_written(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hunter2@db/shop",
        "postgresql://me:hun%74er2hunter2@db",
        "host=db password=hunter2 dbname=shop",
        "password='hunter2 \\' and' host=db",
        "PASSWORD = hunter2",
    ],
)
def test_passwords_are_known_by_their_shape(text: str) -> None:
    assert "hunter2" not in redact(f"could not connect: {text}")


def test_passwords_are_known_by_their_value() -> None:
    secrets = known_secrets(
        {"PGPASSWORD": "abc", "DATABASE_URL": "postgresql://me:p%40ss@db"},
        ["--database=postgresql://a:b1b1@c"],
    )

    assert redact("abc p@ss p%40ss b1b1", secrets) == "*** *** *** ***"


def test_a_short_password_is_taken_out_where_it_stands_alone() -> None:
    shown = redact("executing 'x' (x=1) for ax and x.", ["x"])

    assert shown == "executing '***' (***=1) for ax and ***."


def test_a_long_password_is_taken_out_everywhere() -> None:
    assert redact("prefix-s3cret-Marker!suffix", ["s3cret-Marker!"]) == "prefix-***suffix"


def test_harmless_text_is_left_alone() -> None:
    text = "ALTER TABLE users ADD COLUMN password text; see https://example.org:8080/a@b"

    assert redact(text) == text


def test_many_events_are_said_every_ten_seconds() -> None:
    moments = [0.0, 1.0, 9.9, 10.0, 15.0, 20.5]
    clock = iter(moments)
    told = note(events.WaitingForRunner(holder="somebody", waited_s=1.0))
    throttle = Throttle(clock=lambda: next(clock))

    said = [throttle.passes(told) for _ in moments]

    assert said == [True, False, False, True, False, True]


def test_a_backfill_is_logged_every_ten_seconds_with_rate_and_eta() -> None:
    lines: list[tuple[str, dict[str, object]]] = []

    class Log:
        def info(self, name: str, **fields: object) -> None:
            lines.append((name, fields))

    moments = [n / 2 for n in range(61)]  # two batches a second, for 30 seconds
    clock = iter(moments)
    display = LogDisplay(Log(), clock=lambda: next(clock))  # type: ignore[arg-type]  # a stand-in is enough here

    for number in range(len(moments)):
        display.event(batch(rows_done=100 * (number + 1)))

    assert [name for name, _ in lines] == ["backfill.progress"] * 4
    assert [fields["rows_done"] for _, fields in lines] == [100, 2100, 4100, 6100]
    assert (lines[0][1]["rate"], lines[0][1]["eta_s"]) == (200, 30)


def batch(*, rows_done: int) -> events.BatchDone:
    return events.BatchDone(
        step=backfill(1),
        rows=100,
        rows_done=rows_done,
        rows_skipped=0,
        estimated_rows=6100,
        batch_rows=100,
        seconds=0.5,
        rate=200.0,
        eta_s=30.0,
        contended=False,
    )


def test_a_closed_terminal_does_not_stop_a_run() -> None:
    class Gone:
        def __getattr__(self, name: str) -> object:
            def fail(*_: object, **__: object) -> None:
                raise BrokenPipeError

            return fail

    LogDisplay(Gone()).event(events.TookOver(pids=(1,)))  # type: ignore[arg-type]  # a stand-in is enough here


def test_ci_jobs_are_found() -> None:
    github = {"GITHUB_RUN_ID": "7", "GITHUB_REPOSITORY": "a/b", "GITHUB_SERVER_URL": "https://git.example"}

    assert ci_url(github) == "https://git.example/a/b/actions/runs/7"
    assert ci_url({"CI_JOB_URL": "https://ci.example/1"}) == "https://ci.example/1"
    assert ci_url({}) is None
