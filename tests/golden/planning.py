"""The plan of a case, from facts that its schema gives: folded here without a server, or read from one."""

from msgspec.structs import replace

from migrator.plan.plan import Plan
from migrator.planner import fold, plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.versions import ServerVersion
from migrator.sql.migration import read_migration
from tests.golden.case_file import Case

SETTINGS = (
    ("search_path", "'$user', 'public'"),
    ("TimeZone", "'UTC'"),
    ("DateStyle", "'ISO, MDY'"),
    ("IntervalStyle", "'postgres'"),
    ("bytea_output", "'hex'"),
    ("extra_float_digits", "'1'"),
    ("xmlbinary", "'base64'"),
    ("xmloption", "'content'"),
    ("default_text_search_config", "'pg_catalog.english'"),
)
"""What sessions begin with, as far as a plan writes it down; the servers of the tests differ in TimeZone."""

LARGE_ROWS, LARGE_BYTES = 5_000_000, 1 << 30


def planned(case: Case, facts: Facts) -> Plan:
    file = "0001_golden.sql"
    migration = read_migration(case.migration, file=file, version="0001", name="golden")
    return plan([migration], facts, Policy(), tool_version="golden")


def folded_facts(case: Case, version: int) -> Facts:
    """Facts as the planner itself folds them over the schema."""
    before = Facts(
        server_version=ServerVersion(version * 10000 + 4),
        live=False,
        complete=True,
        schemas=("public",),
        settings=SETTINGS,
    )
    if not case.knows_schema:
        return replace(before, live=True, complete=False)
    schema = read_migration(case.schema, file="0000_schema.sql", version="0000", name="schema")
    return adjusted(fold([schema], before, Policy()), case)


def adjusted(facts: Facts, case: Case) -> Facts:
    """Give the tables the sizes that the case asks for, as if they had been in use for long."""
    relations = tuple(_sized(relation, case) for relation in facts.relations)
    return replace(
        facts,
        live=case.live,
        complete=True,
        relations=relations,
        functions=tuple(replace(function, created_in_plan=False) for function in facts.functions),
        new_types=(),
        source="golden",
        settings=SETTINGS,
    )


def _sized(relation: Relation, case: Case) -> Relation:
    if relation.kind not in {RelationKind.TABLE, RelationKind.MATERIALIZED_VIEW}:
        return replace(relation, created_in_plan=False)
    rows = case.rows.get(relation.name.name, LARGE_ROWS)
    size = None if rows is None else LARGE_BYTES if rows == LARGE_ROWS else rows * 100
    return replace(relation, rows=rows, bytes=size, created_in_plan=False)
