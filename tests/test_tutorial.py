"""The tutorial, done by a reader who types everything in it: the outputs are those that the page shows."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.waiting import until

pytestmark = [pytest.mark.docs, pytest.mark.postgres(newest=True)]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "tutorial.md"

FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)

KILL = re.compile(r"^sleep \d+; kill -9 \$!$")

VERSION = re.compile(r"\d{14}")

OTHERWISE = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+\d{4}"), "MOMENT"),
    (VERSION, "VERSION"),
    (re.compile(r"[\d,]+ of about [\d,]+"), "N of about N"),
    (re.compile(r"\(\d+ %\), [\d,.]+ rows/s, [^()\n]+ left"), "(PROGRESS)"),
    (re.compile(r"^database: .*", re.MULTILINE), "database: DATABASE"),
    (re.compile(r"up to [\d,]+\s+rows"), "up to N rows"),
    (re.compile(r"database of \S+"), "database of USER"),
    (re.compile(r"PostgreSQL \d+\.\d+"), "PostgreSQL VERSION"),
)
"""What is another on another machine or at another time."""


@dataclass(slots=True)
class Reader:
    """Somebody with a shell in the project's folder."""

    folder: Path
    environment: dict[str, str]
    background: subprocess.Popen[str] | None = None

    def type(self, line: str) -> list[str]:
        """Run a line as the shell does; return what it printed: the result, and the error if there is one."""
        if line.endswith(" &"):
            self.background = self._start(line.removesuffix(" &"))
            return []
        if KILL.match(line):
            self._kill_in_the_middle()
            return []
        ended = self._start(line)
        output, log = ended.communicate(timeout=300)
        return output.splitlines() + [
            line for line in log.splitlines() if line.startswith(("error:", "hint:"))
        ]

    def write(self, text: str) -> None:
        """Put the text into the newest migration."""
        newest = max((self.folder / "migrations").glob("*.sql"))
        newest.write_text(text, encoding="utf-8")

    def _start(self, line: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _kill_in_the_middle(self) -> None:
        """Where the page counts seconds, look: some batches are done, and not all."""
        assert self.background is not None

        progress = re.compile(r"of about [\d,]+ rows \(\d+ %\)")
        until(lambda: any(progress.search(line) for line in self.type("migrate status")), what="a batch")
        self.background.kill()
        self.background.communicate()


def blocks() -> Iterator[tuple[str, str]]:
    """Yield what the page shows from the project on, with its language."""
    text = PAGE.read_text(encoding="utf-8")
    text = text[text.index("## 3.") : text.index("## Afterwards")]
    for found in FENCE.finditer(text):
        yield found["language"], found["body"]


def shown(body: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a block with the lines that the page shows of its output."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, *output = part.splitlines()
        yield command, output


def plain(lines: list[str]) -> str:
    """Return the words of the output: where lines are broken depends on the numbers in them."""
    text = "\n".join(lines)
    for pattern, word in OTHERWISE:
        text = pattern.sub(word, text)
    return " ".join(text.split())


def as_pattern(lines: list[str]) -> re.Pattern[str]:
    """`…` stands for anything that the page leaves out."""
    return re.compile(".*?".join(re.escape(part.strip()) + " ?" for part in plain(lines).split("…")))


def test_outputs_are_those_that_a_reader_gets(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PG", "MIGRAT"))},
        "PATH": programs,
        "DATABASE_URL": database.url,
        "PYTHONPATH": str(ROOT),
    }
    reader = Reader(folder=folder, environment=environment)
    commands = 0
    versions: dict[str, str] = {}
    for language, body in blocks():
        if language == "sql":
            reader.write(body)
            continue
        for command, expected in shown(body):
            commands += 1
            printed = reader.type(VERSION.sub(partial(replaced, versions), command))
            if command.startswith("migrate new"):
                versions |= zip(VERSION.findall(expected[0]), VERSION.findall(printed[0]), strict=True)

            assert as_pattern(expected).fullmatch(plain(printed)), "\n".join([command, *printed])

    assert commands > 10


def replaced(versions: dict[str, str], found: re.Match[str]) -> str:
    """The version that the reader's file got, for that of the page."""
    return versions[found[0]]
