"""Where nothing is live: steps go to the server together, and a run may still end at any point."""

from pathlib import Path

import psycopg
import pytest

from migrator import history, workflow
from migrator.database.commands import BEGIN, Command, plain
from migrator.database.message import Line, Names, exchange
from migrator.database.session import Connector
from migrator.errors import Interrupted, MigrateError, Paused, StepFailed
from migrator.execution.events import Event, Silent, StepFinished
from migrator.execution.faults import FaultPoint
from migrator.execution.options import Provenance, RunOptions, RunResult
from migrator.policy import Policy
from tests.conftest import Database

pytestmark = pytest.mark.postgres(ends=True)

FILES = {
    "1_users.sql": """
        CREATE TABLE users (id int PRIMARY KEY, name text);
        INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 50) AS n;
        ALTER TABLE users ADD COLUMN age int;
        UPDATE users SET age = coalesce(age, 0) + 1;
        CREATE INDEX CONCURRENTLY users_age ON users (age);
        INSERT INTO users VALUES (51, 'last', 1);
    """,
    "2_more.sql": """
        SET search_path TO pg_catalog;
        CREATE TABLE public.more (id int PRIMARY KEY);
        SELECT set_config('search_path', 'nowhere', false);
        CREATE INDEX CONCURRENTLY more_id ON public.more (id);
        INSERT INTO public.more VALUES (1);
        RESET search_path;
        INSERT INTO more VALUES (2);
    """,
    "3_nothing.sql": "-- nothing\n",
    "4_role.sql": "BEGIN; CREATE TABLE four (id int); INSERT INTO four VALUES (1); COMMIT;",
}


class Died(Exception):
    """The run ends here, as if the process had."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(database: Database, folder: Path, options: RunOptions, seen: list[Event] | None = None) -> RunResult:
    class Watching(Silent):
        def event(self, event: Event) -> None:
            if seen is not None:
                seen.append(event)

    policy = Policy(disposable=True)
    migrations = history.read_history(folder)
    return workflow.apply(Connector(conninfo=database.url), migrations, policy, options, Watching())


def options(die_at: int = 0) -> RunOptions:
    count = 0

    def fault(_: FaultPoint) -> None:
        nonlocal count
        count += 1
        if count == die_at:
            raise Died

    return RunOptions(provenance=Provenance(tool_version="test"), all_phases=True, faults=fault)


def state(database: Database) -> list[object]:
    connection = database.connect()
    queries = (
        "SELECT count(*), sum(age), count(DISTINCT id) FROM users",
        "SELECT array_agg(id ORDER BY id) FROM more",
        "SELECT count(*) FROM four",
        "SELECT count(*) FROM pg_index AS i WHERE NOT indisvalid",
        "SELECT array_agg(relname ORDER BY relname) FROM pg_class WHERE relname IN ('users_age', 'more_id')",
        "SELECT array_agg(DISTINCT state) FROM migrator.step",
        "SELECT array_agg(DISTINCT state) FROM migrator.migration",
        "SELECT count(*) FROM migrator.fingerprint",
    )
    return [connection.execute(query.encode()).fetchone() for query in queries]


EXPECTED: list[object] = [
    (51, 51, 51),
    ([1, 2],),
    (1,),
    (0,),
    (["more_id", "users_age"],),
    (["done"],),
    (["applied"],),
    (0,),
]


def test_all_of_it_in_one_run(database: Database, folder: Path) -> None:
    seen: list[Event] = []

    result = run(database, folder, options(), seen)

    assert [outcome.version for outcome in result.outcomes] == ["1", "2", "3", "4"]
    assert state(database) == EXPECTED
    announced = database.connect().execute("SELECT title FROM migrator.step WHERE pid IS NOT NULL").fetchall()
    assert len(announced) == 2, announced  # the two indexes: nothing took the ordinary way
    finished = [(e.step.migration, e.step.id) for e in seen if isinstance(e, StepFinished)]
    assert len(finished) == len(set(finished)) == sum(o.steps_run for o in result.outcomes)
    assert all(e.seconds >= 0 for e in seen if isinstance(e, StepFinished))


def test_ending_at_every_point_and_going_on(database: Database, folder: Path) -> None:
    """Each run dies one point later than the one before; the first that does not die finds all done once."""
    runs = 0
    for die_at in range(1, 100):
        runs += 1
        try:
            run(database, folder, options(die_at))
        except Died:
            continue
        break

    assert runs > 3
    assert state(database) == EXPECTED


@pytest.mark.postgres(newest=True)
def test_a_step_that_is_refused_leaves_those_before_it(database: Database, folder: Path) -> None:
    path = folder / "1_users.sql"
    path.write_text(FILES["1_users.sql"].replace("ADD COLUMN age int", "ADD COLUMN age nothing"))

    with pytest.raises(StepFailed) as caught:
        run(database, folder, options())
    path.write_text(FILES["1_users.sql"])
    run(database, folder, options())

    assert '"nothing" does not exist' in str(caught.value)
    assert caught.value.at is not None
    assert caught.value.at.line == 4
    assert state(database) == EXPECTED


@pytest.mark.postgres(newest=True)
def test_a_duplicate_that_an_index_meets_fails_the_step(database: Database, folder: Path) -> None:
    path = folder / "1_users.sql"
    path.write_text(FILES["1_users.sql"].replace("CREATE INDEX", "CREATE UNIQUE INDEX"))

    with pytest.raises(MigrateError) as caught:
        run(database, folder, options())
    path.write_text(FILES["1_users.sql"].replace("users_age ON users (age)", "users_age ON users (age, id)"))

    assert caught.value.exit_code == 8
    assert "could not create unique index" in str(caught.value)


@pytest.mark.postgres(newest=True)
def test_an_index_of_that_name_that_is_not_ours_is_left_alone(database: Database, folder: Path) -> None:
    first = FILES["1_users.sql"].replace(
        "UPDATE users", "CREATE INDEX users_age ON users (name); UPDATE users"
    )
    (folder / "1_users.sql").write_text(first)

    with pytest.raises(StepFailed) as caught:
        run(database, folder, options())

    assert "users_age" in str(caught.value)
    found = database.connect().execute("SELECT pg_get_indexdef('users_age'::regclass)").fetchone()
    assert found == ("CREATE INDEX users_age ON public.users USING btree (name)",)


@pytest.mark.postgres(newest=True)
def test_a_pause_stops_it_before_the_next_file(database: Database, folder: Path) -> None:
    connection = database.connect()

    class Pausing(Silent):
        def event(self, event: Event) -> None:
            if isinstance(event, StepFinished) and event.step.migration == "1":
                connection.execute("UPDATE migrator.control SET paused = true")

    migrations = history.read_history(folder)
    connector = Connector(conninfo=database.url)
    with pytest.raises(Paused):
        workflow.apply(connector, migrations, Policy(disposable=True), options(), Pausing())
    connection.execute("UPDATE migrator.control SET paused = false")
    run(database, folder, options())

    assert state(database) == EXPECTED


@pytest.mark.postgres(newest=True)
def test_a_request_to_stop_is_heard_between_files(database: Database, folder: Path) -> None:
    asked = options()

    class Asking(Silent):
        def event(self, event: Event) -> None:
            if isinstance(event, StepFinished) and event.step.migration == "1":
                asked.stop.request()

    migrations = history.read_history(folder)
    with pytest.raises(Interrupted):
        workflow.apply(Connector(conninfo=database.url), migrations, Policy(disposable=True), asked, Asking())
    run(database, folder, options())

    assert state(database) == EXPECTED


@pytest.mark.postgres(newest=True)
def test_a_lock_of_somebody_is_waited_for(database: Database, folder: Path) -> None:
    """What meets a lock takes the ordinary way, which tries again and says who holds it."""
    run(database, folder, options())
    (folder / "5_lock.sql").write_text("ALTER TABLE users ADD COLUMN five int;\n")
    holder = database.connect()
    holder.autocommit = False
    holder.execute("LOCK TABLE users IN ACCESS SHARE MODE")

    class Releasing(Silent):
        def event(self, event: Event) -> None:
            if type(event).__name__ == "LockAttemptFailed":
                holder.rollback()

    migrations = history.read_history(folder)
    policy = Policy(disposable=True, statement_timeout_ms=200)
    result = workflow.apply(Connector(conninfo=database.url), migrations, policy, options(), Releasing())

    assert [outcome.version for outcome in result.outcomes] == ["5"]


SETTINGS = """
CREATE TABLE said (n serial, name text, value text);
SET search_path TO public, "odd ""name";
SET TIME ZONE 'Europe/Berlin';
SET DateStyle TO sql, dmy;
SET shop.tenant TO 'it''s {1,"2"} \\ %(name)s';
SET statement_timeout TO DEFAULT;
"""
ASKED = """
INSERT INTO public.said (name, value) SELECT name, current_setting(name)
FROM unnest(ARRAY['search_path', 'TimeZone', 'DateStyle', 'shop.tenant']) AS s (name);
"""


def test_settings_are_the_same_whenever_they_are_set_again(database: Database, tmp_path: Path) -> None:
    """After each INSERT they are set anew: as written at first, later as the server said they came to."""
    (tmp_path / "1_file.sql").write_text(SETTINGS + ASKED * 3)
    (tmp_path / "2_file.sql").write_text(SETTINGS.partition(";")[2] + ASKED * 3)

    run(database, tmp_path, options())

    query = "SELECT name, string_agg(DISTINCT value, '; '), count(*) FROM said GROUP BY name"
    assert set(database.connect().execute(query).fetchall()) == {
        ("search_path", 'public, "odd ""name"', 6),
        ("shop.tenant", 'it\'s {1,"2"} \\ %(name)s', 6),
        ("TimeZone", "Europe/Berlin", 6),
        ("DateStyle", "SQL, DMY", 6),
    }


def test_a_session_that_forgets_its_prepared_statements(database: Database, tmp_path: Path) -> None:
    """Then the message is refused, and the step takes the ordinary way; those after it go together again."""
    for number in (1, 2):
        forgets = "DO $$BEGIN EXECUTE 'DEALLOCATE ALL'; END$$"
        text = f"CREATE TABLE t{number} (id int); {forgets}; INSERT INTO t{number} VALUES (1);"
        (tmp_path / f"{number}_file.sql").write_text(text)

    result = run(database, tmp_path, options())

    assert [outcome.steps_run for outcome in result.outcomes] == [3, 3]
    connection = database.connect()
    assert connection.execute("SELECT (SELECT count(*) FROM t1), (SELECT count(*) FROM t2)").fetchone() == (
        1,
        1,
    )
    assert connection.execute("SELECT state, count(*) FROM migrator.step GROUP BY 1").fetchall() == [
        ("done", 6)
    ]


@pytest.mark.postgres(newest=True)
def test_values_of_the_journal_arrive_as_they_are(database: Database) -> None:
    values: list[object] = [
        None,
        True,
        7,
        "it's",
        'a "b" \\ {c,d}\n',
        ["x", None, "", 'a"b\\', "NULL", "{,}"],
        [],
    ]
    query = (
        b"SELECT %(a)s::text, %(b)s::bool, %(c)s::int, %(d)s::text, %(e)s::text, %(f)s::text[], %(g)s::text[]"
    )
    command = Command(query=query, parameters=dict(zip("abcdefg", values, strict=True)))
    connection = database.connect()
    connection.autocommit = True

    names = Names()
    exchange(connection, [Line(command=command, recurs=True)], names)
    again = exchange(connection, [Line(command=command, recurs=True)], names)

    assert connection.execute("SELECT 1").fetchone() == (1,)
    assert again.refused is None
    (answer,) = again.results
    row = [answer.get_value(0, n) for n in range(7)]
    assert row[:4] == [None, b"t", b"7", b"it's"]
    assert row[4:] == [b'a "b" \\ {c,d}\n', b'{x,NULL,"","a\\"b\\\\","NULL","{,}"}', b"{}"]


@pytest.mark.postgres(newest=True)
def test_a_session_that_ends_in_the_middle_of_a_message(database: Database) -> None:
    connection = database.connect()
    connection.autocommit = True
    ends = plain("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(psycopg.OperationalError):
        exchange(connection, [Line(command=ends, recurs=False), Line(command=BEGIN, recurs=True)], Names())

    assert connection.closed
