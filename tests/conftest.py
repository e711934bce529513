"""Fixtures of all tests: a server of every chosen version, and a database for each test.

`server` and `database` run a test once for every version of MIGRATOR_POSTGRES (`13,18` or `all`; default 18).
`@pytest.mark.postgres(since=14, until=17)` narrows that, `@pytest.mark.postgres(newest=True)` takes one only,
`ends=True` the oldest and the newest, for what is the same work on every version; where that is said of a
whole module, `every=True` takes a test out of it whose subject differs from version to version.
`@pytest.mark.for_each_version("case", cases)` runs a test for each of `cases(version)`, which have names.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import psycopg
import pytest
from psycopg import sql

from tests import servers
from tests.own_server import OwnServer
from tests.own_server import own_server as start_own_server
from tests.servers import Choice, NoServerError, Server

_CHOICE = pytest.StashKey[Choice]()

_SCOPES: Mapping[str, Literal["session", "function"]] = {"server": "session", "own_server": "function"}
"""The fixtures that a test gets once for each version."""

_numbers = itertools.count(1)

_administrators: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}

STRATEGIES_SINCE = 15
"""Before, a new database was always copied file by file, which is quicker than through the log."""

PREPARED = "SELECT gid FROM pg_prepared_xacts WHERE database = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database that one test owns; roles, being of the whole server, are best named after it."""

    server: Server
    name: str
    connections: list[psycopg.Connection[tuple[Any, ...]]] = field(default_factory=list)
    readers: list[psycopg.Connection[tuple[Any, ...]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.database_url(self.name)

    @property
    def version(self) -> int:
        return self.server.version

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A new autocommit connection of a superuser, closed when the test ends."""
        connection = self.server.connect(self.name)
        self.connections.append(connection)
        return connection

    def reader(self) -> psycopg.Connection[tuple[Any, ...]]:
        """One that stays open as long as the database is there, and has its queries prepared."""
        if not self.readers:
            self.readers.append(self.server.connect(self.name))
        return self.readers[0]


class Worker(Protocol):
    """What pytest-xdist hands to its hooks, as far as it is used here."""

    config: pytest.Config
    workerinput: dict[str, Any]


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """A server that the test shares with others of the run."""
    choice = request.config.stash[_CHOICE]
    try:
        return servers.obtain(choice, request.param)
    except NoServerError as error:
        if choice.required:
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """An empty database of the test's own."""
    created = create_database(server)
    try:
        yield created
    finally:
        drop_database(created)


@pytest.fixture
def second_database(server: Server) -> Iterator[Database]:
    """Another empty database on the same server, to compare the first one with."""
    created = create_database(server)
    try:
        yield created
    finally:
        drop_database(created)


@pytest.fixture
def own_server(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    """A server that the test may restart, kill, freeze or make a standby of."""
    choice = request.config.stash[_CHOICE]
    with contextlib.ExitStack() as stack:
        try:
            own = stack.enter_context(start_own_server(choice, request.param))
        except NoServerError as error:
            pytest.skip(str(error))
        yield own


def create_database(server: Server) -> Database:
    """Create an empty database with a name that no other test of the run has."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    copied = sql.SQL(" STRATEGY file_copy" if server.version >= STRATEGIES_SINCE else "")
    administrator(server).execute(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(name), copied))
    return Database(server=server, name=name)


def drop_database(database: Database) -> None:
    """Drop it whatever the test left in it, prepared transactions included."""
    for connection in [*database.connections, *database.readers]:
        connection.close()
    left = administrator(database.server).execute(PREPARED, [database.name]).fetchall()
    if left:
        with database.server.connect(database.name) as inside:
            for (gid,) in left:
                inside.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    administrator(database.server).execute(drop.format(sql.Identifier(database.name)))


def administrator(server: Server) -> psycopg.Connection[tuple[Any, ...]]:
    """The connection that makes and drops databases of a server: one for all tests of a process."""
    found = _administrators.get(server.url)
    if found is None or found.closed:
        _administrators[server.url] = found = server.connect()
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Decide what servers to use, or take over what the controller of this worker decided."""
    config.addinivalue_line(
        "markers",
        "postgres(since=13, until=18, newest=False, ends=False, every=False): the versions of a test",
    )
    config.addinivalue_line(
        "markers", "for_each_version(argument, values): values(version) are those of the argument"
    )
    given = getattr(config, "workerinput", None)
    choice = servers.choose(os.environ) if given is None else servers.choice_from_input(given["servers"])
    config.stash[_CHOICE] = choice
    if choice.required and not choice.docker:
        message = "MIGRATOR_REQUIRE_CONTAINERS is set, and Docker does not answer"
        raise pytest.UsageError(message)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Worker) -> None:
    """Hand the choice to a worker of pytest-xdist."""
    node.workerinput["servers"] = node.config.stash[_CHOICE].as_input()


def pytest_report_header(config: pytest.Config) -> str:
    """Say what servers will be used."""
    return str(config.stash[_CHOICE])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what servers were used."""
    used = servers.used(config.stash[_CHOICE])
    if used:
        terminalreporter.write_line(f"PostgreSQL servers used: {', '.join(map(str, used))}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers; the workers, which are gone by now, leave that to their controller."""
    for connection in _administrators.values():
        connection.close()
    _administrators.clear()
    choice = config.stash.get(_CHOICE, None)
    if choice is not None and not hasattr(config, "workerinput"):
        servers.stop_all(choice)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test of a server once for each version that it is for."""
    for fixture, scope in _SCOPES.items():
        if fixture in metafunc.fixturenames:
            versions = _versions(metafunc.config.stash[_CHOICE], metafunc.definition)
            marks = list(metafunc.definition.iter_markers("for_each_version"))
            if not marks:
                ids = [f"pg{version}" for version in versions]
                metafunc.parametrize(fixture, versions, indirect=True, scope=scope, ids=ids)
            for argument, values in (mark.args for mark in marks):
                pairs = [(version, value) for version in versions for value in values(version)]
                ids = [f"pg{version}-{value.name}" for version, value in pairs]
                metafunc.parametrize((fixture, argument), pairs, indirect=[fixture], scope=scope, ids=ids)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of a server, so that `-m 'not server'` runs the pure ones."""
    if not _SCOPES.keys().isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker("server")


def _versions(choice: Choice, definition: pytest.Item) -> list[int]:
    marks = [mark.kwargs for mark in definition.iter_markers("postgres")]
    since = max((mark.get("since", 0) for mark in marks), default=0)
    until = min((mark.get("until", 99) for mark in marks), default=99)
    versions = [version for version in choice.versions if since <= version <= until]
    wanted = {word for mark in marks for word in ("newest", "ends", "every") if mark.get(word, False)}
    if "newest" in wanted:
        return versions[-1:]
    return sorted({versions[0], versions[-1]}) if wanted == {"ends"} and versions else versions
