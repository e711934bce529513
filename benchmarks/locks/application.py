"""The application: point reads and point writes at a fixed rate, each timed; a process of its own.

It updates rows that nobody else touches, so whatever it waits for is a lock on the table.
"""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from typing import TYPE_CHECKING, LiteralString

import psycopg

from migrator.shadow.traffic.sampler import APPLICATION

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

READ: LiteralString = "SELECT value FROM benchmark_locks WHERE id = %s"
WRITE: LiteralString = "UPDATE benchmark_locks SET value = value + 1 WHERE id = %s"


@dataclass(slots=True)
class Felt:
    """Seconds that each statement took, by the application's clock."""

    seconds: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        return max(self.seconds, default=0.0)

    def longer_than(self, limit: float) -> int:
        return sum(1 for each in self.seconds if each > limit)


@contextmanager
def application(url: str, rate: float) -> Iterator[Felt]:
    """Give what the application felt; filled when the block has ended."""
    spawn = multiprocessing.get_context("spawn")
    ready, stop, answer = spawn.Event(), spawn.Event(), spawn.SimpleQueue()
    process = spawn.Process(target=_work, args=(url, rate, ready, stop, answer), daemon=True)
    process.start()
    felt = Felt()
    try:
        if not ready.wait(30):
            raise RuntimeError("the application did not begin")
        yield felt
    finally:
        stop.set()
        felt.seconds = answer.get()
        process.join()


def _work(url: str, rate: float, ready: Event, stop: Event, answer: "SimpleQueue[list[float]]") -> None:
    felt: list[float] = []
    threads = [
        threading.Thread(target=_repeat, args=(url, rate, statement, stop, felt))
        for statement in ((READ, 1), (READ, 2), (WRITE, 3), (WRITE, 4))
    ]
    for thread in threads:
        thread.start()
    ready.set()
    for thread in threads:
        thread.join()
    answer.put(felt)


def _repeat(
    url: str, rate: float, statement: tuple[LiteralString, int], stop: Event, felt: list[float]
) -> None:
    query, identity = statement
    with psycopg.connect(url, autocommit=True, application_name=APPLICATION) as connection:
        due = time.monotonic()
        while not stop.is_set():
            began = time.monotonic()
            connection.execute(query, [identity])
            felt.append(time.monotonic() - began)
            due = max(due + 1 / rate, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
