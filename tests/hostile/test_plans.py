"""Plans with hostile names: each generated statement is one statement, and the reports stay readable."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, Phase, given, settings

from migrator.cli.output import printable
from migrator.plan import codec
from migrator.plan.plan import Plan
from migrator.plan.step import PARTITION_WORK
from migrator.reports.text import render, work_sql
from tests.golden.case_file import Case
from tests.golden.planning import folded_facts, planned
from tests.hostile.names import Story, stories, story

postgast = import_module("postgast")  # its stubs are no valid Python


def plan_of(found: Story) -> Plan:
    schema = found.before.replace("ANALYZE;", "")
    case = Case(path=Path(), title="", settings={}, schema=schema, migration=found.file, plan="")
    return planned(case, folded_facts(case, 18))


def generated(plan: Plan) -> Iterator[str]:
    """Every text that a server would be sent."""
    for step in plan.steps:
        if not isinstance(step.work, PARTITION_WORK):  # templates; tests/hostile/test_runs.py has them filled
            yield from work_sql(step.work)
        yield from step.undo
        yield from (diagnosis.sql for diagnosis in (*step.diagnoses, *step.preconditions))
        for name, value in msgspec.structs.asdict(step.work).items():
            if name.endswith("_sql"):
                yield from (value if isinstance(value, tuple) else (value,))


@settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(stories)
def test_each_generated_statement_is_one_statement(found: Story) -> None:
    plan = plan_of(found)

    texts = list(generated(plan))

    assert len(plan.steps) > 20
    assert [h for h in plan.hazards if h.blocks] == []
    for text in texts:
        assert len(postgast.parse(text).stmts) == 1, text
    decoded = codec.decode(codec.encode_readable(plan), file="plan.json")
    assert decoded == plan
    shown = printable(render(plan))
    assert not any(each in shown for each in "\x1b\x07\x9b\u202e\ufeff\r")
    assert all("\n" not in step.title for step in plan.steps)


def test_names_are_the_ones_written() -> None:
    """Not folded, not cut, and told apart where they differ in case or in a mark alone."""
    names = ["schema", "Table", "table", "t\u0308able", "ta ble", *(f"n{n}" for n in range(16))]
    plan = plan_of(story(names))

    (touched,) = {migration.touches for migration in plan.migrations}

    assert {(name.schema, name.name) for name in touched} >= {("schema", "Table"), ("schema", "table")}
