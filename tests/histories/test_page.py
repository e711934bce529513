"""docs/histories.md has the form that `benchmarks.histories` writes, and every history is in it."""

import re
from pathlib import Path

from benchmarks.histories import page
from benchmarks.histories.results import Results
from benchmarks.histories.source import all_histories

PAGE = Path(__file__).resolve().parents[2] / "docs" / "histories.md"

HISTORIES = ("crates_io", "goalert", "instantdb", "langfuse", "mulighetsrommet")

COUNTS = {
    "files": 2,
    "statements": 1234,
    "opaque": 0,
    "rewrites": 3,
    "approvals": 1,
    "refusals": 0,
    "hazards": {"data-loss error": 1},
}

EMPTY = {
    "counts": COUNTS,
    "seconds": 1.2,
    "psql_seconds": 0.9,
    "equal": True,
    "findings": ["0001_a.sql:3 error data-loss: gone"],
}

LIVE = {
    "counts": COUNTS,
    "approved": 1,
    "refused": ["0002_b.sql:1 missing-object: /tmp/x/0002_b.sql"],
    "emptied": [],
    "contracted": 1,
    "rows": 12,
    "unfilled": ["public.t"],
    "seconds": 3.0,
    "equal": False,
    "lost": [],
    "failed": [],
}


def section(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_what_was_written_by_hand_is_kept() -> None:
    before = f"# Old\n\n{page.BY_HAND}\nAll is well.\n"

    assert page.render(Results(), before).endswith(f"{page.BY_HAND}\nAll is well.\n")


def test_numbers_stand_in_tables() -> None:
    text = page.render(Results(server="PostgreSQL 18", empty={"a": EMPTY}, live={"a": LIVE}), "")

    assert "| a | 2 | 1,234 | 0 | 1.2 s | 0.9 s | yes |" in section(text, "On an empty database")
    assert "| [data-loss](hazards/data-loss.md) | error | 1 |" in section(text, "Judged as in a pull request")
    assert "| a | 2 | 3 | 1 | 1 | 0 | 1 | 12 | 1 | 3 s | **no** | 0 |" in section(
        text, "On a database in use"
    )
    assert "- refused: 0002_b.sql:1 missing-object: 0002_b.sql" in text


def test_the_page_has_every_history() -> None:
    text = PAGE.read_text()
    rows = re.findall(r"^\| (\w+) \|", section(text, "On an empty database"), re.MULTILINE)

    assert tuple(name for name in rows if name != "history") == HISTORIES
    assert "**no**" not in text
    assert {history.name for history in all_histories()} <= set(HISTORIES)


def test_the_page_has_two_histories_on_a_database_in_use() -> None:
    rows = re.findall(r"^\| (\w+) \|", section(PAGE.read_text(), "On a database in use"), re.MULTILINE)

    assert len(set(rows) & set(HISTORIES)) >= 2


def test_findings_were_looked_at_by_hand() -> None:
    looked_at = section(PAGE.read_text(), "Looked at by hand")

    assert len(re.findall(r"^\| \w+ \d{4}:\d+ \|", looked_at, re.MULTILINE)) >= 30
