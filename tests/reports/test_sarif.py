"""SARIF: valid by the schema, with places that a reader finds, and fingerprints that stay."""

from typing import Any
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from migrator.errors import InputError
from migrator.plan.hazard import Approval, ApprovedIn
from migrator.plan.plan import Plan
from migrator.reports.sarif import FINGERPRINT, ROOT, render
from migrator.reports.subject import Subject
from tests.reports.json_schemas import valid_sarif
from tests.reports.samples import PICTURED, SUBJECTS, asking, hostile, shop, written

SCHEMA = "CREATE TABLE carts (id int); CREATE TABLE lines (id int);"


def results(subject: Subject) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = valid_sarif(render(subject))["results"]
    return found


def region(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result["locations"][0]["physicalLocation"]["region"]
    return found


def fingerprints(subject: Subject) -> list[str]:
    return [result["partialFingerprints"][FINGERPRINT] for result in results(subject)]


@pytest.mark.parametrize("name", SUBJECTS)
def test_valid_by_the_schema(name: str) -> None:
    valid_sarif(render(SUBJECTS[name]()))


def test_rules_have_help() -> None:
    for rule in valid_sarif(render(shop(*PICTURED)))["tool"]["driver"]["rules"]:
        assert rule["help"]["markdown"].startswith(f"# {rule['id']}\n")
        assert rule["helpUri"].endswith(f"/{rule['id']}.md")
        assert rule["shortDescription"]["text"].endswith(".")


def test_columns_are_utf_16_code_units_and_the_end_is_exclusive() -> None:
    run = valid_sarif(render(written("/* 😀é */ DROP TABLE carts -- 😀\n", schema=SCHEMA)))

    found = region(run["results"][0])
    assert run["columnKind"] == "utf16CodeUnits"
    line = "/* 😀é */ DROP TABLE carts -- 😀".encode("utf-16-le")
    shown = line[2 * (found["startColumn"] - 1) : 2 * (found["endColumn"] - 1)].decode("utf-16-le")
    assert (found["startLine"], found["endLine"]) == (1, 1)
    assert shown == found["snippet"]["text"] == "DROP TABLE carts"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_regions_span_lines(end: str) -> None:
    found = region(
        results(written(f"-- x{end}  DROP{end}TABLE 😀😀, carts;".replace("😀😀", "lines"), schema=SCHEMA))[0]
    )

    assert (found["startLine"], found["startColumn"]) == (2, 3)
    assert (found["endLine"], found["endColumn"]) == (3, len("TABLE lines, carts") + 1)


def test_fingerprints_stay_when_lines_and_comments_move() -> None:
    before = written("DROP TABLE carts;\nDROP TABLE lines;", schema=SCHEMA)
    after = written("-- moved\n\n\nDROP  TABLE carts; /* x */\n\n  DROP TABLE\nlines;", schema=SCHEMA)

    assert fingerprints(before) == fingerprints(after)


def test_fingerprints_of_equal_statements_differ() -> None:
    found = fingerprints(written("DELETE FROM carts;\nDELETE FROM carts;", schema=SCHEMA))

    assert len(found) == len(set(found)) > 1


def test_an_approval_suppresses_with_its_reason() -> None:
    approved = written(
        '-- migrate: allow data-loss reason="nobody reads it"\nDROP TABLE carts;', schema=SCHEMA
    )

    suppressed = [result["suppressions"] for result in results(approved)]

    assert [{"kind": "inSource", "status": "accepted", "justification": "nobody reads it"}] in suppressed
    assert all(result["suppressions"] == [] for result in results(asking()))


def test_an_approval_elsewhere_is_external() -> None:
    made = written('-- migrate: allow data-loss reason="nobody reads it"\nDROP TABLE carts;', schema=SCHEMA)
    given = Approval(by=ApprovedIn.FILE, file="approvals.toml", line=3, column=1, approved_by="anna")
    statement = made.plan.statements[0]
    hazards = tuple(replace(hazard, approval=given) for hazard in statement.hazards)
    plan = replace(made.plan, statements=(replace(statement, hazards=hazards),))

    found = results(Subject(plan=plan, migrations=made.migrations))[0]["suppressions"]

    said = "nobody reads it (approved by anna in approvals.toml:3)"
    assert found == [{"kind": "external", "status": "accepted", "justification": said}]


def test_levels() -> None:
    levels = {result["level"] for result in results(shop("order_items_foreign_keys", "legacy_carts_dropped"))}

    assert levels == {"error", "warning", "note"}


def test_paths_are_percent_encoded_and_relative() -> None:
    subject = written("DROP TABLE carts;", schema=SCHEMA)
    path = "db/my files/ä%#?:x\\y.sql"
    moved = Subject(
        plan=subject.plan, migrations=subject.migrations, paths=dict.fromkeys(subject.paths, path)
    )

    location = results(moved)[0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uriBaseId"] == ROOT
    assert location["uri"].isascii()
    assert not set(location["uri"]) & set(" #?:\\")
    assert unquote(location["uri"]) == path


def test_standard_input_has_no_location() -> None:
    subject = written("DROP TABLE carts;", schema=SCHEMA)
    nowhere = Subject(plan=subject.plan, migrations=subject.migrations)

    assert [result["locations"] for result in results(nowhere)] == [[]]


def test_nothing_of_the_machine_is_in_it() -> None:
    run = valid_sarif(render(hostile()))

    assert "file:" not in str(run["originalUriBaseIds"])
    assert set(run["invocations"][0]) == {"executionSuccessful"}


def test_a_failure_without_a_place() -> None:
    subject = Subject(plan=Plan(tool_version="1"), failure=InputError("no such file"), name="db")

    run = valid_sarif(render(subject))
    assert run["invocations"] == [{"executionSuccessful": False}]
    assert run["results"][0]["locations"] == []
