"""`make soak`: kills a migration under traffic and resumes it, round after round, and says what came of it.

A round is one kill and the resumption after it. `--seed` makes the choice of kinds and moments repeatable, as
far as time allows; `--write` puts the result into docs/faults.md. Exits with a traceback, and shows the seed,
where a pass does not end as it must.
"""

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests import servers
from tests.chaos.passes import Pass, one_pass, open_shop
from tests.chaos.supervisor import ALL_KINDS, Kill
from tests.conftest import Database, create_database, drop_database
from tests.faults.__main__ import PAGE
from tests.faults.page import replace_part

PER_PASS = 70


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--write", action="store_true", help=f"write the result into {PAGE.name}")
    options = parser.parse_args()
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    sys.stdout.write(f"seed {seed}\n")
    with a_database() as database, TemporaryDirectory(prefix="migrator-soak-") as folder:
        passes = list(soak(database, Path(folder), seed, options.rounds))
    result = lines(seed, passes, database.version)
    sys.stdout.write("\n".join(result) + "\n")
    if options.write:
        replace_part(PAGE, "soak", "\n".join(f"- {line}" for line in result))


@contextmanager
def a_database() -> Iterator[Database]:
    """One on a server of the newest version."""
    choice = servers.choose(os.environ)
    try:
        database = create_database(servers.obtain(choice, choice.versions[-1]))
        yield database
        drop_database(database)
    finally:
        servers.stop_all(choice)


def soak(database: Database, folder: Path, seed: int, rounds: int) -> Iterator[Pass]:
    """Migrate copies of the shop until there were so many kills."""
    random, shop, killed = Random(seed), open_shop(database, folder), 0
    while killed < rounds:
        began = time.monotonic()
        done = one_pass(shop, folder / f"pass-{killed}", random, min(PER_PASS, rounds - killed), ALL_KINDS)
        killed += len(done.kills)
        sys.stdout.write(f"{killed} rounds, pass of {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()
        yield done


def lines(seed: int, passes: Sequence[Pass], version: int) -> list[str]:
    """What came of it, for people."""
    kinds = Counter(kind for done in passes for kind, _ in done.kills)
    codes = Counter(code for done in passes for code in done.codes)
    return [
        f"seed {seed}, PostgreSQL {version}",
        f"{kinds.total()} rounds: {', '.join(f'{kind} {kinds[kind]}' for kind in Kill)}",
        f"{len(passes)} times the whole history, in {codes.total()} runs of the program, which ended with "
        + ", ".join(f"{code} ({number} times)" for code, number in sorted(codes.items())),
        f"{sum(done.statements for done in passes):,} statements of the application meanwhile, 0 errors",
        "schema, rows, ledger of the application, journal and remains after each pass: 0 differences",
    ]


if __name__ == "__main__":
    main()
