"""`migrate verify` as people run it: on the server of the tests, or on one of its own."""

import json
import os
import signal
import tempfile
from pathlib import Path

import jsonschema
import pytest
from psycopg import sql

from migrator.plan import proof_codec
from tests.cli.conftest import Shell, Site, finish
from tests.conftest import Database
from tests.servers import Server
from tests.waiting import until

pytestmark = pytest.mark.postgres(newest=True)

USERS = """
CREATE TABLE users (id bigint PRIMARY KEY, email text, age text, height int, country_id int);
CREATE TABLE countries (id int PRIMARY KEY, name text NOT NULL);
"""

FACTS = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE teams (id serial PRIMARY KEY);
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(40) NOT NULL, mood mood DEFAULT 'ok',
    team int REFERENCES teams, upper text GENERATED ALWAYS AS (upper(name)) STORED, CHECK (name <> '')
);
CREATE INDEX ON users (lower(name));
CREATE VIEW names AS SELECT name FROM users;
CREATE TABLE events (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO users (name) VALUES ('a secret row');
"""

DEMANDING = """
ALTER TABLE users ALTER COLUMN age TYPE int USING age::int;
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE users ADD CONSTRAINT tall CHECK (height >= 150);
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
ALTER TABLE users ADD CONSTRAINT users_country FOREIGN KEY (country_id) REFERENCES countries (id);
ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();
"""


def scratch_databases(server: Server) -> list[str]:
    with server.connect() as connection:
        query = "SELECT datname FROM pg_database WHERE datname LIKE 'migrate\\_verify\\_%'"
        return [name for (name,) in connection.execute(query.encode())]


def content(database: Database) -> list[tuple[object, ...]]:
    return database.connect().execute("SELECT oid, xmin::text FROM pg_class ORDER BY 1").fetchall()


def test_rows_are_made_for_what_the_text_asks_for_and_nothing_is_left(site: Site) -> None:
    site.shell.write("0001_users.sql", USERS)
    site.shell.write("0002_demanding.sql", DEMANDING)
    applied = site("apply", "--yes", "--to", "0001")
    assert applied.code == 0, str(applied)
    before = content(site.database)
    report = site.shell.folder / "proof.json"

    done = site("verify", "--shadow", site.database.server.url, "--rows", "200", f"--report=json={report}")

    assert done.code == 0, str(done)
    assert done.out.startswith("proved on PostgreSQL 18")
    assert "schema identical, rows identical" in done.out
    assert "with 200 rows per table" in done.out
    assert "the rows were made so that migrations/0002_demanding.sql" in done.out
    jsonschema.validate(json.loads(report.read_text()), proof_codec.json_schema())
    assert before == content(site.database)
    assert scratch_databases(site.database.server) == []


def test_text_that_does_not_run_is_an_error_with_its_place(shell: Shell, server: Server) -> None:
    shell.write("0001_users.sql", USERS)
    shell.write("0002_wrong.sql", "\nALTER TABLE users ADD CHECK (nothing > 0);")

    done = shell("verify", "--shadow", server.url)

    assert done.code == 5, str(done)
    assert "migrations/0002_wrong.sql:2:1: the statement as written does not run" in done.err
    assert 'column "nothing" does not exist' in done.err
    assert scratch_databases(server) == []


def test_the_proof_stands_beside_the_plan(shell: Shell, server: Server) -> None:
    shell.write("0001_users.sql", USERS)
    path = shell.write("0002_check.sql", "ALTER TABLE users ADD CHECK (id > 0);")

    text = shell("plan", str(path), "--verify", "--shadow", server.url)
    check = path.read_text()
    document = shell("plan", "-", "--verify", "--shadow", server.url, "--format", "json", stdin=check)

    assert (text.code, document.code) == (0, 0), f"{text}{document}"
    assert text.out.splitlines()[1].startswith("proved on PostgreSQL 18")
    assert json.loads(document.out)["proof"]["schema_differences"] == []
    assert json.loads(document.out)["facts"] == "shadow"


def test_a_dump_gives_the_database_before(shell: Shell, server: Server) -> None:
    dump = "\\restrict x1\nSET statement_timeout = 0;\nSET from_the_future = 0;\n" + USERS
    dump += "COPY countries (id, name) FROM stdin;\n1\tHere; 'there'\n\\.\n\\unrestrict x1\n"
    (shell.folder / "schema.sql").write_text(dump)
    path = shell.write("0002_check.sql", "ALTER TABLE countries ADD CHECK (id > 0);")

    done = shell("verify", str(path), "--schema", "schema.sql", "--shadow", server.url)

    assert done.code == 0, str(done)
    assert "schema.sql:3:1: SET from_the_future = 0" in done.out


def test_a_file_of_facts_gives_the_database_before_and_says_what_it_cannot(site: Site) -> None:
    site.sql(FACTS)
    exported = site("facts", "export", "-o", "facts.json")
    path = site.shell.write(
        "0002_unique.sql", "ALTER TABLE users ADD UNIQUE (name), ADD CHECK (mood <> 'sad');"
    )
    address = site.database.server.url
    document = json.loads((site.shell.folder / "facts.json").read_text())

    done = site.shell("verify", str(path), "--facts", "facts.json", "--shadow", address, DATABASE_URL="")
    broken = site.shell("verify", str(path), "--facts", str(path), "--shadow", address, DATABASE_URL="")

    assert exported.code == 0, str(exported)
    assert "a secret row" not in json.dumps(document)
    assert done.code == 0, str(done)
    assert "public.names is not in the database before" in done.out
    assert "with 1,000 rows per table" in done.out
    assert "VALIDATE CONSTRAINT" in done.out
    assert (broken.code, "is no file of facts" in broken.err) == (5, True), str(broken)


@pytest.mark.parametrize(
    ("schema", "code", "said"),
    [
        ("CREATE TABLE t (a int);\n\\connect other\n", 5, "schema.sql:2:1: a backslash command"),
        ("CREATE TABLE t (a int) oops;\n", 5, "schema.sql:1:1: the shadow server refuses this"),
        ("\nCREATE EXTENSION nowhere_to_be_had;\n", 2, "schema.sql:2:1: the shadow server"),
        (
            "CREATE TABLE t (a int);\nGRANT SELECT ON t TO no_role;\n",
            2,
            "schema.sql:2:1: the shadow server has",
        ),
    ],
    ids=["psql", "refused", "extension", "role"],
)
def test_a_dump_that_cannot_be_loaded_says_where(
    shell: Shell, server: Server, schema: str, code: int, said: str
) -> None:
    (shell.folder / "schema.sql").write_text(schema)
    path = shell.write("0002_check.sql", "ALTER TABLE t ADD CHECK (a > 0);")

    done = shell("verify", str(path), "--schema", "schema.sql", "--shadow", server.url)

    assert done.code == code, str(done)
    assert said in done.err


def test_what_a_killed_run_left_the_next_one_removes(shell: Shell, server: Server) -> None:
    shell.write("0001_users.sql", USERS)
    shell.write("0002_check.sql", "ALTER TABLE users ADD CHECK (id > 0);")
    process = shell.start("verify", "--shadow", server.url, "--rows", "100000")
    until(lambda: len(scratch_databases(server)) > 0, what="scratch database")
    process.kill()
    process.communicate()
    assert scratch_databases(server) != []

    done = shell("verify", "--shadow", server.url, "--rows", "5")

    assert done.code == 0, str(done)
    assert scratch_databases(server) == []


def test_a_role_that_may_make_no_databases_is_told_so(shell: Shell, database: Database) -> None:
    role = f"{database.name}_nobody"
    with database.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        shell.write("0001_users.sql", USERS)
        address = f"{database.url}{'&' if '?' in database.url else '?'}options=-c%20role%3D{role}"

        done = shell("verify", "--shadow", address)

        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    assert done.code == 5, str(done)
    assert "may not make databases" in done.err


@pytest.mark.parametrize("shadow", ["nonsense", "container:", "postgresql://localhost:1/x"])
def test_a_server_that_is_none_is_refused(shell: Shell, shadow: str) -> None:
    shell.write("0001_users.sql", USERS)

    done = shell("verify", "--shadow", shadow)

    assert done.code == (9 if "://" in shadow else 2), str(done)


def test_a_terminated_run_takes_its_server_along(shell: Shell) -> None:
    shell.write("0001_users.sql", USERS)
    shell.write("0002_check.sql", "ALTER TABLE users ADD CHECK (id > 0);")
    # A socket's path is short, so the folder is not in the test's own.
    with tempfile.TemporaryDirectory(prefix="mv") as folder:
        process = shell.start("verify", "--rows", "100000", TMPDIR=folder)
        until(lambda: list(Path(folder).glob("migrate-shadow-*/data/postmaster.pid")) != [], what="server")
        (pid,) = [int(p.read_text().split()[0]) for p in Path(folder).glob("*/data/postmaster.pid")]
        process.send_signal(signal.SIGTERM)

        done = finish(process)

        assert done.code == 143, str(done)
        assert list(Path(folder).glob("migrate-shadow-*/")) == []
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
