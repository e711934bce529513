"""The application as a program: readers and writers on threads, until standard input says `stop` or ends.

`python -m migrator.demo.traffic --database URL --output FOLDER …` writes `ready` when every session is
connected. The line `release` makes the writers behave as the next release, answered by `released`. At the
end the folder holds what was recorded (`recording`) and what was confirmed (`ledger.json`). Thinking time
between actions keeps the machine from being busy with the application alone.
"""

import argparse
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Protocol

import msgspec

from migrator.demo import ledger
from migrator.demo.readers import Reader
from migrator.demo.shop import Size
from migrator.demo.writers import Share, Writer
from migrator.shadow.traffic import recording
from migrator.shadow.traffic.companion import say
from migrator.shadow.traffic.session import Refused, Session

LEDGER = "ledger.json"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the program was asked to do."""

    database: str
    output: Path
    orders: int
    readers: int
    writers: int
    seed: int
    think: float
    """Seconds between two actions of a session, on average."""


class Actor(Protocol):
    """A reader or a writer."""

    session: Session
    random: Random

    def act(self) -> None:
        """Do one thing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until told to stop, then save what happened."""
    options = read_options(arguments)
    released = threading.Event()
    readers, writers = readers_of(options), writers_of(options, released)
    stop = threading.Event()
    actors: list[Actor] = [*readers, *writers]
    threads = [threading.Thread(target=keep_acting, args=(actor, options.think, stop)) for actor in actors]
    for thread in threads:
        thread.start()
    say("ready")
    obey(released)
    stop.set()
    for thread in threads:
        thread.join()
    recording.write([actor.session.recorder for actor in actors], options.output)
    ledger.write([writer.ledger for writer in writers], options.output / LEDGER)


def read_options(arguments: Sequence[str] | None) -> Options:
    """Read the command line of this program."""
    parser = argparse.ArgumentParser(prog="migrator.demo.traffic")
    parser.add_argument("--database", required=True)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--orders", required=True, type=int)
    parser.add_argument("--readers", default=4, type=int)
    parser.add_argument("--writers", default=4, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--think", default=0.015, type=float)
    return Options(**vars(parser.parse_args(arguments)))


def readers_of(options: Options) -> list[Reader]:
    """Connect the readers."""
    size = Size(orders=options.orders)
    return [
        Reader(Session(options.database, name="shop"), Random(f"{options.seed} reader {n}"), size)
        for n in range(options.readers)
    ]


def writers_of(options: Options, released: threading.Event) -> list[Writer]:
    """Connect the writers; each has its share of the rows."""
    size = Size(orders=options.orders)
    return [
        Writer(
            Session(options.database, name="shop"),
            Random(f"{options.seed} writer {n}"),
            size,
            Share(number=n, writers=options.writers),
            released,
        )
        for n in range(options.writers)
    ]


def keep_acting(actor: Actor, think: float, stop: threading.Event) -> None:
    """Act, think, act again; what was refused is in the record already."""
    while not stop.wait(actor.random.uniform(0, 2 * think)):
        try:
            actor.act()
        except Refused:
            continue
    actor.session.close()


def obey(released: threading.Event) -> None:
    """Do what standard input says, until it says stop or ends."""
    for line in sys.stdin:
        match line.strip():
            case "release":
                released.set()
                say("released")
            case _:
                return


if __name__ == "__main__":
    main()
