"""The application as a program: readers and writers on threads, until standard input says `stop` or ends.

`python -m migrator.shadow.traffic.application --output FOLDER --tables JSON …` learns what can be done with
the tables, writes `ready` when every session is connected, and begins with the line `go`. At the end the
folder holds what was recorded (`recording`) and what could not be learnt (`notes.json`). URLs are in the
environment.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

import msgspec
import psycopg

from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.traffic import recording
from migrator.shadow.traffic.actors import Reader, Writer
from migrator.shadow.traffic.companion import say
from migrator.shadow.traffic.sampler import APPLICATION, DATABASE
from migrator.shadow.traffic.session import Refused, Session
from migrator.shadow.traffic.statements import Target
from migrator.shadow.traffic.tables import learn

NOTES = "notes.json"

AFTER = "MIGRATE_TRAFFIC_AFTER"
"""The variable that has the URL of a database that the change was made to, or nothing."""

_AGAIN = 0.2
"""Seconds before a lost connection is opened again."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn, run until told to stop, save what happened."""
    options = _options(arguments)
    names = msgspec.json.decode(options.tables, type=list[QualifiedName])
    with ExitStack() as stack:
        connections = [
            stack.enter_context(psycopg.connect(url, autocommit=True, application_name=APPLICATION))
            for url in (os.environ[DATABASE], os.environ.get(AFTER))
            if url
        ]
        learnt = learn(
            connections[0],
            names,
            writers=options.writers,
            seed=options.seed,
            after=connections[1] if len(connections) > 1 else None,
        )
    actors = _actors(options, learnt.targets)
    stop = threading.Event()
    threads = [threading.Thread(target=_keep_acting, args=(actor, options.rate, stop)) for actor in actors]
    say("ready")
    if not sys.stdin.readline():
        return
    for thread in threads:
        thread.start()
    try:
        say("going")
        sys.stdin.readline()
    finally:
        stop.set()
    for thread in threads:
        thread.join()
    recording.write([actor.session.recorder for actor in actors], options.output)
    (options.output / NOTES).write_bytes(msgspec.json.encode(learnt.notes))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="migrator.shadow.traffic.application")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--tables", required=True)
    parser.add_argument("--readers", required=True, type=int)
    parser.add_argument("--writers", required=True, type=int)
    parser.add_argument("--rate", required=True, type=float)
    parser.add_argument("--seed", required=True, type=int)
    return parser.parse_args(arguments)


def _actors(options: argparse.Namespace, targets: Sequence[Target]) -> list[Reader | Writer]:
    def session() -> Session:
        return Session(os.environ[DATABASE], name=APPLICATION)

    def random_of(actor: str) -> Random:
        return Random(f"{options.seed} {actor}")  # noqa: S311  # the traffic is random, not secret

    readers = [Reader(session(), random_of(f"reader {n}"), targets) for n in range(options.readers)]
    writers = [
        Writer(session(), random_of(f"writer {n}"), targets, number=n, writers=options.writers)
        for n in range(options.writers)
    ]
    return [*readers, *writers]


def _keep_acting(actor: Reader | Writer, rate: float, stop: threading.Event) -> None:
    """Act `rate` times a second on average; what was not done during a stall is not made up for."""
    due = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        due = max(due, time.monotonic() - 1 / rate) + actor.random.uniform(0.5, 1.5) / rate
        try:
            actor.act()
        except Refused:
            continue
        except psycopg.Error:
            stop.wait(_AGAIN)  # the server is away; the next statement connects again
    actor.session.close()


if __name__ == "__main__":
    main()
