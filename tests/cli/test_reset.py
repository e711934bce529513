"""Disposable environments and `migrate reset`: what a laptop's database may be put through, and no other."""

import pytest

from tests.cli.conftest import Shell, Site, locked
from tests.schema_dump import schema

LAPTOP = "\n[environments.laptop]\ndisposable = true\n"

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n"

EVERYTHING = """
CREATE SCHEMA app;
CREATE SCHEMA "Odd ""name";
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE SEQUENCE numbers;
CREATE TABLE "Odd ""name"."Tab le" (id int PRIMARY KEY, m app.mood, p positive, q pair);
CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW shown AS SELECT id FROM events;
CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one;
CREATE FUNCTION add(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2';
CREATE PROCEDURE nothing() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE total(int) (SFUNC = add, STYPE = int, INITCOND = '0');
CREATE OPERATOR ## (FUNCTION = add, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR FAMILY fam USING btree;
CREATE COLLATION coll FROM "C";
CREATE STATISTICS stat ON id, m FROM "Odd ""name"."Tab le";
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple);
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watcher ON sql_drop EXECUTE FUNCTION watch();
CREATE PUBLICATION pub FOR TABLE "Odd ""name"."Tab le";
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER wrapper;
CREATE FOREIGN TABLE far (id int) SERVER elsewhere;
CREATE CAST (pair AS text) WITH INOUT;
CREATE TABLE child () INHERITS (far);
SELECT lo_create(0);
"""

LEFT = """
SELECT count(*) FROM pg_class WHERE oid >= 16384 AND relnamespace::regnamespace::text !~ '^pg_'
UNION ALL SELECT count(*) FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT count(*) FROM pg_type WHERE oid >= 16384 AND typnamespace::regnamespace::text !~ '^pg_'
UNION ALL SELECT count(*) FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(temp|toast)'
UNION ALL SELECT count(*) FROM pg_operator WHERE oid >= 16384
UNION ALL SELECT count(*) FROM pg_opfamily WHERE oid >= 16384
UNION ALL SELECT count(*) FROM pg_collation WHERE oid >= 16384
UNION ALL SELECT count(*) FROM pg_statistic_ext
UNION ALL SELECT count(*) FROM pg_ts_config WHERE oid >= 16384
UNION ALL SELECT count(*) FROM pg_ts_dict WHERE oid >= 16384
UNION ALL SELECT count(*) FROM pg_event_trigger
UNION ALL SELECT count(*) FROM pg_publication
UNION ALL SELECT count(*) FROM pg_foreign_data_wrapper
UNION ALL SELECT count(*) FROM pg_foreign_server
UNION ALL SELECT count(*) FROM pg_cast WHERE oid >= 16384
UNION ALL SELECT count(*) FROM pg_largeobject_metadata
"""

newest = pytest.mark.postgres(newest=True)

pytestmark = pytest.mark.postgres(ends=True)


@pytest.fixture
def laptop(site: Site) -> Site:
    """A project with a disposable environment, chosen, and an empty database."""
    with (site.shell.folder / "migrate.toml").open("a") as file:
        file.write(LAPTOP)
    site.shell.environment["MIGRATE_ENV"] = "laptop"
    return site


@newest
def test_naive_changes_run_as_they_are_written(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS + "INSERT INTO users VALUES (1, 'a');\n")
    laptop("apply")
    laptop.shell.write("2_drop.sql", "ALTER TABLE users DROP COLUMN name;\nCREATE INDEX ON users (id);\n")
    laptop.shell.write("3_age.sql", "ALTER TABLE users ADD COLUMN age int NOT NULL DEFAULT random() * 9;\n")

    done = laptop("apply")

    assert done.code == 0, str(done)
    assert "applied    2  drop" in done.out
    assert "environment laptop is disposable" in done.err
    assert laptop.sql("SELECT DISTINCT phase FROM migrator.step") == [("expand",)]


@newest
def test_an_applied_file_may_be_edited_and_that_is_said(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS)
    laptop("apply")
    laptop.shell.write("1_users.sql", USERS.replace("name text", "name text, age int"))
    laptop.shell.write("2_more.sql", "CREATE TABLE more ();\n")

    done = laptop("apply")
    reset = laptop("reset")

    assert done.code == 0, str(done)
    assert "1_users.sql was edited after it was applied" in done.err
    assert "migrate reset" in done.err
    assert reset.code == 0, str(reset)
    assert laptop.sql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'users'") == [(3,)]


@newest
def test_a_refused_statement_may_be_edited(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS + "ALTER TABLE users ADD CHECK (nome <> '');\n")
    refused = laptop("apply")
    laptop.shell.write("1_users.sql", USERS + "ALTER TABLE users ADD CHECK (name <> '');\n")

    done = laptop("apply")

    assert refused.code == 8, str(refused)
    assert done.code == 0, str(done)
    assert laptop.sql("SELECT state FROM migrator.migration") == [("applied",)]


@newest
def test_a_statement_that_has_run_asks_for_a_reset(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS + "ALTER TABLE users ADD CHECK (nome <> '');\n")
    laptop("apply")
    laptop.shell.write(
        "1_users.sql", USERS.replace("name", "nome") + "ALTER TABLE users ADD CHECK (nome <> '');\n"
    )

    done = laptop("apply")
    reset = laptop("reset")

    assert done.code == 5
    assert "migrate reset" in done.err
    assert reset.code == 0, str(reset)


@newest
def test_an_older_file_is_applied(laptop: Site) -> None:
    laptop.shell.write("2_users.sql", USERS)
    laptop("apply")
    laptop.shell.write("1_age.sql", "ALTER TABLE users ADD COLUMN age int;\n")

    done = laptop("apply")

    assert done.code == 0, str(done)


@newest
def test_what_waits_for_contract_does_not_wait(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS)
    laptop("apply")
    laptop.shell.write("2_drop.sql", "DROP TABLE users;\n")

    done = laptop("apply")

    assert done.code == 0, str(done)
    assert laptop.sql("SELECT to_regclass('users')") == [(None,)]


def test_reset_leaves_nothing_and_runs_all_files(laptop: Site) -> None:
    laptop.sql("GRANT CREATE ON SCHEMA public TO public")
    laptop.shell.write("1_all.sql", EVERYTHING)
    first = laptop("apply")
    before = schema(laptop.database.url)
    laptop.sql("CREATE TABLE extra ()")

    done = laptop("reset")

    assert first.code == 0, str(first)
    assert done.code == 0, str(done)
    assert schema(laptop.database.url) == before


def test_reset_of_no_files_leaves_an_empty_database(laptop: Site) -> None:
    path = laptop.shell.write("1_all.sql", EVERYTHING)
    assert laptop("apply").code == 0
    path.unlink()

    done = laptop("reset")

    assert done.code == 0, str(done)
    laptop.sql("DROP SCHEMA migrator CASCADE")
    assert laptop.sql(LEFT) == [(0,)] * LEFT.count("SELECT")


@newest
def test_reset_needs_a_disposable_environment(site: Site) -> None:
    site.shell.write("1_users.sql", USERS)
    site("apply")

    done = site("reset")

    assert done.code == 2
    assert "disposable = true" in done.err
    assert site.sql("SELECT to_regclass('users') IS NOT NULL") == [(True,)]


@newest
@pytest.mark.parametrize("command", ["apply", "reset"])
def test_a_database_that_counts_is_refused(laptop: Site, command: str) -> None:
    laptop.shell.write("1_users.sql", USERS)
    laptop("apply", MIGRATE_ENV="")

    done = laptop(command)

    assert done.code == 2, str(done)
    assert f"--adopt {laptop.database.name}" in done.err
    assert laptop.sql("SELECT to_regclass('users') IS NOT NULL") == [(True,)]


@newest
def test_a_database_that_was_baselined_and_counts_is_refused(laptop: Site) -> None:
    laptop.sql(USERS)
    laptop("baseline", "0", MIGRATE_ENV="")
    laptop.shell.write("1_drop.sql", "DROP TABLE users;\n")

    assert [laptop("apply").code, laptop("reset").code] == [2, 2]
    assert laptop.sql("SELECT to_regclass('users') IS NOT NULL") == [(True,)]


@newest
def test_an_ordinary_run_makes_a_disposable_database_count(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS)
    laptop("apply")
    laptop.shell.write("2_more.sql", "CREATE TABLE more ();\n")
    laptop("apply", MIGRATE_ENV="")

    done = laptop("reset")

    assert done.code == 2, str(done)


@newest
def test_tables_of_another_tool_are_dropped_when_the_database_is_named(laptop: Site) -> None:
    laptop.sql("CREATE TABLE users (old int)")
    laptop.shell.write("1_users.sql", USERS)

    refused = [laptop("apply"), laptop("reset"), laptop("reset", "--adopt", "other")]
    done = laptop("reset", "--adopt", laptop.database.name)
    again = laptop("reset")

    assert [each.code for each in refused] == [5, 2, 2]
    assert "migrate reset --adopt" in refused[0].err
    assert (done.code, again.code) == (0, 0), str(done)


@newest
def test_files_that_cannot_be_read_stop_before_anything_is_dropped(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS)
    laptop("apply")
    laptop.shell.write("2_open.sql", "SELECT 'open;\n")

    done = laptop("reset")
    wrong = laptop("reset", "--to", "7")

    assert (done.code, wrong.code) == (5, 5), str(done)
    assert laptop.sql("SELECT to_regclass('users') IS NOT NULL") == [(True,)]


@newest
def test_a_session_in_the_way_is_named_and_nothing_is_dropped(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS)
    laptop("apply")
    holder = locked(laptop.database, "users")

    done = laptop("reset")
    holder.rollback()

    assert done.code == 7, str(done)
    assert str(holder.info.backend_pid) in done.err
    assert laptop.sql("SELECT to_regclass('migrator.step') IS NOT NULL") == [(True,)]


@newest
def test_a_database_with_a_subscription_is_refused(laptop: Site) -> None:
    laptop.shell.write("1_users.sql", USERS)
    laptop("apply")
    laptop.sql("CREATE SUBSCRIPTION sub CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)")
    try:
        done = laptop("reset")
    finally:
        laptop.sql("ALTER SUBSCRIPTION sub SET (slot_name = NONE)")
        laptop.sql("DROP SUBSCRIPTION sub")

    assert done.code == 5, str(done)
    assert "subscribes" in done.err


@newest
def test_reset_without_a_database(shell: Shell) -> None:
    shell.migrations.mkdir()

    done = shell("reset", PGHOST="")

    assert done.code == 2


def test_extensions_of_the_files_are_made_anew_and_others_stay(laptop: Site) -> None:
    available = {name for (name,) in laptop.sql("SELECT name FROM pg_available_extensions")}
    if not {"citext", "hstore"} <= available:
        pytest.skip("the embedded server has no contrib extensions")
    laptop.sql("CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext")
    laptop.shell.write(
        "1_users.sql", "CREATE EXTENSION citext;\nCREATE TABLE users (email citext, tags ext.hstore);\n"
    )
    assert laptop("apply").code == 0
    (before,) = laptop.sql("SELECT oid FROM pg_extension WHERE extname = 'hstore'")

    done = laptop("reset")

    assert done.code == 0, str(done)
    assert laptop.sql("SELECT oid FROM pg_extension WHERE extname = 'hstore'") == [before]
    assert laptop.sql("SELECT count(*) FROM users") == [(0,)]
