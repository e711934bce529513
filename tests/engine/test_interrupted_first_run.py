"""A first run that is killed between two files: its other files meet a database not in use, as it did."""

import subprocess
import sys

import pytest

from migrator import workflow
from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.execution.journal import MigrationState
from migrator.execution.options import RunOptions
from migrator.sql.migration import Migration, read_migration
from migrator.workflow import Agenda
from tests.conftest import Database
from tests.engine.first_run import FILES, POLICY
from tests.engine.plans import PROVENANCE

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

OPTIONS = RunOptions(provenance=PROVENANCE)
LATER = read_migration("ALTER TABLE users ALTER COLUMN id TYPE numeric;\n", file="4_later.sql")


def killed_after_the_first_file(database: Database) -> None:
    command = [sys.executable, "-m", "tests.engine.first_run", database.url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == -9, ended.stderr
    assert database.connect().execute("SELECT version, live FROM migrator.migration").fetchall() == [
        ("1", False)
    ]


def agenda(database: Database, *more: Migration, to_version: str | None = None) -> Agenda:
    seen = workflow.observe(Connector(conninfo=database.url), POLICY)
    files = (*FILES, *more)
    return workflow.prepare(files, seen, POLICY, to_version=to_version)


def test_regression_files_after_a_kill_run_as_written(database: Database) -> None:
    killed_after_the_first_file(database)

    assert not agenda(database).pending.live

    connector = Connector(conninfo=database.url)
    everything = RunOptions(provenance=PROVENANCE, all_phases=True)  # only where nothing is in use
    result = workflow.apply(connector, FILES, POLICY, everything, Silent())

    assert [(o.version, o.state, o.steps_run) for o in result.outcomes] == [
        ("2", MigrationState.APPLIED, 1),
        ("3", MigrationState.APPLIED, 1),
    ]
    assert agenda(database, LATER).pending.live


def test_a_file_that_the_killed_run_did_not_know_meets_a_database_in_use(database: Database) -> None:
    killed_after_the_first_file(database)

    assert agenda(database, LATER).pending.live
    assert not agenda(database, LATER, to_version="3").pending.live

    with pytest.raises(workflow.Unapproved):
        workflow.apply(Connector(conninfo=database.url), (*FILES, LATER), POLICY, OPTIONS, Silent())


def test_a_run_that_ended_leaves_a_database_in_use(database: Database) -> None:
    connector = Connector(conninfo=database.url)
    only_first = RunOptions(provenance=PROVENANCE, to_version="1")
    workflow.apply(connector, FILES, POLICY, only_first, Silent())

    assert agenda(database).pending.live
