"""GitLab's code quality report: what its documentation asks for."""

import pytest

from migrator.reports.gitlab import render
from tests.reports.json_schemas import valid_gitlab
from tests.reports.samples import SUBJECTS, asking, written

SCHEMA = "CREATE TABLE carts (id int);"


@pytest.mark.parametrize("name", SUBJECTS)
def test_valid_as_documented(name: str) -> None:
    valid_gitlab(render(SUBJECTS[name]()))


def test_severities() -> None:
    found = {(issue["check_name"], issue["severity"]) for issue in valid_gitlab(render(asking()))}

    assert ("data-loss", "critical") in found
    assert ("existing-column-backfill", "blocker") in found


def test_an_approved_hazard_is_information() -> None:
    approved = written(
        '-- migrate: allow data-loss reason="nobody reads it"\nDROP TABLE carts;', schema=SCHEMA
    )

    issues = valid_gitlab(render(approved))

    assert [issue["severity"] for issue in issues if issue["check_name"] == "data-loss"] == ["info"]
    assert any("approved: nobody reads it" in issue["description"] for issue in issues)


def test_fingerprints_stay_when_lines_move() -> None:
    before, after = (
        written("DROP TABLE carts;", schema=SCHEMA),
        written("\n\n  DROP TABLE carts;", schema=SCHEMA),
    )

    assert [i["fingerprint"] for i in valid_gitlab(render(before))] == [
        i["fingerprint"] for i in valid_gitlab(render(after))
    ]
    assert [i["location"]["lines"]["begin"] for i in valid_gitlab(render(after))] == [3]
