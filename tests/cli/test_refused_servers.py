"""What is refused before the first step, end to end: missing rights, a standby, a pooler, nonsense."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Shell, Site
from tests.facts.test_preflight import pooler
from tests.own_server import OwnServer

# The command line is the same for every server; what it calls is tested on each of them by itself.
pytestmark = pytest.mark.postgres(newest=True)

FILE = "ALTER TABLE users ADD COLUMN age int;\nCREATE INDEX users_name ON users (name);\n"
COLUMNS = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'age'"


@pytest.fixture
def limited(shop: Site) -> Iterator[str]:
    """The URL of a role that may read the journal and nothing else."""
    role = f"{shop.database.name}_limited"
    shop.sql(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    shop.sql(
        f"GRANT USAGE ON SCHEMA migrator TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA migrator TO {role}"
    )
    url = urlsplit(shop.database.url)
    yield url._replace(netloc=f"{role}:secret@{url.hostname}:{url.port}").geturl() if url.hostname else ""
    shop.sql(f"DROP OWNED BY {role}")
    shop.sql(f"DROP ROLE {role}")


def test_missing_rights_are_named_before_anything_runs(shop: Site, limited: str) -> None:
    if not limited:
        pytest.skip("the embedded server listens on no port, and trusts everybody")
    shop.shell.write("20260105090000_age.sql", FILE)

    done = shop("apply", DATABASE_URL=limited)

    assert done.code == 5, str(done)
    assert 'ALTER TABLE "public"."users" OWNER TO' in done.err
    assert 'GRANT CREATE ON SCHEMA "public"' in done.err
    assert "Traceback" not in done.err
    assert shop.sql(COLUMNS) == [(0,)]


def test_a_standby_is_refused(shell: Shell, own_server: OwnServer) -> None:
    shell.environment["DATABASE_URL"] = own_server.url
    shell.write("20260105090000_users.sql", "CREATE TABLE users (id int PRIMARY KEY);\n")
    assert shell("apply").code == 0
    own_server.become_standby()
    shell.write("20260105100000_age.sql", "ALTER TABLE users ADD COLUMN age int;\n")

    done = shell("apply")

    assert done.code == 5, str(done)
    assert "standby" in done.err
    assert "Traceback" not in done.err


@pytest.fixture
def pooled(shop: Site) -> Iterator[str]:
    folder = Path("/tmp") / f"pgbouncer-{shop.database.name}"  # noqa: S108  # its user must be able to read it
    folder.mkdir()
    try:
        yield from pooler(folder, shop.database, "transaction")
    finally:
        shutil.rmtree(folder)


def test_a_transaction_pooler_is_refused(shop: Site, pooled: str) -> None:
    shop.shell.write("20260105090000_age.sql", FILE)

    done = shop("apply", DATABASE_URL=pooled)

    assert done.code == 5, str(done)
    assert "pooler" in done.err
    assert "Traceback" not in done.err
    assert shop.sql(COLUMNS) == [(0,)]


def test_what_the_server_cannot_parse_is_found_before_the_first_step(shop: Site) -> None:
    shop.shell.write(
        "20260105090000_age.sql",
        "ALTER TABLE users ADD COLUMN age int;\n\n"
        "CREATE VIEW grown_up AS\n  SELECT id FROM users\n  WHERE ORDER id;\n",
    )

    done = shop("apply")

    assert done.code == 5, str(done)
    assert "20260105090000_age.sql:5:9: the server cannot read this" in done.err
    assert shop.sql(COLUMNS) == [(0,)]


def test_queries_over_tables_of_the_same_run_are_not_looked_up_beforehand(shop: Site) -> None:
    shop.shell.write(
        "20260105090000_later.sql",
        "CREATE TABLE later (id int);\nCREATE TABLE copied AS SELECT * FROM later;\n"
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM later;\nCREATE VIEW seen AS SELECT * FROM later;\n",
    )

    done = shop("apply")

    assert done.code == 0, str(done)
