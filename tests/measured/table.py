"""`python -m tests.measured.table`: measure every case on every version.

Writes tests/measured/results.json and docs/measured.md, and needs Docker. `--page` writes the page anew from
what was measured.
"""

import os
import sys
from collections import defaultdict
from pathlib import Path

from tests import servers
from tests.conftest import create_database, drop_database
from tests.measured import results
from tests.measured.case_file import Case, all_cases
from tests.measured.measuring import Bench
from tests.measured.page import Page
from tests.servers import Server

PAGE = Path(__file__).parents[2] / "docs" / "measured.md"


def measured_on(server: Server, cases: list[Case]) -> dict[str, tuple[str, str, str]]:
    """Return what is kept of each case."""
    database = create_database(server)
    try:
        bench = Bench(database, cases)
        return {case.name: results.line_of(case, bench.find(case)) for case in bench.cases}
    finally:
        drop_database(database)


def measure() -> None:
    """Measure on all versions and keep the results."""
    choice = servers.choose({**os.environ, "MIGRATOR_POSTGRES": "all", "MIGRATOR_REQUIRE_CONTAINERS": "1"})
    cases = [case for case in all_cases() if case.reason is None]
    found: dict[str, dict[int, tuple[str, str, str]]] = defaultdict(dict)
    try:
        for version in choice.versions:
            sys.stderr.write(f"PostgreSQL {version}\n")
            for name, line in measured_on(servers.obtain(choice, version), cases).items():
                found[name][version] = line
    finally:
        servers.stop_all(choice)
    results.write(cases, found)


if __name__ == "__main__":
    if "--page" not in sys.argv:
        measure()
    PAGE.write_text(Page().text(), encoding="utf-8")
