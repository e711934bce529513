"""Sessions of an earlier run, and settings of the role, that must not get in the way of the next."""

import pytest
from psycopg import sql

from migrator.database.session import Connector
from migrator.plan.plan import Plan
from tests.conftest import Database
from tests.engine.plans import carry_out, ddl, plan, users
from tests.waiting import until_gone

pytestmark = [pytest.mark.server, pytest.mark.postgres(ends=True)]


def test_a_session_that_has_not_begun_to_build_is_ended(database: Database) -> None:
    connection = database.connect()
    users(connection, 10)
    carry_out(database, Plan())
    with Connector(conninfo=database.url).session("step 1.1") as frozen:
        (pid,) = frozen.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        connection.execute(
            "INSERT INTO migrator.session (pid, backend_start, run, purpose)"
            " SELECT pid, backend_start, (SELECT max(id) FROM migrator.run), 'build'"
            " FROM pg_stat_activity WHERE pid = %s",
            [pid],
        )
        given = plan(ddl(1, "ALTER TABLE users ADD COLUMN age int"), database=database)
        carry_out(database, given, all_phases=True)

        until_gone(connection, pid)


def test_a_timeout_of_the_database_does_not_keep_anybody_from_connecting(database: Database) -> None:
    administrator = database.connect()
    for name in ("statement_timeout", "lock_timeout"):
        setting = sql.SQL("ALTER DATABASE {} SET {} = '1ms'")
        administrator.execute(setting.format(sql.Identifier(database.name), sql.Identifier(name)))
    for _ in range(20):
        with Connector(conninfo=database.url).session("test") as session:
            assert session.execute("SHOW statement_timeout").fetchone() == ("1min",)
