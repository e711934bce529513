import pytest

from migrator.database.introspect import read_facts
from migrator.plan.codec import decode, encode
from migrator.postgres.facts import Facts
from migrator.sql.migration import read_migration
from tests.conftest import Database
from tests.golden.case_file import Case, all_cases
from tests.golden.executor import carry_out, carry_out_naively
from tests.golden.planning import adjusted, folded_facts, planned
from tests.golden.render import render
from tests.schema_dump import schema

pytestmark = pytest.mark.golden

CASES = all_cases()

IDS = [case.name for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_plan_is_the_one_in_the_file(case: Case) -> None:
    facts = folded_facts(case, case.servers[-1])

    assert case.plan == render(planned(case, facts), facts)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_plan_survives_json(case: Case) -> None:
    plan = planned(case, folded_facts(case, case.servers[-1]))

    assert plan == decode(encode(plan))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_result_is_that_of_the_naive_file(case: Case, database: Database, second_database: Database) -> None:
    if database.version not in case.servers or not case.compares or not case.knows_schema:
        pytest.skip("not a case for this server")
    for each in (database, second_database):
        carry_out_naively([case.schema], each.connect())
    facts = server_facts(case, database)
    plan = planned(case, facts)
    if any(hazard.blocks for hazard in plan.hazards):
        pytest.skip("the plan waits for an approval")
    migration = read_migration(case.migration, file="0001_golden.sql", version="0001", name="golden")
    carry_out_naively([statement.text for statement in migration.statements], second_database.connect())
    carry_out(plan, database.connect())

    assert schema(second_database.url) == schema(database.url)
    if database.version == case.servers[-1]:
        assert case.plan == render(plan, facts)


def server_facts(case: Case, database: Database) -> Facts:
    """Facts as the server tells them, with the sizes that the case asks for."""
    with database.connect() as connection:
        return adjusted(read_facts(connection, journal_schema="migrator"), case)
