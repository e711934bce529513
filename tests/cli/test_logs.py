"""The log while a signal comes at the worst moment."""

import json

import pytest

from migrator.cli import logs
from migrator.cli.invocation import Invocation


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
