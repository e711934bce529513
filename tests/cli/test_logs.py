"""The log while a signal comes at the worst moment."""

import io
import json
import signal
import sys

import pytest

from migrator.cli import logs
from migrator.cli.invocation import Invocation
from migrator.cli.progress import LogDisplay
from migrator.cli.signals import stopping
from migrator.execution.stop import StopRequest


def test_a_signal_may_come_while_the_logger_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, make = logs.Log(Invocation(log_format="json")), logs.logger

    def interrupted(invocation: Invocation) -> object:
        log.warning("run.message", text="stopping")
        return make(invocation)

    monkeypatch.setattr(logs, "logger", interrupted)
    log.info("migration.started")

    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == [
        "migration.started",
        "run.message",
    ]


class Interrupted(io.StringIO):
    """Standard error; a signal comes while each of the first lines is being written."""

    def __init__(self, signals: int) -> None:
        super().__init__()
        self.signals = signals

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.signals:
            self.signals -= 1
            signal.raise_signal(signal.SIGINT)
        return written


@pytest.mark.parametrize("signals", [1, 2])
def test_signals_may_come_while_a_line_is_written(signals: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, log = Interrupted(signals), logs.Log(Invocation(log_format="json"))
    monkeypatch.setattr(sys, "stderr", stream)
    with stopping(StopRequest(), LogDisplay(log).say) as stop:
        log.info("migration.started")

    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["migration.started", *["run.message"] * signals]
    assert (stop.requested, stop.now) == (True, signals == 2)
