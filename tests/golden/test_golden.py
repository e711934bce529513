from collections.abc import Iterator

import pytest

from migrator.database.introspect import read_facts
from migrator.plan.codec import decode, encode
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import HazardKind, Severity
from migrator.plan.plan import Plan
from migrator.plan.step import Autocommit, Transaction, Work
from migrator.policy import Policy
from migrator.postgres.facts import Facts, RelationKind
from migrator.shadow.schema import read_schema, schema_differences
from migrator.sql.migration import read_migration
from tests.conftest import Database, create_database, drop_database
from tests.golden.case_file import Case, all_cases
from tests.golden.emptied import empty
from tests.golden.execution import carry_out, carry_out_naively, measure_naively
from tests.golden.leftovers import helpers, journal_objects, objects_of_new_journal
from tests.golden.planning import adjusted, folded_facts, planned
from tests.golden.render import render
from tests.golden.rows import rows
from tests.schema_dump import schema as dump
from tests.servers import SUPPORTED, Server

pytestmark = pytest.mark.golden

CASES = all_cases()

IDS = [case.name for case in CASES]

NEWEST = max(SUPPORTED)
"""Where pg_dump is asked too, which takes its time: tests/shadow/test_schema.py holds our own text to it."""


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_plan_is_the_one_in_the_file(case: Case) -> None:
    facts = folded_facts(case, case.servers[-1])

    assert case.plan == render(planned(case, facts), facts)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_plan_survives_json(case: Case) -> None:
    plan = planned(case, folded_facts(case, case.servers[-1]))

    assert plan == decode(encode(plan))


def carried_out_on(version: int) -> list[Case]:
    return [case for case in CASES if case.runs and version in case.servers]


@pytest.fixture(scope="session")
def new_journal(server: Server) -> list[str]:
    """The objects of a journal that no plan has been at."""
    created = create_database(server)
    try:
        return objects_of_new_journal(created)
    finally:
        drop_database(created)


@pytest.fixture(scope="session")
def databases(server: Server) -> Iterator[tuple[Database, Database]]:
    """One for the plan, one for the naive file; each test empties them."""
    both = create_database(server), create_database(server)
    try:
        yield both
    finally:
        for each in both:
            drop_database(each)


@pytest.mark.for_each_version("case", carried_out_on)
def test_result_is_that_of_the_naive_file(
    case: Case, databases: tuple[Database, Database], new_journal: list[str]
) -> None:
    database, second_database = databases
    for each in databases:
        empty(each)
        carry_out_naively([case.schema], each)
    facts = server_facts(case, database)
    plan = planned(case, facts)
    migration = read_migration(case.migration, file="0001_golden.sql", version="0001", name="golden")
    undeclared = measure_naively(plan, [each.text for each in migration.statements], second_database)
    wrong = carry_out(plan, database)

    assert undeclared == {}
    assert wrong == {}
    schemas = [read_schema(each.reader(), without=["migrator"]) for each in databases]
    assert schema_differences(*schemas) == ()
    if database.version == NEWEST:
        assert dump(second_database.url) == dump(database.url)
    assert rows(second_database, volatile=case.volatile) == rows(database, volatile=case.volatile)
    assert new_journal == journal_objects(database)
    assert helpers(database) == []
    assert rendered_without_server(case, database.version) == render(plan, facts)


def waiting_on(version: int) -> list[Case]:
    return [case for case in CASES if case.knows_schema and not case.runs and version in case.servers]


@pytest.mark.postgres(newest=True)
@pytest.mark.for_each_version("case", waiting_on)
def test_server_gives_the_same_plan_that_waits(case: Case, databases: tuple[Database, Database]) -> None:
    database, _ = databases
    empty(database)
    carry_out_naively([case.schema], database)
    offline = planned(case, folded_facts(case, database.version))

    assert outline(offline) == outline(planned(case, server_facts(case, database)))


def outline(plan: Plan) -> tuple[list[tuple[Severity, HazardKind]], list[tuple[str, str, str, Work]]]:
    """What is refused and what would run; messages may quote a definition as the server writes it."""
    hazards = [(hazard.severity, hazard.kind) for hazard in plan.hazards]
    return hazards, [(step.id, step.phase, step.title, step.work) for step in plan.steps]


def rendered_without_server(case: Case, version: int) -> str:
    facts = folded_facts(case, version)
    return render(planned(case, facts), facts)


def server_facts(case: Case, database: Database) -> Facts:
    """Facts as the server tells them, with the sizes that the case asks for."""
    return adjusted(read_facts(database.reader(), journal_schema="migrator"), case)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.live and case.knows_schema], ids=lambda case: case.name
)
def test_no_step_works_on_a_large_table_while_it_blocks_somebody(case: Case) -> None:
    """The server tests see to it that the effect is the real one; what is approved is an error's answer."""
    facts = folded_facts(case, case.servers[-1])
    plan = planned(case, facts)
    errors = {
        (s.migration, s.index) for s in plan.statements for h in s.hazards if h.severity is Severity.ERROR
    }
    steps = [step for step in plan.steps if isinstance(step.work, (Transaction, Autocommit))]

    assert [
        f"{step.id} {step.title}: {lock.mode} on {lock.relation}"
        for step in steps
        if (step.migration, step.statement) not in errors and _large_work(step.effect, facts)
        for lock in step.effect.locks
        if _felt(lock, facts)
    ] == []


def _large_work(effect: Effect, facts: Facts) -> bool:
    relations = map(facts.relation, {*effect.scans, *effect.rewrites, *effect.index_builds})
    small = Policy().small_table_rows
    return effect.unknown or any(r is not None and (r.rows is None or r.rows > small) for r in relations)


def _felt(lock: RelationLock, facts: Facts) -> bool:
    """Nobody writes into a materialized view, and one without data is not read either."""
    relation = facts.relation(lock.relation)
    if relation is not None and relation.kind is RelationKind.MATERIALIZED_VIEW:
        return lock.mode.blocks_reads and relation.populated
    return relation is not None and lock.mode.blocks_writes
