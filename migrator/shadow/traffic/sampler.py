"""The server's own view, as a program: looks at pg_locks again and again until standard input says stop.

`python -m migrator.shadow.traffic.sampler --output FILE …` answers `ready` after its first look; the URL of
the database is in the environment. A process of its own, because in that of the application it would wait for
the interpreter; each look is a statement of its own, so that it holds no snapshot that CREATE INDEX
CONCURRENTLY would wait for.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migrator.database.queries import load
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.traffic.companion import say
from migrator.shadow.traffic.sightings import Lock, Relation, Sightings

PACKAGE = "migrator.shadow.traffic"

APPLICATION = "migrate verify application"
"""The application_name of readers and writers."""

DATABASE = "MIGRATE_TRAFFIC_DATABASE"
"""The variable that has the URL."""

_OWN = "migrate verify sampler"

_WAITSTART = 140000
"""From this version on pg_locks has the column `waitstart`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Look until told to stop, then save what was seen."""
    parser = argparse.ArgumentParser(prog="migrator.shadow.traffic.sampler")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--without", default="[]")
    parser.add_argument("--pause", default=0.001, type=float)
    options = parser.parse_args(arguments)
    stop = threading.Event()
    with psycopg.connect(
        os.environ[DATABASE], autocommit=True, application_name=_OWN, prepare_threshold=0
    ) as connection:
        sampler = Sampler(connection, msgspec.json.decode(options.without, type=list[str]))
        sampler.look()
        say("ready")
        threading.Thread(target=_until_told, args=(stop,), daemon=True).start()
        began, busy = time.monotonic(), time.process_time()
        while not stop.wait(options.pause):
            sampler.look()
        share = (time.process_time() - busy) / max(time.monotonic() - began, 1e-9)
        sampler.look()
    options.output.write_bytes(msgspec.json.encode(sampler.sightings.sampled(busy=share)))


class Sampler:
    """Looks through one connection."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], without: list[str]) -> None:
        self._connection = connection
        self._queries = load("sampler.sql", package=PACKAGE)
        self._look = self._queries["look"]
        if connection.info.server_version < _WAITSTART:
            self._look = self._queries["look before 14"]
        found = connection.execute(self._queries["relations"], {"without": without}).fetchall()
        known = {oid: Relation(QualifiedName(schema, name), index) for oid, schema, name, index in found}
        self.sightings = Sightings(known)
        self._application: frozenset[int] = frozenset()
        self._others: frozenset[int] = frozenset()
        self._known: frozenset[int] = frozenset()
        """All who were asked for their names; autovacuum and this session too."""

    def look(self) -> None:
        """Look once; sessions that were not there before are asked for their names."""
        rows = self._connection.execute(self._look, binary=True).fetchall()
        pids = {row[1] for row in rows if row[1] is not None}
        if not pids <= self._known:
            self._get_to_know(pids)
        locks = [Lock(*row[1:]) for row in rows if row[1] in self._application | self._others]
        self.sightings.look(rows[0][0], locks, self._application)

    def _get_to_know(self, pids: set[int]) -> None:
        """Tell the application's sessions from others; what is no client, such as autovacuum, is neither."""
        found = self._connection.execute(self._queries["sessions"]).fetchall()
        clients = {pid: name for pid, name, kind in found if kind == "client backend"}
        self._application |= {pid for pid, name in clients.items() if name == APPLICATION}
        self._others |= {pid for pid, name in clients.items() if name not in {APPLICATION, _OWN}}
        self._known |= pids


def _until_told(stop: threading.Event) -> None:
    sys.stdin.readline()
    stop.set()


if __name__ == "__main__":
    main()
