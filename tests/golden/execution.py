"""The two ways to the same result: the plan by the runner that users have, and the file as it stands."""

import psycopg

from migrator.database.session import Connector
from migrator.execution.options import Provenance, RunOptions
from migrator.plan.plan import Plan
from migrator.policy import Policy
from migrator.shadow.measure import measure_plan
from migrator.shadow.measure_statements import measure_statements
from tests.conftest import Database

POLICY = Policy(batch_rows=1, batch_rows_min=1, batch_rows_max=1)
"""A few rows make several batches."""

OPTIONS = RunOptions(provenance=Provenance(tool_version="golden", os_user="tester", host="here"), wait_s=0)


def carry_out(plan: Plan, database: Database) -> dict[str, tuple[str, ...]]:
    """Run the plan, then its contract phase by name, and return which steps did not do what they declare."""
    done = measure_plan(Connector(conninfo=database.url), plan, POLICY, contract=True, options=OPTIONS)
    assert [each.error for each in done if each.error] == []
    assert {(each.migration, each.id) for each in done} == {(step.migration, step.id) for step in plan.steps}

    return {f"{each.id} {each.title}": each.differences for each in done if each.differences}


def carry_out_naively(statements: list[str], database: Database) -> None:
    """Run the user's own statements; the session ends with them, and has handed in what it has read."""
    with database.connect() as connection:
        cursor = psycopg.RawCursor(connection)
        for statement in statements:
            cursor.execute(statement)


def measure_naively(plan: Plan, statements: list[str], database: Database) -> dict[str, tuple[str, ...]]:
    """Run the user's own statements, and return which did not do what the plan declares of them."""
    done = measure_statements(database.url, plan.statements, statements)
    assert [each.error for each in done if each.error] == []

    return {each.title: each.differences for each in done if each.differences}
