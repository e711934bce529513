"""`password_command`: run at every connect, because tokens expire; what it says is shown nowhere."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import MARKER, SETTINGS, Site

pytestmark = pytest.mark.postgres(newest=True)

ROTATE = """
import sys, psycopg
from pathlib import Path
runs = Path("runs")
token = "MARKER-" + str(len(runs.read_text()) if runs.exists() else 0)
with psycopg.connect("URL", autocommit=True) as connection:
    connection.execute(f"ALTER ROLE ROLE PASSWORD '{token}'")
with runs.open("a") as file:
    file.write("+")
print(token)
print("MARKER on standard error", file=sys.stderr)
"""
"""Gives a new token each time, which makes the one before useless."""


@pytest.fixture
def tokens(shop: Site) -> Site:
    """A shop whose role gets in with the newest token only."""
    if not shop.database.server.container:
        pytest.skip("the embedded server trusts everybody")
    role = f"app_{shop.database.name}"
    shop.sql(f"CREATE ROLE {role} LOGIN SUPERUSER")
    info = shop.database.connect().info
    script = ROTATE.replace("ROLE ROLE", f"ROLE {role}").replace("MARKER", MARKER)
    use(shop, script.replace("URL", shop.database.url))
    shop.shell.environment["DATABASE_URL"] = (
        f"postgresql://{role}@{info.host}:{info.port}/{shop.database.name}"
    )
    return shop


def use(site: Site, script: str) -> None:
    path = site.shell.folder / "new_token.py"
    path.write_text(script)
    command = f"password_command = {json.dumps([sys.executable, str(path)])}\n"
    (site.shell.folder / "migrate.toml").write_text(command + SETTINGS)


def everything_in_the_journal(site: Site) -> str:
    tables = site.sql(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'migrator'"
    )
    rows = [row for (table,) in tables for row in site.sql(f"SELECT t::text FROM {table} AS t")]
    return "\n".join(str(row) for row in rows)


def test_each_connection_gets_a_fresh_token_and_nothing_shows_it(tokens: Site) -> None:
    tokens.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\nCREATE INDEX ua ON users (a);\n")
    runs = tokens.shell.folder / "runs"

    planned = tokens("plan", "--save", "plan.json", "-vv")
    after_plan = len(runs.read_text())
    applied = tokens("apply", "-vv")
    after_apply = len(runs.read_text())
    status = tokens("status", "--format", "json")

    for done in (planned, applied, status):
        assert done.code == 0, str(done)  # and that MARKER is in no output is asserted for each command
    assert after_plan >= 1
    assert after_apply - after_plan >= 2  # the look at the database, the run
    assert MARKER not in (tokens.shell.folder / "plan.json").read_text()
    journal = everything_in_the_journal(tokens)
    assert "1_a.sql" in journal
    assert MARKER not in journal


def test_connection_lost_in_a_run_comes_back_with_a_fresh_token(tokens: Site) -> None:
    tokens.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    tokens.sql(
        "CREATE FUNCTION kill_once() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF current_setting('application_name') LIKE 'migrator%' AND nextval('kills') = 1 "
        "THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$"
    )
    tokens.sql("CREATE SEQUENCE kills")
    tokens.sql(
        "CREATE EVENT TRIGGER kill_once ON ddl_command_start WHEN TAG IN ('ALTER TABLE') "
        "EXECUTE FUNCTION kill_once()"
    )

    done = tokens("apply", "-vv")

    assert done.code == 0, str(done)
    assert "runner.reconnected" in done.err


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"print('{MARKER}')", "cannot connect"),
        (f"import sys; print('{MARKER}'); sys.exit('{MARKER}')", "gave no password (exit 1)"),
        ("", "gave no password (exit 0)"),
    ],
)
def test_useless_command_is_exit_9(tokens: Site, script: str, said: str) -> None:
    use(tokens, script)

    done = tokens("apply", "-vv")

    assert done.code == 9, str(done)
    assert said in done.err


def test_absent_command_is_exit_9(shop: Site) -> None:
    (shop.shell.folder / "migrate.toml").write_text(f'password_command = "/nowhere/{Path(__file__).stem}"\n')

    done = shop("status")

    assert done.code == 9, str(done)
    assert "password_command" in done.err
