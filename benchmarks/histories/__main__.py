"""`python -m benchmarks.histories`: replay the histories, and write the page about them.

--only NAME …      these histories (default: all)
--live NAME …      these on a database in use too (default: crates_io instantdb)
--server URL       a superuser's URL on a scratch server; without it a container of postgres:18
--results FILE     keep what was found here, and do only what is not in it yet
--write FILE       write the page
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks.histories import empty, live, page, results
from benchmarks.histories.source import History, all_histories, histories_folder
from tests import servers

LIVE = ("crates_io", "instantdb")


def main(arguments: list[str]) -> None:
    options = _options(arguments)
    found = [h for h in all_histories() if not options.only or h.name in options.only]
    if not found:
        sys.exit(f"no histories in {histories_folder()}")
    kept = Path(options.results) if options.results else Path(tempfile.mkdtemp()) / "results.json"
    known = results.load(kept)
    with _server(options.server) as server:
        known.server = _version(server)
        for history in found:
            if history.name not in known.empty:
                known.empty[history.name] = results.plain(on_empty(history, server))
                results.save(kept, known)
            if history.name in options.live and history.name not in known.live:
                known.live[history.name] = results.plain(on_live(history, server))
                results.save(kept, known)
    if options.write:
        page.write(Path(options.write), known)


def on_empty(history: History, server: str) -> empty.EmptyRecord:
    ours, theirs = (_created(server, f"{history.name}_{side}") for side in ("ours", "theirs"))
    with tempfile.TemporaryDirectory() as folder:
        record = empty.run(history, Path(folder), ours, theirs)
    print(f"{history.name}: {record.seconds:.0f} s, psql {record.psql_seconds:.0f} s, equal {record.equal}")
    return record


def on_live(history: History, server: str) -> live.LiveRecord:
    ours, theirs = (_created(server, f"{history.name}_live_{side}") for side in ("ours", "theirs"))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        record = live.run(history, Path(folder), live.Sides(server=server, ours=ours, theirs=theirs))
    print(f"{history.name} live: {time.perf_counter() - started:.0f} s, equal {record.equal}, {record.lost}")
    return record


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.histories", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--live", nargs="*", default=list(LIVE))
    parser.add_argument("--server")
    parser.add_argument("--results")
    parser.add_argument("--write")
    return parser.parse_args(arguments)


@contextmanager
def _server(given: str | None) -> Iterator[str]:
    if given:
        yield given
        return
    choice = servers.choose({})
    try:
        yield servers.obtain(choice, choice.versions[-1]).url
    finally:
        servers.stop_all(choice)


def _version(server: str) -> str:
    with psycopg.connect(server) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')}".split(" (")[0]


def _created(server: str, name: str) -> str:
    """Return the URL of an empty database."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlsplit(server)._replace(path=f"/{name}").geturl()


if __name__ == "__main__":
    main(sys.argv[1:])
