"""`python -m tests.measured.table`: measure every case on every version.

Writes tests/measured/results.json and docs/measured.md, and needs Docker. `--servers 17,18` measures on these
and keeps the rest; `--page` writes the page anew from what was measured.
"""

import argparse
import os
import sys
from pathlib import Path

from tests import servers
from tests.conftest import create_database, drop_database
from tests.measured import results
from tests.measured.case_file import Case, all_cases
from tests.measured.measuring import Bench
from tests.measured.page import Page
from tests.servers import SUPPORTED, Server

PAGE = Path(__file__).parents[2] / "docs" / "measured.md"


def measured_on(server: Server, cases: list[Case]) -> dict[str, tuple[str, str, str]]:
    """Return what is kept of each case."""
    database = create_database(server)
    try:
        bench = Bench(database, cases)
        return {case.name: results.line_of(case, bench.find(case)) for case in bench.cases}
    finally:
        drop_database(database)


def measure(asked: str) -> None:
    """Measure on these versions and keep the results, beside those of the others."""
    choice = servers.choose({**os.environ, "MIGRATOR_POSTGRES": asked, "MIGRATOR_REQUIRE_CONTAINERS": "1"})
    cases = [case for case in all_cases() if case.reason is None]
    found = _known(cases) if set(choice.versions) != set(SUPPORTED) else {case.name: {} for case in cases}
    try:
        for version in choice.versions:
            sys.stderr.write(f"PostgreSQL {version}\n")
            for name, line in measured_on(servers.obtain(choice, version), cases).items():
                found[name][version] = line
    finally:
        servers.stop_all(choice)
    results.write(cases, found)


def _known(cases: list[Case]) -> dict[str, dict[int, tuple[str, str, str]]]:
    kept = results.read()
    known = {case.name: {v: results.on(kept.get(case.name, []), v) for v in SUPPORTED} for case in cases}
    return {name: {v: line for v, line in lines.items() if line is not None} for name, lines in known.items()}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Measure what statements do, and write docs/measured.md.")
    options.add_argument("--servers", default="all", help="versions, e.g. 17,18 (default: all)")
    options.add_argument("--page", action="store_true", help="only write the page anew, measure nothing")
    given = options.parse_args()
    if not given.page:
        measure(given.servers)
    PAGE.write_text(Page().text(), encoding="utf-8")
