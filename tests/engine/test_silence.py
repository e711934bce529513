"""A connection that stays open with nobody behind it, and one that is only slow."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from migrator.database.session import Connection, Connector
from tests.conftest import Database
from tests.faults.proxy import Boundary, Gate, Link, Position, Proxy
from tests.faults.server import shared_server
from tests.waiting import until_blocked

pytestmark = [pytest.mark.server, pytest.mark.chaos, pytest.mark.postgres(ends=True)]

SILENCE_S = 0.2


@contextmanager
def through(database: Database, gate: Gate) -> Iterator[tuple[Proxy, Connection]]:
    """A session of ours behind a proxy."""
    server = shared_server(database.server)
    proxy = Proxy(server.upstream, gate)
    url = server.database_url(database.name, port=proxy.port)
    if not database.server.container:
        url = url.replace("postgres:@", "postgres@")
    try:
        connection = Connector(conninfo=url, silence_s=SILENCE_S).connect("test")
        try:
            yield proxy, connection
        finally:
            connection.close()
    finally:
        proxy.close()


def silent_at(text: str, when: Position) -> Gate:
    def gate(link: Link, boundary: Boundary, position: Position) -> None:
        if text in boundary.text and position is when:
            link.proxy.fall_silent()

    return gate


def passing(link: Link, boundary: Boundary, position: Position) -> None:
    """Do nothing."""


@pytest.mark.parametrize("when", [Position.BEFORE, Position.AFTER])
def test_a_lost_answer_ends_the_wait(database: Database, when: Position) -> None:
    with through(database, silent_at("lost answer", when)) as (_, connection):
        with pytest.raises(psycopg.OperationalError, match="no answer has come"):
            connection.execute("SELECT 'lost answer'")

        assert connection.broken


def test_nobody_to_be_asked_ends_the_wait(database: Database) -> None:
    def gate(link: Link, boundary: Boundary, position: Position) -> None:
        if "nobody" in boundary.text and position is Position.BEFORE:
            link.proxy.refuse()
            link.proxy.fall_silent()

    with (
        through(database, gate) as (_, connection),
        pytest.raises(psycopg.OperationalError, match="nobody answers there any more"),
    ):
        connection.execute("SELECT 'nobody'")


def test_a_slow_statement_is_waited_for(database: Database) -> None:
    with through(database, passing) as (_, connection):
        connection.execute("SELECT pg_sleep(%s)", [6 * SILENCE_S])

        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_behind_a_lock_is_waited_for(database: Database) -> None:
    holder, observer = database.connect(), database.connect()
    holder.execute("CREATE TABLE users (id int)")
    holder.execute("BEGIN; LOCK TABLE users")
    with through(database, passing) as (proxy, connection):
        connection.execute("SET lock_timeout TO 0")
        looks = len(proxy.links) + 3
        pid = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert pid is not None

        def let_go() -> None:
            until_blocked(observer, pid[0])
            proxy.until(looks)
            holder.execute("COMMIT")

        thread = threading.Thread(target=let_go)
        thread.start()
        connection.execute("SELECT FROM users")
        thread.join()

        assert len(proxy.links) >= looks
