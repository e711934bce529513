"""What the commands do while another run is in a long backfill, or was at work since they looked."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from migrator import workflow
from migrator.cli.main import cli
from migrator.database import leases
from migrator.database.drop_everything import drop_everything
from migrator.database.session import Connector
from migrator.errors import RunnerBusy
from migrator.execution.events import WaitingForRunner
from migrator.execution.journal import MigrationState
from migrator.execution.options import RunOptions, RunResult
from migrator.plan.step import BuildIndex
from migrator.policy import Policy
from migrator.sql.migration import Migration, read_migration
from tests.conftest import Database
from tests.engine.plans import PROVENANCE, Recorder, backfill, plan, users
from tests.engine.test_lease import carts, leftovers, states, store, walking
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.server, pytest.mark.postgres(newest=True)]

POLICY = Policy(small_table_rows=0)

FILLED = read_migration(
    "-- migrate: backfill existing-rows\nUPDATE users SET nickname = upper(email) WHERE nickname IS NULL;\n",
    file="1_filled.sql",
)
OF_CARTS = read_migration("ALTER TABLE carts ADD COLUMN note text;\n", file="2_carts.sql")
OF_USERS = read_migration("ALTER TABLE users ADD COLUMN note text;\n", file="3_users.sql")


def apply(
    database: Database,
    *files: Migration,
    wait_s: float = 0.0,
    recorder: Recorder | None = None,
    agenda: workflow.Agenda | None = None,
) -> RunResult:
    options = RunOptions(provenance=PROVENANCE, wait_s=wait_s)
    connector = Connector(conninfo=database.url)
    return workflow.apply(connector, files, POLICY, options, recorder or Recorder(), agenda=agenda)


def test_all_else_is_done_before_it_says_that_another_run_is_at_work(database: Database) -> None:
    connection = database.connect()
    users(connection)
    carts(connection)
    with walking(database, plan(backfill(1), database=database)):
        pid = store(database).load().leases[0].runner.pid
        with pytest.raises(RunnerBusy, match=f"tester@here, server process {pid}, .*migration 1$"):
            apply(database, OF_CARTS, OF_USERS)

        assert states(connection) == {"1": "begun", "2": "applied"}


def test_what_the_other_run_held_back_is_done_after_it(database: Database) -> None:
    connection = database.connect()
    users(connection)
    carts(connection)
    recorder = Recorder()
    seen = workflow.observe(Connector(conninfo=database.url), POLICY)
    with walking(database, workflow.prepare([FILLED], seen, POLICY).pending) as walk:

        def go_on(event: object) -> None:
            if isinstance(event, WaitingForRunner):
                walk.gate.opened.set()

        recorder.actions.append(go_on)
        result = apply(database, FILLED, OF_CARTS, OF_USERS, wait_s=PATIENCE, recorder=recorder)

        assert [(o.version, o.state) for o in result.outcomes] == [
            ("2", MigrationState.APPLIED),
            ("3", MigrationState.APPLIED),
        ]
        assert states(connection) == {"1": "applied", "2": "applied", "3": "applied"}
        walk.end()

    assert leftovers(connection) == []


def test_status_shows_who_walks_what(database: Database, tmp_path: Path) -> None:
    users(database.connect())
    options = [f"--database={database.url}", f"--dir={tmp_path}"]
    with walking(database, plan(backfill(1), database=database)):
        pid = store(database).load().leases[0].runner.pid
        text = CliRunner().invoke(cli, ["status", *options]).output
        document = CliRunner().invoke(cli, ["status", "--format=json", *options]).output

    assert f"backfill: tester@here, server process {pid}, since " in text
    assert "with the backfill of migration 1\n" in text
    assert f'"pid": {pid}' in document.partition('"leases"')[2].partition('"migrations"')[0]


def test_nothing_is_dropped_beside_a_walk(database: Database) -> None:
    connection = database.connect()
    users(connection)
    options = RunOptions(provenance=PROVENANCE, wait_s=0.0)
    with walking(database, plan(backfill(1), database=database)) as walk:
        with pytest.raises(RunnerBusy, match="with the backfill of migration 1"):
            drop_everything(
                database.connect(), "migrator", options, Recorder(), extensions=(), check=lambda _: None
            )
        walk.end()

    assert states(connection) == {"1": "applied"}


def test_a_plan_of_before_another_run_is_made_anew(database: Database) -> None:
    """The table of the first file was new when both were planned; it is in use when the second begins."""
    connection = database.connect()
    users(connection)
    store(database).install()
    made = read_migration("CREATE TABLE orders (id bigint PRIMARY KEY, at date);\n", file="4_orders.sql")
    indexed = read_migration("CREATE INDEX orders_at ON orders (at);\n", file="5_index.sql")
    seen = workflow.observe(Connector(conninfo=database.url), POLICY)
    options = RunOptions(provenance=PROVENANCE)
    agenda = workflow.ready([made, indexed], seen, POLICY, options)
    apply(database, made)
    connection.execute("INSERT INTO orders SELECT n FROM generate_series(1, 20000) AS n")
    connection.execute("ANALYZE orders")

    result = apply(database, made, indexed, agenda=agenda)

    assert [(o.version, o.state) for o in result.outcomes] == [("5", MigrationState.APPLIED)]

    record = store(database).load().get("5")

    assert record is not None
    assert record.plan is not None
    assert [type(step.work) for step in record.plan.steps] == [BuildIndex]


def test_an_error_seen_while_another_run_was_at_work_is_looked_at_again(database: Database) -> None:
    connector, options = Connector(conninfo=database.url), RunOptions(provenance=PROVENANCE, wait_s=PATIENCE)
    before = store(database).load()

    assert not leases.others_were_at_it(connector, "migrator", before, options, Recorder())

    store(database).install()

    assert leases.others_were_at_it(connector, "migrator", before, options, Recorder())
