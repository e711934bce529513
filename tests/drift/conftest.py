"""A live database, a file, and somebody who changes tables by hand at a chosen moment of the run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

import migrator
from migrator.cli.main import run
from migrator.database.journal_store import JournalStore
from migrator.errors import MigrateError
from migrator.execution.events import BatchDone, Event, StepStarted
from tests.conftest import Database

SETTINGS = """
[rewrite]
small_table_rows = 0
small_table_bytes = 0

[run]
lock_deadline = "3s"
batch_rows = 100
"""

TABLES = """
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, email text);
INSERT INTO customers SELECT n, 'name ' || n, n || '@example.org' FROM generate_series(1, 300) AS n;
CREATE TABLE orders (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO orders SELECT n, '2025-01-01'::date + n FROM generate_series(1, 600) AS n;
ANALYZE;
"""

When = Callable[[Event], bool]


def before(step: str) -> When:
    """When that step is about to begin: everything was planned, and the steps before it are done."""
    return lambda event: isinstance(event, StepStarted) and event.step.id == step


def after_batch(number: int) -> When:
    """When so many batches of the backfill are committed; asked anew for each run."""
    seen: list[Event] = []

    def when(event: Event) -> bool:
        if isinstance(event, BatchDone):
            seen.append(event)
        return isinstance(event, BatchDone) and len(seen) == number

    return when


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The project, its database, and a session of somebody else's."""

    database: Database
    folder: Path
    other: psycopg.Connection[tuple[Any, ...]]
    capture: pytest.CaptureFixture[str]
    told: list[str] = field(default_factory=list)

    def sql(self, *texts: str) -> list[tuple[Any, ...]]:
        """Run statements by hand; return what the last one gives."""
        rows: list[tuple[Any, ...]] = []
        for text in texts:
            cursor = self.other.execute(text.encode())
            rows = cursor.fetchall() if cursor.description else []
        return rows

    def apply(self, when: When | None = None, *texts: str) -> MigrateError | None:
        """Run what is pending, with statements by hand at that moment; return the error it ends with."""
        fired: list[bool] = []

        def watch(event: Event) -> None:
            if when is not None and not fired and when(event):
                fired.append(True)
                self.sql(*texts)

        try:
            migrator.apply(
                self.database.url,
                self.folder / "migrations",
                config=self.folder / "migrate.toml",
                watch=watch,
            )
        except MigrateError as error:
            return error
        finally:
            assert when is None or fired, "the moment did not come"
        return None

    def command(self, *arguments: str) -> int:
        """Run a command of the program, as a person would."""
        options = ["--config", str(self.folder / "migrate.toml"), "--database", self.database.url]
        code = run([*arguments, *options])
        said = self.capture.readouterr()
        self.told.append(said.out + said.err)
        return code


@pytest.fixture
def hands(database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Hands:
    """A live database with customers and partitioned orders, and an empty journal."""
    other = database.connect()
    other.execute(TABLES.encode())
    JournalStore(database.connect(), "migrator").baseline([])
    (tmp_path / "migrate.toml").write_text(SETTINGS)
    (tmp_path / "migrations").mkdir()
    return Hands(database=database, folder=tmp_path, other=other, capture=capsys)
