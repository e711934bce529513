"""`python -m tests.golden.update [WORDS]`: write the expected plans anew (of files whose name has a word).

Read the difference with `git diff` before it is committed: these files are what the plans should be.
"""

import sys

from tests.golden.case_file import all_cases
from tests.golden.planning import folded_facts, planned
from tests.golden.render import render


def main(words: list[str]) -> None:
    for case in all_cases():
        if words and not any(word in case.name for word in words):
            continue
        facts = folded_facts(case, case.servers[-1])
        case.path.write_text(case.with_plan(render(planned(case, facts), facts)).text())


if __name__ == "__main__":
    main(sys.argv[1:])
