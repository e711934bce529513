"""Who is in the way: a long reader, a long writer, or short readers that overlap all the time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

SHORT_S = 0.2
"""A short reader's transaction."""

EVERY_S = 0.18
"""Between the beginnings of two of them: at every moment one at least is open."""

READERS = 3


@contextmanager
def holding(url: str, statement: bytes) -> Iterator[None]:
    """One transaction from the beginning of the block to its end."""
    with psycopg.connect(url, application_name="holder") as connection:
        connection.execute(statement)
        yield
        connection.commit()


@contextmanager
def streaming(url: str) -> Iterator[None]:
    """Short transactions that read one row and stay open a while, until the block ends."""
    stop, first = threading.Event(), threading.Event()
    threads = [threading.Thread(target=_stream, args=(url, turn, stop, first)) for turn in range(READERS)]
    for thread in threads:
        thread.start()
    first.wait()
    yield
    stop.set()
    for thread in threads:
        thread.join()


def _stream(url: str, turn: int, stop: threading.Event, first: threading.Event) -> None:
    with psycopg.connect(url, application_name="reader") as connection:
        due = time.monotonic() + turn * EVERY_S
        while not stop.wait(max(0.0, due - time.monotonic())):
            connection.execute("SELECT value FROM benchmark_locks WHERE id = 5")
            first.set()
            time.sleep(SHORT_S)
            connection.commit()
            due = max(due + READERS * EVERY_S, time.monotonic())


SCENARIOS = {
    "read": "a transaction that has read the table (ACCESS SHARE)",
    "write": "a transaction that has written into it (ROW EXCLUSIVE)",
    "stream": "short readers that overlap all the time",
}


@contextmanager
def in_the_way(scenario: str, url: str) -> Iterator[None]:
    """Be in the way until the block ends."""
    statements = {
        "read": b"SELECT count(*) FROM benchmark_locks",
        "write": b"UPDATE benchmark_locks SET value = 0 WHERE id = 6",
    }
    with streaming(url) if scenario == "stream" else holding(url, statements[scenario]):
        yield
