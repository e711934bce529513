"""How long an application waits because of an ALTER TABLE, by the way in which that is carried out.

    python -m benchmarks.locks --hold 30 --write docs/locks.md

Four ways (migrate apply; lock_timeout of 500 ms and of 2 s with retry; no lock_timeout), each beside a
transaction that has read the table, one that has written into it, and a stream of short readers that overlap
all the time. An application reads and writes single rows of the table at a fixed rate meanwhile; its waits
are measured at the client and, by looks at pg_locks, at the server. The server is given by
MIGRATOR_BENCHMARK_URL (a superuser's; the table `benchmark_locks` and the schema `migrator` in it are
dropped), else the embedded one is started. Takes about 9 times --hold and two minutes.
"""

import argparse
import platform
from pathlib import Path

import psycopg

from benchmarks.backfill import server
from benchmarks.locks.holders import EVERY_S, SCENARIOS, SHORT_S
from benchmarks.locks.measure import Measured, measured
from benchmarks.locks.page import table, write
from benchmarks.locks.ways import PAUSE_S, WAYS


def main() -> None:
    options = parsed()
    found: list[Measured] = []
    with server() as url:
        for scenario in options.scenario or SCENARIOS:
            for way in WAYS:
                one = measured(url, scenario, way, hold_s=options.hold, rate=options.rate)
                print(table([one]).splitlines()[-1], flush=True)
                found.append(one)
        said = describe(url, options, found)
    print(said, table(found), sep="\n\n")
    if options.write is not None:
        write(options.write, found, said, options.hold)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.locks", description=__doc__.splitlines()[0])
    parser.add_argument("--hold", type=float, default=30.0, help="seconds that somebody is in the way")
    parser.add_argument("--rate", type=float, default=50.0, help="statements a second, in each of 4 sessions")
    parser.add_argument(
        "--scenario", action="append", choices=list(SCENARIOS), help="only this one; repeatable"
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures into this page")
    return parser.parse_args()


def describe(url: str, options: argparse.Namespace, found: list[Measured]) -> str:
    with psycopg.connect(url) as connection:
        version = connection.info.server_version // 10000
    resolution = max(one.resolution for one in found)
    return (
        f"PostgreSQL {version} on {platform.machine()}, "
        f"`python -m benchmarks.locks --hold {options.hold:g} --write docs/locks.md`: "
        f"who is in the way stays for {options.hold:g} s; short readers stay for {SHORT_S * 1000:g} ms, "
        f"and one begins every {EVERY_S * 1000:g} ms; the application's four sessions read and write "
        f"{options.rate:g} rows a second each; between two attempts under `lock_timeout` {PAUSE_S:g} s pass. "
        f"What the server saw is up to {resolution * 1000:.0f} ms too long."
    )


if __name__ == "__main__":
    main()
