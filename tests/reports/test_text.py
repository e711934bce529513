"""The text report: its verdict, its width, and one report in full."""

import pytest

from migrator.plan.plan import Plan
from migrator.reports.text import render
from migrator.reports.verdict import verdict
from migrator.reports.words import WIDTH
from tests.golden.case_file import Case, all_cases
from tests.golden.planning import folded_facts, planned

CASES = {case.name: case for case in all_cases()}


def plan_of(name: str) -> Plan:
    case = CASES[name]
    return planned(case, folded_facts(case, case.servers[-1]))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("create_index/plain", "safe: 1 file, 1 step, nothing blocks reads or writes"),
        ("add_unique/plain", "safe: 1 file, 2 steps, nothing blocks reads or writes longer than 100 ms"),
        (
            "update/added_column",
            "safe: 1 file, 4 steps (1 in contract), nothing blocks reads or writes longer than 100 ms",
        ),
        ("update/other_table", "needs approval: 1 hazard"),
        ("update/other_table_approved", "approved: 1 file, 1 step, nothing blocks reads or writes"),
        ("update/existing_column_asks", "cannot run: 1 error to mend"),
        ("drop_index/nothing_live", "safe: 1 file, 1 step, and nothing is in use yet"),
    ],
)
def test_the_first_line_is_the_verdict(case: str, expected: str) -> None:
    plan = plan_of(case)

    assert expected == verdict(plan) == render(plan).splitlines()[0]


def test_nothing_pending() -> None:
    assert render(Plan()).startswith("nothing to do: no file is pending\n")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_prose_fits_the_width_and_sql_is_whole(case: Case) -> None:
    plan = planned(case, folded_facts(case, case.servers[-1]))
    lines = render(plan).splitlines()

    long = [line for line in lines if len(line) > WIDTH and not line.strip().startswith(("|", "undo:"))]
    assert long == []
    assert not any(line != line.rstrip() for line in lines)
    for step in plan.steps:
        assert any(line.startswith(f"  {step.id} ") for line in lines)


REPORT = """\
safe: 1 file, 1 step, nothing blocks reads or writes
planned for PostgreSQL 18.4, from facts: golden

0001_golden.sql

  1:1  CREATE INDEX ON users (name, lower(email)) WHERE id > 0
       as written: SHARE on public.users, builds an index on public.users, scans public.users,
         blocks writes all that time
       info: 0001_golden.sql:1:1 [index-build-blocks-writes] CREATE INDEX holds SHARE on
         public.users while it builds: every write waits
         instead: it is built CONCURRENTLY, outside a transaction

  what runs

  validate
  1.1  CREATE INDEX CONCURRENTLY users_name_lower_idx on public.users
       | CREATE INDEX CONCURRENTLY "users_name_lower_idx" ON users (name, lower(email)) WHERE id > 0;
       SHARE UPDATE EXCLUSIVE on public.users: builds an index on public.users, scans public.users
       estimate: indexes about 1 GB, 4.3 s to 54 s; WAL 105 MB to 410 MB; disk 105 MB to 820 MB
       no lock timeout, no statement timeout, tried for 1 d; the catalog says whether it is done
       undo: DROP INDEX CONCURRENTLY IF EXISTS "public"."users_name_lower_idx";
"""


def test_a_report_in_full() -> None:
    assert render(plan_of("create_index/plain")) == REPORT
