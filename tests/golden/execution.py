"""The two ways to the same result: the plan by the runner that users have, and the file as it stands."""

from dataclasses import replace

import psycopg

from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.execution.journal import MigrationState
from migrator.execution.options import Provenance, RunOptions
from migrator.plan.plan import Plan
from migrator.plan.step import Phase
from migrator.policy import Policy
from migrator.runner import run
from migrator.shadow.compare import differences
from migrator.shadow.trace import Trace
from tests.conftest import Database

POLICY = Policy(batch_rows=1, batch_rows_min=1, batch_rows_max=1)
"""A few rows make several batches."""

OPTIONS = RunOptions(provenance=Provenance(tool_version="golden", os_user="tester", host="here"), wait_s=0)


def carry_out(plan: Plan, database: Database) -> None:
    """Run the plan up to its contract phase, then that too, by name."""
    if any(step.phase is Phase.CONTRACT for step in plan.steps):
        assert _states(plan, database, OPTIONS) == [MigrationState.WAITING]

        contract = replace(OPTIONS, contract=frozenset(migration.version for migration in plan.migrations))

        assert _states(plan, database, contract) == [MigrationState.APPLIED]
    else:
        assert _states(plan, database, OPTIONS) == [MigrationState.APPLIED]


def carry_out_naively(statements: list[str], database: Database) -> None:
    """Run the user's own statements."""
    cursor = psycopg.RawCursor(database.connect())
    for statement in statements:
        cursor.execute(statement)


def measure_naively(plan: Plan, statements: list[str], database: Database) -> dict[str, list[str]]:
    """Run the user's own statements, and return where they did not do what the plan declares of them.

    Statements of an explicit transaction, and those that cannot run in one, are only run.
    """
    connection = database.connect()
    if any(statement.kind == "transaction-control" for statement in plan.statements):
        carry_out_naively(statements, database)
        return {}
    wrong = {}
    for source, text in zip(plan.statements, statements, strict=True):
        try:
            with connection.transaction():
                connection.execute("SET LOCAL enable_seqscan = off")
                trace = Trace(connection)
                psycopg.RawCursor(connection).execute(text)
                found = differences(source.effect, trace.measured())
        except psycopg.errors.ActiveSqlTransaction:
            psycopg.RawCursor(connection).execute(text)
            found = []
        if found:
            wrong[text] = found
    return wrong


def _states(plan: Plan, database: Database, options: RunOptions) -> list[MigrationState | None]:
    result = run(Connector(conninfo=database.url), plan, POLICY, options, Silent())
    return [outcome.state for outcome in result.outcomes]
