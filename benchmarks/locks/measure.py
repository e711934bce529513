"""One way beside one that is in the way: what the application waited for, by its clock and the server's."""

import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psycopg

from benchmarks.locks.application import application
from benchmarks.locks.holders import in_the_way
from benchmarks.locks.ways import WAYS, Course, Way
from migrator.shadow.traffic.companion import Companion
from migrator.shadow.traffic.sampler import DATABASE
from migrator.shadow.traffic.sightings import Sampled

BUDGET_S = 0.1

ALONE_S = 0.5
"""The application works alone for so long, before and after."""

PATIENCE_S = 120.0
"""So long after the table is free the change must be done."""

DONE = """
    SELECT 1 FROM pg_attribute WHERE attrelid = 'benchmark_locks'::regclass AND attname = 'added'
"""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds."""

    scenario: str
    way: str
    attempts: int
    felt_by_server: float
    """The longest wait for a lock on the table, as pg_locks showed it."""
    felt_by_client: float
    """The longest statement."""
    over_budget: int
    """Statements that took longer than the lock budget, at the client."""
    statements: int
    done_after: float
    """Since the table was free; beside short readers, which never let go, since the first attempt."""
    resolution: float
    """Of what the server saw."""


def measured(url: str, scenario: str, way: str, *, hold_s: float, rate: float) -> Measured:
    with psycopg.connect(url, autocommit=True) as watch, tempfile.TemporaryDirectory() as folder:
        _prepare(watch)
        output, course = Path(folder) / "sampled.json", Course()
        options = {"output": output, "without": '["migrator"]'}
        sampler = Companion("migrator.shadow.traffic.sampler", options, environment={DATABASE: url})
        with sampler, application(url, rate) as felt:
            time.sleep(ALONE_S)
            free, done = _run(watch, url, (scenario, way), course, hold_s)
            time.sleep(ALONE_S)
        sampled = msgspec.json.decode(output.read_bytes(), type=Sampled)
    waits = [wait.seconds for wait in sampled.waits if wait.mode is not None]
    return Measured(
        scenario=scenario,
        way=way,
        attempts=course.attempts,
        felt_by_server=max(waits, default=0.0),
        felt_by_client=felt.longest,
        over_budget=felt.longer_than(BUDGET_S),
        statements=len(felt.seconds),
        done_after=done - (course.began if scenario == "stream" else free),
        resolution=sampled.resolution_s,
    )


def _prepare(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute("DROP SCHEMA IF EXISTS migrator CASCADE")
    connection.execute("DROP TABLE IF EXISTS benchmark_locks")
    connection.execute("CREATE TABLE benchmark_locks (id int PRIMARY KEY, value int NOT NULL)")
    connection.execute("INSERT INTO benchmark_locks SELECT n, 0 FROM generate_series(1, 20000) AS n")
    connection.execute("VACUUM ANALYZE benchmark_locks")


def _run(
    watch: psycopg.Connection[tuple[object, ...]],
    url: str,
    what: tuple[str, str],
    course: Course,
    hold_s: float,
) -> tuple[float, float]:
    """Return when the table was free, and when the change was done."""
    scenario, way = what
    failures: list[BaseException] = []
    thread = threading.Thread(target=_guarded, args=(WAYS[way], url, course, failures))
    with ExitStack() as stack:
        stack.enter_context(in_the_way(scenario, url))
        thread.start()
        if not course.begun.wait(PATIENCE_S):
            raise RuntimeError(f"{way} did not begin: {failures or course.error}")
        done = _until_done(watch, course.began + hold_s, failures)
    free = time.time()
    done = done or _until_done(watch, free + PATIENCE_S, failures)
    thread.join()
    if done is None or failures:
        raise RuntimeError(f"{way} beside {scenario}: {failures or 'not done'}")
    return free, done


def _guarded(way: Way, url: str, course: Course, failures: list[BaseException]) -> None:
    try:
        way(url, course)
    except BaseException as error:  # noqa: BLE001  # told by the main thread
        failures.append(error)


def _until_done(
    watch: psycopg.Connection[tuple[object, ...]], until: float, failures: list[BaseException]
) -> float | None:
    """Return when the column is there, or None where it is not by then."""
    while time.time() < until and not failures:
        if watch.execute(DONE).fetchone() is not None:
            return time.time()
        time.sleep(0.002)
    return None
