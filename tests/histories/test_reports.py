"""Histories of other projects planned in every format: valid by its schema, and within its limits.

Everything here is text: no server is asked. Skipped where the histories are not at hand.
"""

import pytest

from benchmarks.histories.source import all_histories, histories_folder
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.reports import github, gitlab, markdown, sarif
from migrator.reports.subject import Subject
from migrator.sql.migration import Migration, read_migration
from tests.reports.json_schemas import valid_gitlab, valid_sarif
from tests.reports.markdown_reader import ALLOWED, shown
from tests.reports.samples import in_use
from tests.reports.test_github import read
from tests.reports.test_mermaid import assert_valid, diagram

HISTORIES = {history.name: history for history in all_histories()}

pytestmark = pytest.mark.skipif(not HISTORIES, reason=f"no histories in {histories_folder()}")

each_history = pytest.mark.parametrize("name", HISTORIES)

LAST = 3
"""Files of a history's end that are planned with all before them in use: a report with diagrams."""


@each_history
def test_every_format_of_a_whole_history(name: str) -> None:
    subject = whole(name)
    hazards = len(subject.plan.hazards)

    assert_fits(markdown.render(subject))
    assert len(valid_sarif(sarif.render(subject))["results"]) == hazards
    assert len(valid_gitlab(gitlab.render(subject))) == hazards
    levels = [read(line)[0] for line in github.render(subject).splitlines()]
    assert all(levels.count(level) <= github.SHOWN for level in github.LEVELS)
    assert levels == sorted(levels, key=github.LEVELS.index)


@each_history
def test_diagrams_of_the_last_files(name: str) -> None:
    migrations = read_files(name)
    facts = in_use(migrations[:-LAST])
    made = plan(migrations[-LAST:], facts, Policy(), tool_version="1")
    report = markdown.render(Subject(plan=made, migrations=migrations[-LAST:], facts=facts))

    assert_fits(report)
    assert_valid(diagram(report.splitlines()))


def assert_fits(report: str) -> None:
    assert len(report.encode()) <= markdown.LIMIT
    assert {tag for tag, _ in shown(report).elements} <= ALLOWED


def read_files(name: str) -> tuple[Migration, ...]:
    return tuple(
        read_migration(path.read_text(), file=f"migrations/{path.name}", version=str(number), name=path.stem)
        for number, path in enumerate(HISTORIES[name].files)
    )


def whole(name: str) -> Subject:
    """A history planned where nothing is known, as in a pull request that adds all of it."""
    migrations = read_files(name)
    facts = Facts()
    return Subject(
        plan=plan(migrations, facts, Policy(), tool_version="1"),
        migrations=migrations,
        facts=facts,
        paths={migration.file: migration.file for migration in migrations},
    )
