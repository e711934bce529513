from typing import Any

import psycopg
import pytest

from migrator.database.session import Connection
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.rows import Filled, fill
from tests.conftest import Database

pytestmark = pytest.mark.postgres(ends=True)

SCHEMA = """
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN percent AS numeric(5, 2) CHECK (VALUE >= 0 AND VALUE <= 100);
    CREATE DOMAIN code AS text NOT NULL CHECK (VALUE ~ '^[A-Z]{3}-[0-9]+$');
    CREATE TABLE kinds (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        a smallint NOT NULL, b real NOT NULL, c numeric(4, 2) NOT NULL, d varchar(5) NOT NULL UNIQUE,
        e char(1) NOT NULL, f bytea NOT NULL, g inet NOT NULL, h jsonb NOT NULL, i int[] NOT NULL,
        j int4range NOT NULL, k interval NOT NULL, l timestamptz NOT NULL, m time NOT NULL, n bit(4) NOT NULL,
        o mood NOT NULL, p pair NOT NULL, q percent NOT NULL, r code, s tsvector NOT NULL, t text[] NOT NULL,
        u mood[] NOT NULL, v uuid NOT NULL UNIQUE, w macaddr NOT NULL, x point NOT NULL, y money NOT NULL,
        z numeric GENERATED ALWAYS AS (c * 2) STORED, EXCLUDE USING gist (j WITH &&)
    );
"""


def filled(database: Database, schema: str, *, rows: int = 5, seed: int = 0) -> Filled:
    with database.connect() as connection:
        connection.execute(schema.encode())
        return fill(connection, rows=rows, seed=seed)


def everything(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"SELECT row_to_json(whole)::text FROM {table} AS whole ORDER BY 1".encode()
    ).fetchall()


def count(database: Database, table: str) -> int:
    with database.connect() as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None

    return int(row[0])


def test_every_type_gets_values(database: Database) -> None:
    made = filled(database, SCHEMA)

    assert made.unfilled == ()
    assert count(database, "kinds") == 5


def test_xml(database: Database) -> None:
    if not database.server.container:
        pytest.skip("the embedded server was built without libxml")
    assert filled(database, "CREATE TABLE pages (body xml NOT NULL)").unfilled == ()


def test_equal_databases_get_equal_rows(database: Database, second_database: Database) -> None:
    filled(database, SCHEMA, seed=3)
    filled(second_database, SCHEMA, seed=3)
    with database.connect() as one, second_database.connect() as other:
        assert len(everything(one, "kinds")) == 5
        assert everything(one, "kinds") == everything(other, "kinds")


@pytest.mark.postgres(newest=True)
def test_another_seed_gives_other_rows(database: Database, second_database: Database) -> None:
    filled(database, SCHEMA, seed=3)
    filled(second_database, SCHEMA, seed=4)
    with database.connect() as one, second_database.connect() as other:
        assert everything(one, "kinds") != everything(other, "kinds")


CHECKS = [
    "status text NOT NULL CHECK (status IN ('new', 'paid', 'sent'))",
    "amount int NOT NULL CHECK (amount > 100 AND amount <= 250)",
    "amount numeric NOT NULL CHECK (amount BETWEEN -3 AND -1)",
    "name text NOT NULL CHECK (char_length(name) BETWEEN 20 AND 30)",
    "name text NOT NULL CHECK (length(name) = 64)",
    "slug text NOT NULL CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$')",
    "phone text NOT NULL CHECK (phone ~ '^\\+[0-9]{7,15}$')",
    "email text NOT NULL CHECK (email ~* '^[^@]+@example[.](com|org)$')",
    "name text NOT NULL CHECK (name = lower(name) AND name <> '')",
    "low int NOT NULL, high int NOT NULL, CHECK (low < high), CHECK (high < 10)",
    "a text, b text, CHECK ((a IS NULL) <> (b IS NULL))",
    "kind text NOT NULL CHECK (kind IN ('a', 'b')), note text, CHECK (kind <> 'b' OR note IS NOT NULL)",
    "born date NOT NULL CHECK (born > '2090-01-01')",
    "data jsonb NOT NULL CHECK (jsonb_typeof(data) = 'array')",
    "tags text[] NOT NULL CHECK (cardinality(tags) = 0)",
    "flag bool NOT NULL CHECK (flag)",
    "digest bytea NOT NULL CHECK (octet_length(digest) = 32)",
]


@pytest.mark.parametrize("columns", CHECKS)
def test_checks_are_satisfied(database: Database, columns: str) -> None:
    made = filled(database, f"CREATE TABLE checked (id int PRIMARY KEY, {columns})")

    assert made.unfilled == ()
    assert count(database, "checked") == 5


FOREIGN_KEYS = {
    "chain": """
        CREATE TABLE a_line (id serial PRIMARY KEY, order_id int NOT NULL);
        CREATE TABLE orders (id serial PRIMARY KEY, user_id uuid NOT NULL);
        CREATE TABLE users (id uuid PRIMARY KEY);
        ALTER TABLE a_line ADD FOREIGN KEY (order_id) REFERENCES orders;
        ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;
    """,
    "itself": "CREATE TABLE a_line (id int PRIMARY KEY, parent int NOT NULL REFERENCES a_line)",
    "itself, drawn": "CREATE TABLE a_line (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " parent bigint NOT NULL REFERENCES a_line)",
    "circle": """
        CREATE TABLE a_line (id int PRIMARY KEY, b int NOT NULL);
        CREATE TABLE b (id int PRIMARY KEY, line int NOT NULL REFERENCES a_line DEFERRABLE);
        ALTER TABLE a_line ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE;
    """,
    "circle that may be NULL": """
        CREATE TABLE a_line (id int PRIMARY KEY, b int NOT NULL);
        CREATE TABLE b (id int PRIMARY KEY, line int REFERENCES a_line);
        ALTER TABLE a_line ADD FOREIGN KEY (b) REFERENCES b;
    """,
    "junction": """
        CREATE TABLE users (id int PRIMARY KEY);
        CREATE TABLE roles (id int PRIMARY KEY);
        CREATE TABLE a_line (user_id int REFERENCES users, role_id int REFERENCES roles,
            PRIMARY KEY (user_id, role_id));
    """,
    "one to one": """
        CREATE TABLE users (id int PRIMARY KEY);
        CREATE TABLE a_line (user_id int PRIMARY KEY REFERENCES users);
    """,
    "shared column": """
        CREATE TABLE tenants (id int PRIMARY KEY);
        CREATE TABLE users (tenant int REFERENCES tenants, id int, PRIMARY KEY (tenant, id));
        CREATE TABLE a_line (id int PRIMARY KEY, tenant int NOT NULL REFERENCES tenants, author int NOT NULL,
            reader int NOT NULL, FOREIGN KEY (tenant, author) REFERENCES users,
            FOREIGN KEY (tenant, reader) REFERENCES users);
    """,
    "exactly one of two": """
        CREATE TABLE users (id int PRIMARY KEY);
        CREATE TABLE a_line (id int PRIMARY KEY, one int REFERENCES users, other int REFERENCES users,
            CHECK (num_nonnulls(one, other) = 1));
    """,
    "a column to itself": "CREATE TABLE a_line (id int PRIMARY KEY REFERENCES a_line)",
    "partitions": """
        CREATE TABLE parents (id int PRIMARY KEY) PARTITION BY HASH (id);
        CREATE TABLE parents_0 PARTITION OF parents FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE parents_1 PARTITION OF parents FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE a_line (id int PRIMARY KEY, parent int NOT NULL REFERENCES parents);
    """,
}


@pytest.mark.parametrize("case", FOREIGN_KEYS)
def test_foreign_keys_have_parents(database: Database, case: str) -> None:
    made = filled(database, FOREIGN_KEYS[case])

    assert made.unfilled == ()
    assert count(database, "a_line") >= 5


def test_every_partition_gets_its_own_rows(database: Database) -> None:
    made = filled(
        database,
        """
        CREATE TABLE events (id int, at date NOT NULL, region text NOT NULL) PARTITION BY LIST (region);
        CREATE TABLE events_eu PARTITION OF events FOR VALUES IN ('eu', 'uk') PARTITION BY RANGE (at);
        CREATE TABLE events_eu_2030 PARTITION OF events_eu FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
        CREATE TABLE events_rest PARTITION OF events DEFAULT;
        """,
    )

    assert made.unfilled == ()
    assert made.inserted == {
        QualifiedName("public", "events_eu_2030"): 5,
        QualifiedName("public", "events_rest"): 5,
    }


@pytest.mark.postgres(newest=True)
def test_what_is_there_counts_and_serials_go_on(database: Database) -> None:
    schema = "CREATE TABLE t (id serial PRIMARY KEY, a text); INSERT INTO t (a) VALUES ('mine'), ('own')"
    made = filled(database, schema)
    with database.connect() as connection:
        connection.execute("INSERT INTO t (a) VALUES ('later')")

    assert made.inserted == {QualifiedName("public", "t"): 3}
    assert count(database, "t") == 6


@pytest.mark.postgres(newest=True)
def test_what_cannot_be_filled_is_said(database: Database) -> None:
    made = filled(
        database,
        """
        CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not here''; END';
        CREATE TABLE guarded (id int);
        CREATE TRIGGER no BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION no();
        CREATE TABLE impossible (id int CHECK (id > 5 AND id < 5) NOT NULL);
        CREATE TABLE strange (id pg_snapshot NOT NULL);
        CREATE TABLE full_enough (flag bool PRIMARY KEY);
        """,
    )
    reasons = {each.table.name: (each.missing, each.reason) for each in made.unfilled}

    assert reasons.keys() == {"guarded", "impossible", "strange", "full_enough"}
    assert reasons["guarded"] == (5, "P0001: not here")
    assert "impossible" in reasons["impossible"][1]
    assert reasons["strange"] == (5, "nothing is known of the type pg_snapshot of id")
    assert reasons["full_enough"][0] == 3


@pytest.mark.postgres(newest=True)
def test_triggers_run(database: Database) -> None:
    filled(
        database,
        """
        CREATE TABLE log (line text);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END';
        CREATE TABLE a_noted (id int PRIMARY KEY);
        CREATE TRIGGER note AFTER INSERT ON a_noted FOR EACH ROW EXECUTE FUNCTION note();
        """,
    )

    assert count(database, "log") >= 5


@pytest.mark.postgres(newest=True)
def test_schemas_may_be_left_out(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE SCHEMA aside; CREATE TABLE aside.t (id int)")
        made = fill(connection, rows=1, without=("aside",))

    assert made.inserted == {}


@pytest.mark.postgres(newest=True)
def test_a_lost_connection_is_no_refusal(database: Database) -> None:
    with database.connect() as connection, database.connect() as other:
        connection.execute("CREATE TABLE t (id int)")
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            fill(connection, rows=1)


@pytest.mark.postgres(newest=True)
def test_without_nulls_only_what_nothing_is_known_of_is_null(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE parent (id int PRIMARY KEY, name text)")
    connection.execute(
        "CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent, at date, "
        "own int CHECK (own IS NULL))"
    )

    filled = fill(connection, rows=7, nulls=False)

    assert not filled.unfilled
    query = "SELECT count(*), count(parent_id), count(at), count(own) FROM child"
    assert connection.execute(query).fetchone() == (7, 7, 7, 0)
    assert connection.execute("SELECT count(name) FROM parent").fetchone() == (7,)
