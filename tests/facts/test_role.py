"""A role taken by SET ROLE (`role` in migrate.toml): what it must be able to see."""

from collections.abc import Iterator

import pytest

from migrator.database.preflight import check
from migrator.database.session import Connector
from migrator.errors import PreflightError
from migrator.execution.journal import MigrationState
from migrator.execution.options import RunOptions
from migrator.plan.plan import Plan
from migrator.runner import run
from tests.conftest import Database
from tests.engine.plans import POLICY, PROVENANCE, Recorder, build, plan, users

pytestmark = [pytest.mark.server, pytest.mark.postgres(newest=True)]


@pytest.fixture
def connector(database: Database) -> Iterator[Connector]:
    """Logs in as one role, works as another which owns the table."""
    connection = database.connect()
    owner, login = f"owner_{database.name}", f"login_{database.name}"
    users(connection, 10)
    for statement in (
        f"CREATE ROLE {owner}",
        f"CREATE ROLE {login} LOGIN PASSWORD 'x' IN ROLE {owner}",
        f"GRANT CREATE ON DATABASE {database.name} TO {owner}",
        f"GRANT CREATE, USAGE ON SCHEMA public TO {owner}",
        f"ALTER TABLE users OWNER TO {owner}",
    ):
        connection.execute(statement.encode())
    head, _, tail = database.url.partition("@")
    try:
        yield Connector(conninfo=f"{head.partition('//')[0]}//{login}:x@{tail}", role=owner)
    finally:
        connection.execute(f"DROP OWNED BY {owner}".encode())
        connection.execute(f"DROP ROLE {login}, {owner}".encode())


def test_a_role_that_cannot_see_its_sessions_is_refused(connector: Connector) -> None:
    with (
        connector.session("test") as connection,
        pytest.raises(PreflightError, match=r"GRANT pg_read_all_stats, pg_signal_backend TO .owner_"),
    ):
        check(connection, Plan(), POLICY)


def test_with_the_grant_it_is_carried_out(database: Database, connector: Connector) -> None:
    grant = f"GRANT pg_read_all_stats, pg_signal_backend TO {connector.role}"
    database.connect().execute(grant.encode())
    with connector.session("test") as connection:
        check(connection, Plan(), POLICY, connect=lambda: connector.connect("another"))
    given = plan(build(1), database=database)
    result = run(connector, given, POLICY, RunOptions(provenance=PROVENANCE), Recorder())

    assert [outcome.state for outcome in result.outcomes] == [MigrationState.APPLIED]
