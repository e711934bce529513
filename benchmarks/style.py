"""`python -m benchmarks.style [--show KIND]`: what style says of the histories, file by file.

Every file is planned from what the files before it leave. The histories are found as `benchmarks.histories`
finds them. `--show` prints each finding of a kind with the statement that it is about.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from benchmarks.histories.source import History, all_histories
from migrator.plan.hazard import Hazard, Severity
from migrator.plan.hazard_groups import MEMBERS, STYLE, HazardGroup
from migrator.plan.plan import SourceStatement
from migrator.planner import fold, plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts

POLICY = Policy(severity=tuple((kind, Severity.WARNING) for kind in STYLE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", default="")
    wanted = parser.parse_args().show
    counts = {}
    for history in all_histories():
        found = list(findings(history))
        counts[history.name] = Counter(hazard.kind for _, hazard in found)
        for statement, hazard in found:
            if hazard.kind == wanted:
                text = " ".join(statement.text.split())
                print(f"{history.name} {Path(statement.file).name}: {hazard.message}\n    {text[:400]}")
    print(f"| finding | {' | '.join(counts)} |")
    print("| --- |" + " --- |" * len(counts))
    for kind in MEMBERS[HazardGroup.STYLE]:
        print(f"| {kind} | {' | '.join(str(each[kind]) for each in counts.values())} |")


def findings(history: History) -> Iterator[tuple[SourceStatement, Hazard]]:
    facts = Facts(complete=True, live=False, schemas=("public",))
    with tempfile.TemporaryDirectory() as folder:
        for migration in history.copy_to(Path(folder)):
            made = plan([migration], facts, POLICY, tool_version="benchmark")
            for statement in made.statements:
                yield from ((statement, h) for h in statement.hazards if h.kind in STYLE)
            facts = in_use(fold([migration], facts, POLICY))


def in_use(facts: Facts) -> Facts:
    relations = tuple(replace(relation, created_in_plan=False) for relation in facts.relations)
    return replace(facts, relations=relations, new_types=())


if __name__ == "__main__":
    main()
