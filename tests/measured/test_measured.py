"""Every row of the catalogue that a migration can contain does what is said and declared of it."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrator.postgres.lock_modes import LockMode
from tests.conftest import create_database, drop_database
from tests.golden.case_file import CASES as GOLDENS
from tests.measured import results
from tests.measured.case_file import Case, all_cases
from tests.measured.measuring import Bench, Found
from tests.measured.page import Page
from tests.measured.table import PAGE
from tests.servers import Server

ROWS = range(1, 221)
"""The rows of the catalogue."""

CATALOGUE = Path(__file__).parents[3] / "shared" / "catalogue.md"

_LOCK = re.compile(r".*: declared (.*), measured (.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    name: str
    cases: list[Case]


def chapters(_version: int) -> list[Chapter]:
    cases = [case for case in all_cases() if case.reason is None]
    names = list(dict.fromkeys(case.chapter for case in cases))
    return [Chapter(name=name, cases=[case for case in cases if case.chapter == name]) for name in names]


@pytest.mark.docs
def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == Page().text(), "python -m tests.measured.table --page"


def test_every_row_is_measured_or_says_why_not() -> None:
    assert set(ROWS) == {case.row for case in all_cases()}


def test_the_rows_are_those_of_the_catalogue() -> None:
    if not CATALOGUE.exists():
        pytest.skip("the catalogue itself is not here")

    assert set(ROWS) == {int(row) for row in re.findall(r"^\|(\d+)\|", CATALOGUE.read_text(), re.MULTILINE)}


def test_names_of_cases_are_different() -> None:
    names = [case.name for case in all_cases()]

    assert len(names) == len(set(names))


def test_every_trap_has_golden_plans() -> None:
    named = {golden for case in all_cases() for golden in case.goldens}

    assert [golden for golden in sorted(named) if not (GOLDENS / f"{golden}.txt").exists()] == []


def test_corrections_correct_something() -> None:
    wrong = [
        f"{case.name} on {version}"
        for case in all_cases()
        for version, correction in case.corrections.items()
        if version not in case.claims or case.claims[version].agrees(correction.outcome)
    ]

    assert wrong == []


@pytest.mark.for_each_version("chapter", chapters)
def test_measured_as_said_and_as_declared(server: Server, chapter: Chapter) -> None:
    kept = results.read()
    database = create_database(server)
    try:
        bench = Bench(database, chapter.cases)
        wrong = {case.name: complaints(case, bench.find(case), server.version, kept) for case in bench.cases}
    finally:
        drop_database(database)

    assert {name: lines for name, lines in wrong.items() if lines} == {}
    assert not (server.container and bench.lacking)


def complaints(case: Case, found: Found, version: int, kept: dict[str, list[results.Line]]) -> list[str]:
    said = []
    expected = case.expected(version)
    if expected is not None and not expected.agrees(found.outcome):
        said.append(f"expected {expected}, measured {found.outcome}")
    less = [line for line in found.undeclared if not declares_more(line)]
    if less or (found.undeclared and version not in case.careful):
        said += found.undeclared
    if version in case.careful and not found.undeclared:
        said.append("the effect is declared as it is measured, but said to be declared with more")
    if results.on(kept.get(case.name, []), version) != results.line_of(case, found):
        said.append(f"results.json differs: {results.line_of(case, found)}; python -m tests.measured.table")
    return said


def declares_more(line: str) -> bool:
    """Whether something is declared that does not happen; the other way round is never right."""
    found = _LOCK.fullmatch(line)
    if found is None:
        return line.startswith("declared ")
    declared, measured = (-1 if name == "no lock" else LockMode(name).strength for name in found.groups())
    return declared > measured
