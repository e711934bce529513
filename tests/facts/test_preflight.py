"""What is refused before the first step, and that everything missing is said at once."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from migrator.database.preflight import check
from migrator.database.requirements import Right, requirements
from migrator.errors import PreflightError
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.plan import Plan
from migrator.plan.step import BuildIndex, Phase, Recovery, SessionState, Step, Timeouts, Transaction, Work
from migrator.policy import Policy
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from tests.conftest import Database
from tests.waiting import until

ORDERS, USERS = QualifiedName("public", "orders"), QualifiedName("public", "users")

SCHEMA = "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE orders (id int PRIMARY KEY, user_id int);"

POOLED = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = extra_float_digits
"""


def step(work: Work, *locks: RelationLock, operation: str = "", role: str | None = None) -> Step:
    return Step(
        migration="1",
        id="1.1",
        phase=Phase.EXPAND,
        title="",
        work=work,
        recovery=Recovery.TRANSACTIONAL,
        effect=Effect(locks=locks),
        session=SessionState(role=role),
        timeouts=Timeouts(lock_ms=100, statement_ms=100, deadline_s=1),
        statement=1,
        operation=operation,
    )


def index_plan() -> Plan:
    index = QualifiedName("public", "i")
    return Plan(
        steps=(step(BuildIndex(sql="", table=ORDERS, index=index, unique=False, definition="", drop_sql="")),)
    )


def foreign_key_plan(role: str | None = None) -> Plan:
    locks = [RelationLock(name, LockMode.SHARE_ROW_EXCLUSIVE) for name in (USERS, ORDERS)]
    work = Transaction(statements=(f"ALTER TABLE {ORDERS.quoted} ADD CONSTRAINT …",))
    return Plan(steps=(step(work, *locks, operation="add-foreign-key", role=role),))


def test_table_with_a_foreign_key_to_others_needs_references_alone() -> None:
    (needed,) = requirements(
        Plan(
            steps=(
                step(
                    Transaction(statements=("CREATE TABLE t (…)",)),
                    *(RelationLock(name, LockMode.SHARE_ROW_EXCLUSIVE) for name in (USERS, ORDERS)),
                    operation="create-table",
                ),
            )
        )
    )

    assert (needed.relation, needed.right) == (USERS, Right.REFERENCE)


def test_trigger_asks_for_nothing_on_its_table() -> None:
    lock = RelationLock(USERS, LockMode.SHARE_ROW_EXCLUSIVE)
    trigger = step(Transaction(statements=("CREATE TRIGGER …",)), lock, operation="create-trigger")

    assert requirements(Plan(steps=(trigger,))) == ()


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    name = f"{database.name}_limited"
    with database.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(sql.Identifier(name)))
        connection.execute(SCHEMA)
        connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
    yield name
    with database.connect() as connection:
        connection.execute(sql.SQL("DROP OWNED BY {0}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(name)))


def as_role(database: Database, role: str) -> psycopg.Connection[tuple[Any, ...]]:
    connection = database.connect()
    connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
    return connection


def test_an_owner_of_everything_may_begin(database: Database) -> None:
    connection = database.connect()
    connection.execute(SCHEMA)

    assert check(connection, foreign_key_plan(), Policy(), connect=database.connect) == ()


def test_all_that_is_missing_is_said_at_once_with_what_mends_it(database: Database, role: str) -> None:
    plan = Plan(steps=(*foreign_key_plan().steps, *index_plan().steps))

    with pytest.raises(PreflightError) as raised:
        check(as_role(database, role), plan, Policy(), connect=database.connect)

    assert f'GRANT CREATE ON DATABASE "{database.name}" TO "{role}"' in raised.value.message
    assert f'GRANT "postgres" TO "{role}", or ALTER TABLE "public"."orders" OWNER TO' in raised.value.message
    assert f'GRANT REFERENCES ON "public"."users" TO "{role}"' in raised.value.message
    assert f'GRANT CREATE ON SCHEMA "public" TO "{role}"' in raised.value.message
    assert raised.value.message.count("\n- ") == 4


def test_what_the_message_says_mends_it(database: Database, role: str) -> None:
    plan = Plan(steps=(*foreign_key_plan().steps, *index_plan().steps))
    with database.connect() as connection:
        for statement in (
            f'GRANT CREATE ON DATABASE "{database.name}" TO "{role}"',
            f'ALTER TABLE public.orders OWNER TO "{role}"',
            f'GRANT REFERENCES ON public.users TO "{role}"',
            f'GRANT CREATE ON SCHEMA public TO "{role}"',
        ):
            connection.execute(statement.encode())

    assert check(as_role(database, role), plan, Policy(), connect=database.connect) == ()


def test_a_role_that_cannot_be_set_or_is_not_there_is_named(database: Database, role: str) -> None:
    steps = (*foreign_key_plan("nobody_there").steps, *foreign_key_plan("postgres").steps)

    with pytest.raises(PreflightError, match='"nobody_there" does not exist') as raised:
        check(as_role(database, role), Plan(steps=steps), Policy(), connect=database.connect)

    assert f'GRANT "postgres" TO "{role}"' in raised.value.message


def test_a_database_that_is_read_only_by_default_is_refused(database: Database) -> None:
    with database.connect() as connection:
        name = sql.Identifier(database.name)
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    connection = database.connect()
    connection.execute("SET default_transaction_read_only = off")

    with pytest.raises(PreflightError, match="read-only"):
        check(connection, Plan(), Policy(), connect=database.connect)

    connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))


def pooler(folder: Path, database: Database, mode: str) -> Iterator[str]:
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    url = urlsplit(database.url)
    if not url.hostname:
        pytest.skip("the embedded server listens on no port that pgbouncer could use")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.chmod(0o755)
    file = folder / "pgbouncer.ini"
    file.write_text(
        POOLED.format(
            host=url.hostname, port=url.port, user=url.username, password=url.password, listen=port, mode=mode
        )
    )
    process = subprocess.Popen([program, "-u", "nobody", str(file)], stderr=subprocess.PIPE)
    address = f"postgresql://{url.username}@127.0.0.1:{port}/{database.name}"
    try:
        until(lambda: answers(address), what="pgbouncer")
        yield address
    finally:
        process.kill()
        process.communicate()


def answers(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(params=["transaction", "session"])
def pooled(request: pytest.FixtureRequest, database: Database) -> Iterator[tuple[str, str]]:
    folder = Path("/tmp") / f"pgbouncer-{database.name}"  # noqa: S108  # its user must be able to read it
    folder.mkdir()
    try:
        for address in pooler(folder, database, request.param):
            yield request.param, address
    finally:
        shutil.rmtree(folder)


@pytest.mark.postgres(newest=True)
def test_a_pooler_is_refused_in_transaction_mode_only(pooled: tuple[str, str]) -> None:
    mode, address = pooled

    def connect() -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(address, autocommit=True)

    with connect() as connection:
        if mode == "session":
            assert check(connection, Plan(), Policy(), connect=connect) == ()
        else:
            with pytest.raises(PreflightError, match="transaction pooler"):
                check(connection, Plan(), Policy(), connect=connect)
        with pytest.raises(PreflightError, match="pooler"):
            check(connection, Plan(), Policy())
