"""The safe sequences of a type change, carried out.

The result is that of the naive statement, and nothing is read, built or written anew under the lock.
"""

from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from migrator.database.introspect import read_facts
from migrator.plan.plan import Plan
from migrator.plan.step import DropIndex, Transaction, Work
from migrator.sql.migration import read_migration
from tests.conftest import Database
from tests.golden.case_file import Case
from tests.golden.execution import carry_out, carry_out_naively
from tests.golden.planning import adjusted, planned
from tests.schema_dump import schema

pytestmark = pytest.mark.postgres(ends=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    name: str
    schema: str
    migration: str
    sizes: str = ""
    done: tuple[str, ...]
    """How the titles of the steps begin."""


SEQUENCES = (
    Sequence(
        name="indexes that mention the column",
        schema="""
            CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50) NOT NULL, gone bool);
            INSERT INTO users SELECT g, 'u' || g, false FROM generate_series(1, 100) AS g;
            CREATE INDEX users_lower ON users (lower(email) text_pattern_ops) WITH (fillfactor = 70);
            CREATE INDEX users_here ON users USING hash (email) WHERE NOT gone;
            CREATE INDEX users_email ON users (email) INCLUDE (gone);
            COMMENT ON INDEX users_lower IS 'for the ''search''';
        """,
        migration="ALTER TABLE users ALTER COLUMN email TYPE text",
        done=(
            "DROP INDEX CONCURRENTLY public.users_here",
            "DROP INDEX CONCURRENTLY public.users_lower",
            "ALTER COLUMN TYPE of email",
            "CREATE INDEX CONCURRENTLY users_here",
            "CREATE INDEX CONCURRENTLY users_lower",
            "COMMENT ON INDEX public.users_lower",
            "ANALYZE public.users",
        ),
    ),
    Sequence(
        name="names in quotes",
        schema="""
            CREATE SCHEMA "My shop";
            CREATE TABLE "My shop"."Users" (id int PRIMARY KEY, "E Mail" varchar(50) CHECK ("E Mail" <> ''));
            INSERT INTO "My shop"."Users" VALUES (1, 'a');
            CREATE INDEX "Lower mail" ON "My shop"."Users" (lower("E Mail"));
        """,
        migration='ALTER TABLE "My shop"."Users" ALTER COLUMN "E Mail" TYPE varchar(60)',
        done=(
            "DROP INDEX CONCURRENTLY My shop.Lower mail",
            "ALTER COLUMN TYPE of E Mail",
            "CREATE INDEX CONCURRENTLY Lower mail",
            "VALIDATE CONSTRAINT Users_E Mail_check",
            "ANALYZE",
        ),
    ),
    Sequence(
        name="checks, their comments, and one that is not valid",
        schema="""
            CREATE FUNCTION fine(text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 <> ''''';
            CREATE TABLE users (
                id bigint PRIMARY KEY, email varchar(50) CONSTRAINT ok CHECK (public.fine(email)) NO INHERIT,
                name varchar(20), CONSTRAINT differ CHECK (name <> email));
            INSERT INTO users VALUES (1, 'a', 'b');
            ALTER TABLE users ADD CONSTRAINT later CHECK (email <> 'x') NOT VALID;
            COMMENT ON CONSTRAINT differ ON users IS 'on purpose';
        """,
        migration="ALTER TABLE users ALTER COLUMN email TYPE text, ALTER name TYPE varchar(30), ADD note int",
        done=(
            "ALTER COLUMN TYPE of email to text, name to character varying(30)",
            "ADD COLUMN note",
            "VALIDATE CONSTRAINT differ",
            "VALIDATE CONSTRAINT ok",
            "ANALYZE public.users (email, name)",
        ),
    ),
    Sequence(
        name="a small table that a large one refers to",
        schema="""
            CREATE TABLE kinds (id int PRIMARY KEY);
            CREATE TABLE orders (
                id bigint PRIMARY KEY, kind int REFERENCES kinds ON DELETE CASCADE DEFERRABLE);
            INSERT INTO kinds VALUES (1);
            INSERT INTO orders VALUES (1, 1);
        """,
        migration="ALTER TABLE kinds ALTER COLUMN id TYPE bigint",
        sizes="kinds=1",
        done=("ALTER COLUMN TYPE of id", "VALIDATE CONSTRAINT orders_kind_fkey"),
    ),
    Sequence(
        name="timestamps that refer to each other",
        schema="""
            CREATE TABLE days (at timestamp PRIMARY KEY);
            CREATE TABLE sales (id bigint PRIMARY KEY, at timestamp REFERENCES days);
            CREATE INDEX sales_at ON sales USING brin (at);
            INSERT INTO days VALUES ('2026-01-01');
            INSERT INTO sales VALUES (1, '2026-01-01');
        """,
        migration="SET TimeZone TO 'UTC'; ALTER TABLE sales ALTER COLUMN at TYPE timestamptz",
        done=(
            "DROP INDEX CONCURRENTLY public.sales_at",
            "ALTER COLUMN TYPE of at",
            "CREATE INDEX CONCURRENTLY sales_at",
            "VALIDATE CONSTRAINT sales_at_fkey",
            "ANALYZE public.sales",
        ),
    ),
    Sequence(
        name="a small table whose key compares anew",
        schema="""
            CREATE TABLE days (at timestamp PRIMARY KEY CHECK (at > '2000-01-01'));
            CREATE INDEX days_month ON days (date_trunc('month', at));
            CREATE TABLE sales (id bigint PRIMARY KEY, at timestamp REFERENCES days);
            CREATE INDEX sales_at ON sales (at);
            INSERT INTO days VALUES ('2026-01-01');
            INSERT INTO sales VALUES (1, '2026-01-01');
        """,
        migration="""
            SET TimeZone TO 'UTC'; DROP INDEX days_month; ALTER TABLE days ALTER COLUMN at TYPE timestamptz
        """,
        sizes="days=1",
        done=("DROP INDEX", "ALTER COLUMN TYPE of at", "VALIDATE CONSTRAINT sales_at_fkey"),
    ),
    Sequence(
        name="checks of a partitioned table and of a partition",
        schema="""
            CREATE TABLE events (id bigint, kind varchar(10) CHECK (kind <> '')) PARTITION BY RANGE (id);
            CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
            CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);
            ALTER TABLE events_2 ADD CONSTRAINT two CHECK (kind <> 'two');
            INSERT INTO events VALUES (1, 'a'), (11, 'b');
        """,
        migration="ALTER TABLE events ALTER COLUMN kind TYPE text",
        done=(
            "ALTER COLUMN TYPE of kind",
            "VALIDATE CONSTRAINT events_kind_check of public.events",
            "VALIDATE CONSTRAINT two of public.events_2",
            "ANALYZE public.events",
        ),
    ),
)

FILES = """
    SELECT c.relname::text, pg_relation_filenode(c.oid) FROM pg_class AS c
    WHERE c.relnamespace = ANY (ARRAY(SELECT oid FROM pg_namespace WHERE oid >= 16384 OR nspname = 'public'))
        AND c.relkind IN ('r', 'i')
"""


def plan_of(sequence: Sequence, database: Database) -> Plan:
    settings = {"rows": sequence.sizes} if sequence.sizes else {}
    case = Case(
        path=Path(__file__),
        title="",
        settings=settings,
        schema=sequence.schema,
        migration=sequence.migration,
        plan="",
    )
    facts = adjusted(read_facts(database.connect(), journal_schema="migrator"), case)
    return planned(case, facts)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence.name)
def test_the_result_is_that_of_the_naive_statement(
    sequence: Sequence, database: Database, second_database: Database
) -> None:
    for each in (database, second_database):
        carry_out_naively([sequence.schema], each)
    plan = plan_of(sequence, database)
    migration = read_migration(sequence.migration, file="0001_a.sql", version="0001", name="a")
    carry_out_naively([statement.text for statement in migration.statements], second_database)
    titles = [step.title for step in plan.steps]

    assert [title[: len(done)] for title, done in zip(titles, sequence.done, strict=True)] == [*sequence.done]

    carry_out(plan, database)

    assert schema(second_database.url) == schema(database.url)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence.name)
def test_nothing_long_is_done_under_the_lock(sequence: Sequence, database: Database) -> None:
    carry_out_naively([sequence.schema], database)
    plan = plan_of(sequence, database)
    before = [step for step in plan.steps if step.title.startswith("DROP INDEX")]
    (change,) = [step for step in plan.steps if step.title.startswith("ALTER COLUMN TYPE")]
    connection = database.connect()
    assert isinstance(change.work, Transaction)

    for step in before:
        connection.execute(_sql(step.work))

    with connection.transaction():
        connection.execute("SET LOCAL TimeZone TO 'UTC'")
        files, scans = _files(connection), _scans(connection)
        for statement in change.work.statements:
            connection.execute(statement.encode())
        new = {name for name, file in _files(connection).items() if files.get(name) != file}
        read = {name for name, number in _scans(connection).items() if number > scans.get(name, 0)}

    small = {"kinds", "kinds_pkey", "days", "days_pkey"} if sequence.sizes else set()
    assert small >= new
    assert small >= read


def test_statistics_are_there_afterwards(database: Database) -> None:
    sequence = SEQUENCES[0]
    carry_out_naively([sequence.schema, "ANALYZE users"], database)
    connection = database.connect()
    with connection.transaction(force_rollback=True):
        connection.execute(sequence.migration.encode())
        lost = _analysed(connection)
    carry_out(plan_of(sequence, database), database)

    assert lost == {"gone", "id"}
    assert {"email", "gone", "id", "lower"} == _analysed(connection)


def _sql(work: Work) -> bytes:
    return "; ".join([work.sql] if isinstance(work, DropIndex) else _statements(work)).encode()


def _statements(work: Work) -> tuple[str, ...]:
    assert isinstance(work, Transaction)

    return work.statements


def _analysed(connection: psycopg.Connection) -> set[str]:
    found = connection.execute("SELECT attname::text FROM pg_stats WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in found}


def _files(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute(FILES).fetchall())


def _scans(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT relname::text, seq_scan FROM pg_stat_xact_user_tables").fetchall())
