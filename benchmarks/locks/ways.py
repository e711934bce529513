"""Ways to carry out one ALTER TABLE: migrator's, and lock_timeout with retry, and neither."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

ALTER = "ALTER TABLE benchmark_locks ADD COLUMN added int"

PAUSE_S = 1.0
"""Between two attempts of those who use lock_timeout."""


@dataclass(slots=True)
class Course:
    """How a way went; times are those of the machine's clock."""

    began: float = 0.0
    """The first attempt."""
    attempts: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
    error: str = ""


def plainly(url: str, course: Course, timeout_ms: int) -> None:
    """ALTER TABLE under this lock_timeout (0: none), again and again until it succeeds."""
    with psycopg.connect(url, autocommit=True, application_name="plain") as connection:
        connection.execute(f"SET lock_timeout = {timeout_ms}".encode())
        course.began = time.time()
        course.begun.set()
        while True:
            course.attempts += 1
            try:
                connection.execute(ALTER.encode())
            except psycopg.errors.LockNotAvailable:
                time.sleep(PAUSE_S)
            else:
                return


def migrate(url: str, course: Course) -> None:
    """`migrate apply` as it is, on a database with a journal; attempts and begin are from its log."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "1_add.sql").write_text(ALTER + ";\n")
        environment = os.environ | {"DATABASE_URL": url}
        command = [sys.executable, "-m", "migrator", "--dir", folder, "--log-format", "json"]
        baseline = [*command, "-q", "baseline", "0", "--yes"]
        subprocess.run(baseline, env=environment, check=True, stdout=subprocess.DEVNULL)
        with subprocess.Popen(
            [*command, "apply"], env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as process:
            for line in process.stderr or ():
                _follow(line, course)
        if process.returncode != 0:
            raise RuntimeError(course.error)


def _follow(line: str, course: Course) -> None:
    """Take in a line of the log."""
    event: dict[str, Any] = json.loads(line) if line.startswith("{") else {"event": "other"}
    match event["event"]:
        case "step.started":
            course.began = datetime.fromisoformat(event["timestamp"]).timestamp()
            course.begun.set()
        case "step.finished":
            course.attempts = event["attempts"]
        case "other":
            course.error += line
        case _:
            pass  # of no interest here


Way = Callable[[str, Course], None]

WAYS: dict[str, Way] = {
    "migrate apply": migrate,
    "lock_timeout 500 ms, retry": lambda url, course: plainly(url, course, 500),
    "lock_timeout 2 s, retry": lambda url, course: plainly(url, course, 2000),
    "no lock_timeout": lambda url, course: plainly(url, course, 0),
}
