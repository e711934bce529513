"""What is done partition by partition: killed anywhere, partitions that come and go, what is not ours."""

# ruff: noqa: ANN401 - rows of tests are of any type

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from migrator.database.introspect import read_facts
from migrator.errors import StalePlanError, StepFailed
from migrator.execution.events import BuildProgress, LeftAlone, LockAttemptFailed, PartitionDone, StepStarted
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import Journal, MigrationState
from migrator.plan.plan import Plan
from migrator.plan.step import PartitionIndexes
from migrator.planner import plan as make_plan
from migrator.policy import Policy
from migrator.sql.migration import read_migration
from migrator.workflow.observation import Observation
from migrator.workflow.saved import check_fresh
from tests import schema_dump
from tests.conftest import Database
from tests.engine.conftest import Victims
from tests.engine.plans import Boom, Recorder, carry_out
from tests.waiting import BUILD_WAITS_FOR_LOCKERS, until_row

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]

NOTHING_IS_SMALL = Policy(small_table_rows=-1)

TABLES = (
    "CREATE TABLE kinds AS SELECT n AS kind FROM generate_series(0, 9) AS n",
    "ALTER TABLE kinds ADD PRIMARY KEY (kind)",
    "CREATE TABLE events (id bigint, kind int, at date) PARTITION BY RANGE (at)",
    "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
    (
        "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') "
        "PARTITION BY LIST (kind)"
    ),
    "CREATE TABLE events_2a PARTITION OF events_2 FOR VALUES IN (0)",
    "CREATE TABLE events_2b PARTITION OF events_2 DEFAULT",
    "INSERT INTO events SELECT n, n % 3, date '2020-01-01' + n % 700 FROM generate_series(1, 2000) AS n",
)

INDEX = "CREATE INDEX by_id ON events (id)"
UNIQUE = "ALTER TABLE events ADD CONSTRAINT one UNIQUE (id, kind, at)"
PRIMARY = "ALTER TABLE events ADD PRIMARY KEY (id, kind, at)"
FOREIGN = "ALTER TABLE events ADD CONSTRAINT kinds FOREIGN KEY (kind) REFERENCES kinds"
NOT_NULL = "ALTER TABLE events ALTER COLUMN kind SET NOT NULL"
CHECK = "ALTER TABLE events ADD CHECK (id > 0)"

ATTACHED = (
    "CREATE TABLE events_9 (more text, kind int NOT NULL, at date, id bigint)",
    "ALTER TABLE events_9 DROP COLUMN more",
    "ALTER TABLE events ATTACH PARTITION events_9 FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')",
    "INSERT INTO events VALUES (9, 9, '2030-05-05')",
)
"""A partition whose columns stand elsewhere than those of its table."""


def make(connection: psycopg.Connection[Any], *more: str) -> None:
    for statement in (*TABLES, *more):
        connection.execute(statement.encode())


def planned(database: Database, *statements: str) -> Plan:
    facts = read_facts(database.connect(), journal_schema="migrator")
    text = ";\n".join(statements) + ";\n"
    migration = read_migration(text, file="1_test.sql", version="1", name="test")
    made = make_plan([migration], facts, NOTHING_IS_SMALL, tool_version="test")

    assert not [h for h in made.hazards if h.blocks], made.hazards

    return made


def naive(second_database: Database, *statements: str) -> str:
    make(second_database.connect(), *statements)
    return schema_dump.schema(second_database.url)


def at(wanted: FaultPoint, number: int, action: Callable[[], None]) -> Callable[[FaultPoint], None]:
    """Do something when a fault point is passed for the n-th time."""
    passed = 0

    def fault(point: FaultPoint) -> None:
        nonlocal passed
        passed += point is wanted
        if point is wanted and passed == number:
            action()

    return fault


def boom() -> None:
    raise Boom


def applied(database: Database, given: Plan, **more: Any) -> None:
    outcomes = carry_out(database, given, wait_s=30.0, **more).outcomes

    assert [outcome.state for outcome in outcomes] == [MigrationState.APPLIED]


def invalid(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid").fetchall()


@pytest.mark.postgres(every=True)
@pytest.mark.parametrize("statement", [INDEX, UNIQUE, PRIMARY, FOREIGN, NOT_NULL, CHECK])
def test_same_schema_as_the_naive_statement(
    database: Database, second_database: Database, statement: str
) -> None:
    make(database.connect(), *ATTACHED)
    recorder = Recorder()
    applied(database, planned(database, statement), recorder=recorder)

    assert len(recorder.of(PartitionDone)) >= 3
    assert naive(second_database, *ATTACHED, statement) == schema_dump.schema(database.url)


@pytest.mark.chaos
@pytest.mark.postgres(newest=True)
@pytest.mark.parametrize("statement", [INDEX, UNIQUE])
def test_killed_at_every_point(
    database: Database, second_database: Database, victims: Victims, tmp_path: Path, statement: str
) -> None:
    points = killed_everywhere(database, second_database, victims, tmp_path, statement)

    assert {"BUILD_SENT", "BUILD_ENDED", "PARTITION_DONE"} <= points


@pytest.mark.chaos
@pytest.mark.postgres(until=17, newest=True)
def test_killed_at_every_point_of_a_foreign_key(
    database: Database, second_database: Database, victims: Victims, tmp_path: Path
) -> None:
    points = killed_everywhere(database, second_database, victims, tmp_path, FOREIGN)

    assert "PARTITION_DONE" in points


def killed_everywhere(
    database: Database, second_database: Database, victims: Victims, tmp_path: Path, statement: str
) -> set[str]:
    """Kill a run at point 1, 2, 3 … and let the next one finish; return the points."""
    connection = database.connect()
    expected = naive(second_database, statement)
    path = tmp_path / "plan.json"
    points: list[str] = []
    for number in range(1, 200):
        connection.execute("DROP TABLE IF EXISTS events, kinds")
        connection.execute("DROP SCHEMA IF EXISTS migrator CASCADE")
        make(connection)
        given = planned(database, statement)
        path.write_bytes(msgspec.json.encode(given))
        ended = victims.kill(database, path, number)
        if ended.returncode == 0:
            break
        points.append(ended.point)

        assert ended.returncode == -9, ended.stderr

        carry_out(database, given, wait_s=30.0)

        assert expected == schema_dump.schema(database.url), points
        assert connection.execute("SELECT state FROM migrator.migration").fetchone() == ("applied",)
        assert connection.execute("SELECT count(*) FROM migrator.session").fetchone() == (0,)
    else:
        pytest.fail("the run never completes")
    return set(points)


def test_a_build_that_its_runner_left_behind_is_waited_for(database: Database) -> None:
    connection, old = database.connect(), database.connect()
    make(connection)
    given = planned(database, INDEX)

    def hold(event: object) -> None:
        if isinstance(event, StepStarted) and event.step.id == "1.2":
            old.execute("BEGIN")
            old.execute("UPDATE events SET kind = kind WHERE id = 5")

    with pytest.raises(Boom):
        carry_out(
            database,
            given,
            faults=at(FaultPoint.BUILD_SENT, 1, boom),
            recorder=Recorder(actions=[hold]),
        )
    (orphan,) = until_row(connection, BUILD_WAITS_FOR_LOCKERS)

    def let_go(event: object) -> None:
        if isinstance(event, BuildProgress):
            old.execute("COMMIT")

    recorder = Recorder(actions=[let_go])
    applied(database, given, recorder=recorder)

    assert [(e.pid, e.adopted) for e in recorder.of(BuildProgress)][:1] == [(orphan, True)]
    assert connection.execute(
        "SELECT attempts FROM migrator.step WHERE id LIKE '1.2/%events_1%idx%'"
    ).fetchall() == [(0,)]
    assert invalid(connection) == []


@pytest.mark.parametrize("statement", [INDEX, UNIQUE])
def test_partitions_come_and_go_while_it_runs(
    database: Database, second_database: Database, statement: str
) -> None:
    changes = (
        "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')",
        "CREATE TABLE events_2c PARTITION OF events_2 FOR VALUES IN (7)",
        "DROP TABLE events_2a",
    )
    connection = database.connect()
    make(connection)

    def change() -> None:
        for text in changes:
            connection.execute(text.encode())

    applied(database, planned(database, statement), faults=at(FaultPoint.BUILD_ENDED, 1, change))

    assert naive(second_database, *changes, statement) == schema_dump.schema(database.url)


def test_partitions_come_and_go_between_plan_and_run(database: Database, second_database: Database) -> None:
    changes = (
        "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')",
        "DROP TABLE events_2a",
        "ALTER TABLE events DETACH PARTITION events_1",
    )
    connection = database.connect()
    make(connection)
    given = planned(database, INDEX)
    for text in changes:
        connection.execute(text.encode())
    applied(database, given)

    assert naive(second_database, *changes, INDEX) == schema_dump.schema(database.url)


def test_saved_plan_is_fresh_though_partitions_come_and_go(database: Database) -> None:
    connection = database.connect()
    make(connection)
    given = planned(database, INDEX)
    migration = read_migration(f"{INDEX};\n", file="1_test.sql", version="1", name="test")

    def check() -> None:
        facts = read_facts(connection, journal_schema="migrator")
        check_fresh(given, [migration], Observation(journal=Journal(), facts=facts), NOTHING_IS_SMALL)

    connection.execute("ALTER TABLE events DETACH PARTITION events_1")
    connection.execute("DROP TABLE events_2a")
    check()
    connection.execute("ALTER TABLE events ADD COLUMN more text")
    with pytest.raises(StalePlanError, match=r"public\.events was changed"):
        check()


def test_what_it_waits_for_is_seen(database: Database) -> None:
    connection, reader = database.connect(), database.connect()
    make(connection)
    seen: list[Any] = []

    def hold() -> None:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM events_1 WHERE id = 5")

    def look(event: Any) -> None:
        if isinstance(event, LockAttemptFailed):
            seen.extend(connection.execute("SELECT waits_for FROM migrator.progress WHERE step = '1.2'"))
            reader.execute("COMMIT")

    faults = at(FaultPoint.BUILD_ENDED, 3, hold)
    applied(database, planned(database, INDEX), faults=faults, recorder=Recorder(actions=[look]))

    assert len(seen) == 1
    assert "idle in transaction" in seen[0][0]
    assert connection.execute("SELECT DISTINCT waits_for FROM migrator.step").fetchall() == [(None,)]


def test_partition_dropped_after_a_crash(database: Database, second_database: Database) -> None:
    connection = database.connect()
    make(connection)
    given = planned(database, INDEX)
    with pytest.raises(Boom):
        carry_out(database, given, faults=at(FaultPoint.BUILD_ENDED, 1, boom))
    connection.execute("DROP TABLE events_1")
    applied(database, given)

    assert naive(second_database, "DROP TABLE events_1", INDEX) == schema_dump.schema(database.url)


def test_partition_dropped_while_its_index_waits(database: Database, second_database: Database) -> None:
    """The build fails because its table is gone: it is left out, and that is no failure."""
    connection = database.connect()
    make(connection)

    def gone() -> None:
        connection.execute("DROP TABLE events_1")

    # The first intent of a build is the second of the step's.
    applied(database, planned(database, INDEX), faults=at(FaultPoint.STEP_BEGUN, 3, gone))

    assert naive(second_database, "DROP TABLE events_1", INDEX) == schema_dump.schema(database.url)
    assert invalid(connection) == []


@pytest.mark.postgres(since=14)
def test_last_partition_without_an_index_is_dropped(database: Database, second_database: Database) -> None:
    """Nothing is left to attach: the server has to look again whether the index is complete."""
    connection = database.connect()
    make(connection)
    steps = 0

    def drop(event: Any) -> None:
        nonlocal steps
        if isinstance(event, PartitionDone) and event.partition.name == "events_2a":
            steps += 1
            connection.execute("DROP TABLE events_2b")

    applied(database, planned(database, INDEX), recorder=Recorder(actions=[drop]))

    assert steps == 1
    assert naive(second_database, "DROP TABLE events_2b", INDEX) == schema_dump.schema(database.url)


def test_invalid_index_of_others_is_left_alone(database: Database) -> None:
    connection = database.connect()
    make(connection, "INSERT INTO events_1 SELECT * FROM events_1 LIMIT 1")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY events_1_id_idx ON events_1 (id)")
    with database.server.connect(database.name) as holder:
        holder.execute("BEGIN")
        holder.execute("UPDATE events SET kind = kind WHERE id = 5")
        connection.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute("CREATE INDEX CONCURRENTLY mine ON events_1 (id)")
    recorder = Recorder()
    applied(database, planned(database, INDEX), recorder=recorder)

    assert [e.indexes for e in recorder.of(LeftAlone)] == [('"public"."mine"',)]
    assert [(str(name),) for (name,) in invalid(connection)] == [("events_1_id_idx",), ("mine",)]
    assert connection.execute("SELECT to_regclass('events_1_id_idx1')::text").fetchone() == (
        "events_1_id_idx1",
    )


def test_duplicates_in_a_partition_are_named(database: Database) -> None:
    connection = database.connect()
    make(connection, "INSERT INTO events SELECT * FROM events_1 WHERE id = 5")
    given = planned(database, "CREATE UNIQUE INDEX one ON events (id, kind, at)")
    with pytest.raises(StepFailed, match=r"id.*5.*2 rows"):
        carry_out(database, given)

    assert connection.execute("SELECT state FROM migrator.step WHERE id = '1.2'").fetchone() == ("failed",)
    assert [(str(name),) for (name,) in invalid(connection) if name != "events_2_id_kind_at_idx"] == [
        ("one",)
    ]

    connection.execute("DELETE FROM events_1 WHERE id = 5")
    applied(database, given)

    assert invalid(connection) == []


def test_attached_invalid_index_is_refused(database: Database) -> None:
    connection = database.connect()
    make(connection, "INSERT INTO events_1 SELECT * FROM events_1 LIMIT 1")
    given = planned(database, "CREATE UNIQUE INDEX one ON events (id, kind, at)")
    with pytest.raises(Boom):
        carry_out(database, given, faults=at(FaultPoint.STEP_DONE, 1, boom))
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON events_1 (id, kind, at)")
    connection.execute("ALTER INDEX one ATTACH PARTITION broken")
    with pytest.raises(StepFailed, match=r"broken is attached and invalid: REINDEX"):
        carry_out(database, given)


def test_plan_knows_its_partitions(database: Database) -> None:
    make(database.connect())
    given = planned(database, INDEX)
    works = [step.work for step in given.steps if isinstance(step.work, PartitionIndexes)]

    assert [n.name for n in works[0].known] == ["events_1", "events_2", "events_2a", "events_2b"]
    assert [f.relation.name for f in given.fingerprints] == ["events"]


@pytest.mark.parametrize("name", ["add", "validate"])
def test_partition_created_while_foreign_keys_are_added(
    database: Database, second_database: Database, name: str
) -> None:
    """It has none before 18; the table's own is refused until it has."""
    changes = (
        "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')",
        "INSERT INTO events VALUES (7, 1, '2022-02-02')",
        "DROP TABLE events_2a",
    )
    connection = database.connect()
    make(connection)

    def change() -> None:
        for text in changes:
            connection.execute(text.encode())

    number = {"add": 1, "validate": 3}[name]
    applied(database, planned(database, FOREIGN), faults=at(FaultPoint.PARTITION_DONE, number, change))

    assert naive(second_database, *changes, FOREIGN) == schema_dump.schema(database.url)
    assert connection.execute("SELECT count(*) FROM pg_constraint WHERE NOT convalidated").fetchone() == (0,)


def test_orphans_in_a_partition_are_named(database: Database) -> None:
    connection = database.connect()
    make(connection, "UPDATE events SET kind = 77 WHERE id = 5")
    given = planned(database, FOREIGN)
    with pytest.raises(StepFailed, match=r"kind = 77"):
        carry_out(database, given)
    connection.execute("UPDATE events SET kind = 7 WHERE id = 5")
    applied(database, given)


def test_drop_index_gives_way_to_readers(database: Database) -> None:
    """All locks or none: while somebody reads a partition nothing is held on the others."""
    connection = database.connect()
    make(connection, INDEX)
    reader, other = database.connect(), database.connect()
    reader.execute("BEGIN")
    reader.execute("SELECT FROM events_2b")
    waits: list[Any] = []

    def look(event: Any) -> None:
        if isinstance(event, LockAttemptFailed):
            other.execute("SET statement_timeout = 5000")
            waits.append(other.execute("SELECT count(*) FROM events").fetchone())
            reader.execute("COMMIT")

    applied(database, planned(database, "DROP INDEX by_id"), recorder=Recorder(actions=[look]))

    assert set(waits) == {(2000,)}  # on a busy machine more than one attempt may fail
    assert connection.execute("SELECT to_regclass('events_1_id_idx')").fetchone() == (None,)


@pytest.mark.postgres(until=17)
def test_partition_created_just_before_the_foreign_key_of_the_table(
    database: Database, second_database: Database
) -> None:
    """That one would read it under its lock, so it is refused until the partition has its own."""
    change = "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')"
    connection = database.connect()
    make(connection)

    def create() -> None:
        connection.execute(change.encode())

    applied(database, planned(database, FOREIGN), faults=at(FaultPoint.BEFORE_COMMIT, 7, create))

    assert naive(second_database, change, FOREIGN) == schema_dump.schema(database.url)
    assert connection.execute("SELECT state FROM migrator.step WHERE id = '1.1/close'").fetchone() == (
        "done",
    )
    kinds = connection.execute("SELECT kind FROM migrator.event WHERE kind = 'step.failed'").fetchall()

    assert len(kinds) == 1
