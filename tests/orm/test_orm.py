"""The SQL of Alembic and of Django, made by the real tools: planned, applied, compared with psql."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.histories.empty import OPTIONS
from migrator import planner, workflow
from migrator.database.introspect import read_facts
from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.execution.journal import MigrationState
from migrator.plan.hazard import HazardKind, Severity
from migrator.plan.plan import Plan
from migrator.plan.step import Phase
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.shadow.rows import fill
from migrator.sql.migration import Migration, read_migration
from tests.conftest import Database
from tests.orm.projects import alembic_sql, django_sql
from tests.schema_dump import schema

LARGE = Policy(small_table_rows=0)

Found = list[tuple[str, HazardKind]]


def migration(text: str, version: str = "0002") -> Migration:
    return read_migration(text, file="<stdin>", version=version, name="standard input")


def run(database: Database, text: str) -> None:
    """As psql runs it."""
    with database.connect() as connection:
        for statement in migration(text).statements:
            connection.execute(statement.text.encode())


def planned(database: Database, text: str) -> Plan:
    with database.connect() as connection:
        facts = read_facts(connection, journal_schema="migrator")
    return planner.plan([migration(text)], facts, LARGE, tool_version="test")


def offline(text: str) -> Plan:
    return planner.plan([migration(text)], Facts(), LARGE, tool_version="test")


def worth_reading(plan: Plan) -> Found:
    """Statement and kind of what is more than good to know."""
    return [
        (" ".join(statement.text.split())[:44], hazard.kind)
        for statement in plan.statements
        for hazard in statement.hazards
        if hazard.severity is not Severity.INFO
    ]


def opaque(plan: Plan) -> list[str]:
    return [statement.text for statement in plan.statements if statement.kind == "opaque"]


def apply(database: Database, text: str, first: str) -> None:
    """Apply both files as `migrate apply` does, and the contract phase of the second."""
    connector = Connector(conninfo=database.url)
    files = [migration(first, "0001")]
    workflow.apply(connector, files, LARGE, OPTIONS, Silent())
    with database.connect() as connection:
        fill(connection, rows=3)
    files.append(migration(text, "0002"))
    result = workflow.apply(connector, files, LARGE, OPTIONS, Silent())
    if result.outcomes[-1].state is MigrationState.WAITING:
        result = workflow.contract(connector, ["0002"], LARGE, OPTIONS, Silent())
    assert result.outcomes[-1].state is MigrationState.APPLIED


@pytest.mark.parametrize("transactions", ["all", "each"])
def test_first_revision_of_alembic_raises_nothing(tmp_path: Path, transactions: str) -> None:
    plan = offline(alembic_sql(tmp_path, "base:a1", transactions=transactions))

    assert opaque(plan) == []
    assert worth_reading(plan) == []


def test_bookkeeping_of_alembic_raises_nothing_though_nothing_is_known(tmp_path: Path) -> None:
    plan = offline(alembic_sql(tmp_path, "a1:b2"))

    assert [s.kind for s in plan.statements if "alembic_version" in s.text] == ["bookkeeping"]
    assert [s for s in plan.statements if "alembic_version" in s.text and s.hazards] == []


@pytest.mark.postgres(newest=True)
def test_revision_of_alembic_is_judged_statement_by_statement(database: Database, tmp_path: Path) -> None:
    run(database, alembic_sql(tmp_path, "base:a1"))
    with database.connect() as connection:
        fill(connection, rows=3)
    plan = planned(database, alembic_sql(tmp_path, "a1:b2"))

    assert opaque(plan) == []
    assert worth_reading(plan) == [
        ("ALTER TABLE orders ADD CONSTRAINT orders_tot", HazardKind.MAY_BREAK_WRITERS),
    ]
    assert [step.title for step in plan.steps if step.phase is Phase.CONTRACT] == [
        "DROP DEFAULT of status of public.orders",
        "UPDATE public.alembic_version",
    ]


@pytest.mark.postgres(newest=True)
def test_revisions_of_alembic_are_applied(
    database: Database, second_database: Database, tmp_path: Path
) -> None:
    first, second = alembic_sql(tmp_path, "base:a1"), alembic_sql(tmp_path, "a1:b2")
    apply(database, second, first)
    run(second_database, first + second)
    with database.connect() as connection:
        noted = connection.execute("SELECT version_num FROM alembic_version").fetchall()

    assert schema(second_database.url) == schema(database.url)
    assert ("b2",) in noted


@pytest.mark.postgres(newest=True)
def test_migration_of_django_is_judged_statement_by_statement(database: Database, tmp_path: Path) -> None:
    run(database, django_sql(tmp_path, "0001", database.url))
    with database.connect() as connection:
        fill(connection, rows=3)
    plan = planned(database, django_sql(tmp_path, "0002", database.url))

    assert opaque(plan) == []
    assert worth_reading(plan) == [
        ('ALTER TABLE "shop_order" ADD CONSTRAINT "tot', HazardKind.MAY_BREAK_WRITERS),
    ]
    assert [step.title for step in plan.steps if step.phase is Phase.CONTRACT] == [
        "DROP DEFAULT of status of public.shop_order"
    ]


@pytest.mark.postgres(newest=True)
def test_index_that_django_builds_concurrently_is_as_safe_here(database: Database, tmp_path: Path) -> None:
    run(database, django_sql(tmp_path, "0001", database.url))
    run(database, django_sql(tmp_path, "0002", database.url))
    plan = planned(database, django_sql(tmp_path, "0003", database.url))

    assert plan.hazards == ()
    assert [step.recovery for step in plan.steps] == ["probed"]


@pytest.mark.postgres(newest=True)
def test_migrations_of_django_are_applied(
    database: Database, second_database: Database, tmp_path: Path
) -> None:
    first, second = (django_sql(tmp_path, number, database.url) for number in ("0001", "0002"))
    apply(database, second, first)
    run(second_database, first + second)

    assert schema(second_database.url) == schema(database.url)


def test_nothing_live_keeps_the_transaction(tmp_path: Path) -> None:
    facts = msgspec.structs.replace(Facts(), live=False, complete=True)
    text = alembic_sql(tmp_path, "base:a1")
    plan = planner.plan([migration(text)], facts, Policy(), tool_version="test")

    assert [step.title for step in plan.steps] == ["BEGIN … COMMIT: 4 statements"]
