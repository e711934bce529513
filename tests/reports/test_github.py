"""Workflow commands: read back as the runner reads them, within its limits, the worst first."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.plan.plan import Plan, PlannedMigration
from migrator.reports.github import LEVELS, SHOWN, render
from migrator.reports.subject import Subject
from tests.reports.samples import failed, hostile, written

COMMAND = re.compile(r"::(?P<level>\w+) (?P<properties>[^:]*)::(?P<message>.*)")

LONG = 50


def unescaped(value: str, *, is_property: bool) -> str:
    """As the runner does it."""
    for code, character in (
        ("%0D", "\r"),
        ("%0A", "\n"),
        *((("%3A", ":"), ("%2C", ",")) if is_property else ()),
    ):
        value = value.replace(code, character)
    return value.replace("%25", "%")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Level, properties and message of a command, as the runner reads it."""
    found = COMMAND.fullmatch(line)
    assert found is not None, line
    pairs = dict(each.split("=", 1) for each in found["properties"].split(","))
    properties = {name: unescaped(value, is_property=True) for name, value in pairs.items()}
    return found["level"], properties, unescaped(found["message"], is_property=False)


def commands(subject: Subject) -> list[tuple[str, dict[str, str], str]]:
    report = render(subject)
    assert "\r" not in report
    return [read(line) for line in report.split("\n")[:-1]]


def of_hazards(*hazards: Hazard, path: str = "db/1.sql") -> Subject:
    migration = PlannedMigration(version="1", name="a", file="1.sql", findings=hazards)
    return Subject(plan=Plan(migrations=(migration,)), paths={"1.sql": path})


def hazard(severity: Severity, message: str = "danger", line: int = 1) -> Hazard:
    kind = HazardKind.DATA_LOSS
    return Hazard(kind=kind, severity=severity, message=message, file="1.sql", line=line, column=1)


texts = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("%:,\r\n=#")), max_size=40)


@given(texts, texts.filter(bool))
def test_message_and_path_come_back(message: str, path: str) -> None:
    printable = not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", message + path)

    found = commands(of_hazards(hazard(Severity.ERROR, message), path=path))

    assert len(found) == 1
    level, properties, said = found[0]
    assert level == "error"
    assert set(properties) == {"file", "line", "endLine", "col", "endColumn", "title"}
    if printable and not re.search(
        "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]", message + path
    ):
        assert properties["file"] == path
        assert said.startswith(message)


@pytest.mark.parametrize("severity", Severity)
def test_ten_of_each_level_and_the_rest_summed_up(severity: Severity) -> None:
    found = commands(of_hazards(*(hazard(severity, str(n), n) for n in range(1, LONG + 1))))

    assert len(found) == SHOWN
    assert f"{LONG - SHOWN + 1} more" in found[-1][2]
    assert set(found[-1][1]) == {"title"}


def test_exactly_ten_are_all_shown() -> None:
    found = commands(of_hazards(*(hazard(Severity.ERROR, str(n), n) for n in range(1, SHOWN + 1))))

    assert [said.partition("\n")[0] for _, _, said in found] == [str(n) for n in range(1, SHOWN + 1)]


def test_the_worst_come_first() -> None:
    final = replace(hazard(Severity.ERROR, "final", line=9), approvable=False)
    approved = replace(hazard(Severity.ERROR, "approved"), approved="because")
    asked, warned = hazard(Severity.ERROR, "asked", line=2), hazard(Severity.WARNING, "warned")

    found = commands(of_hazards(hazard(Severity.INFO, "known"), approved, warned, asked, final))

    assert [(level, said.partition("\n")[0]) for level, _, said in found] == [
        ("error", "final"),
        ("error", "asked"),
        ("warning", "warned"),
        ("notice", "approved"),
        ("notice", "known"),
    ]


def test_columns_only_within_a_line() -> None:
    subject = written(
        "DROP TABLE\n  carts;\n  DROP TABLE lines;", schema="CREATE TABLE carts (); CREATE TABLE lines ();"
    )

    places = [properties for _, properties, _ in commands(subject)]

    assert [(p["line"], p["endLine"], p.get("col"), p.get("endColumn")) for p in places] == [
        ("1", "2", None, None),
        ("3", "3", "3", "19"),
    ]


def test_standard_input_has_no_place() -> None:
    subject = written("DROP TABLE carts;", schema="CREATE TABLE carts ();", file="<stdin>")
    nowhere = Subject(plan=subject.plan, migrations=subject.migrations)

    assert [set(properties) for _, properties, _ in commands(nowhere)] == [{"title"}]


def test_hostile_names_begin_no_command_of_their_own() -> None:
    levels = Counter(level for level, _, _ in commands(hostile()))

    assert set(levels) <= set(LEVELS)


def test_a_file_that_cannot_be_read_is_an_error_at_its_place() -> None:
    assert commands(failed()) == [
        (
            "error",
            {"file": "db/migrations/3_c.sql", "line": "2", "col": "8", "title": "migrate plan"},
            "a parenthesis is not closed",
        )
    ]
