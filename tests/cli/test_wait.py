"""`migrate wait`: an application starts when the schema that it needs is there, and not before."""

import psycopg
import pytest

from tests.cli.conftest import Shell, Site, finish, locked
from tests.waiting import until

pytestmark = pytest.mark.server

ADD = "ALTER TABLE users ADD COLUMN nick text;\n"
DROP = """
-- migrate: allow data-loss reason="unused"
-- migrate: allow breaks-running-code reason="unused"
ALTER TABLE users DROP COLUMN name;
"""


@pytest.mark.postgres(newest=True)
def test_looks_once_and_names_what_is_missing(shop: Site) -> None:
    shop.shell.write("1_add.sql", ADD)

    before = shop("wait", "--timeout", "0")
    applied = shop("apply", "--yes")
    after = shop("wait", "--timeout", "0")

    assert applied.code == 0, str(applied)
    assert (before.code, after.code) == (4, 0), f"{before}\n{after}"
    assert "1 migration not past validate: 1" in before.err
    assert after.out == "past validate: 1 migration\n"


@pytest.mark.postgres(newest=True)
def test_contract_may_wait_and_may_be_at_work(shop: Site) -> None:
    shop.shell.write("1_drop.sql", DROP)
    applied = shop("apply", "--yes")
    waiting = shop("wait", "--timeout", "0")
    holder = locked(shop.database, "users")
    failed = shop("contract", "1", "--yes")
    holder.rollback()
    shop.sql("UPDATE migrator.migration SET state = 'failed'")  # as a refused contract step leaves it

    later = shop("wait", "--timeout", "0")

    assert "waiting for contract" in applied.out, str(applied)
    assert (applied.code, waiting.code, failed.code, later.code) == (0, 0, 7, 0), (
        f"{waiting}\n{failed}\n{later}"
    )


@pytest.mark.postgres(newest=True)
def test_goes_on_when_the_migration_is_applied(shop: Site) -> None:
    shop.shell.write("1_add.sql", ADD)
    process = shop.shell.start("wait", "--timeout", "60")
    until(lambda: _waits(shop), what="a session that waits")

    applied = shop("apply", "--yes")

    done = finish(process)
    assert applied.code == 0, str(applied)
    assert (done.code, done.out) == (0, "past validate: 1 migration\n"), str(done)
    assert done.err.count("waiting: ") == 1, str(done)


def _waits(shop: Site) -> bool:
    rows = shop.sql(
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE '% wait' AND datname = current_database()"
    )
    return bool(rows)


@pytest.mark.postgres(newest=True)
def test_a_failed_step_is_told_and_later_files_are_not_asked_for(shop: Site) -> None:
    shop.shell.write("1_add.sql", ADD)
    shop.shell.write("2_fail.sql", "ALTER TABLE users ADD CONSTRAINT named CHECK (id > 100);\n")
    shop("apply", "--yes")

    all_of_it = shop("wait", "--timeout", "0")
    first = shop("wait", "--timeout", "0", "--through", "1")

    assert (all_of_it.code, first.code) == (8, 0), f"{all_of_it}\n{first}"
    assert "a step of 2 failed" in all_of_it.err


@pytest.mark.postgres(newest=True)
def test_an_application_role_needs_no_more_than_select(shop: Site) -> None:
    shop.shell.write("1_add.sql", ADD)
    shop("apply", "--yes")
    shop.sql("DROP ROLE IF EXISTS wait_reader")
    shop.sql("CREATE ROLE wait_reader")
    try:
        refused = shop("wait", "--timeout", "0", MIGRATE_ROLE="wait_reader")
        shop.sql("GRANT USAGE ON SCHEMA migrator TO wait_reader")
        shop.sql("GRANT SELECT ON ALL TABLES IN SCHEMA migrator TO wait_reader")

        allowed = shop("wait", "--timeout", "0", MIGRATE_ROLE="wait_reader")
    finally:
        shop.sql("DROP OWNED BY wait_reader")
        shop.sql("DROP ROLE wait_reader")

    assert (refused.code, allowed.code) == (5, 0), f"{refused}\n{allowed}"
    assert "permission" in refused.err


@pytest.mark.postgres(newest=True)
def test_no_journal_means_that_all_is_missing(site: Site) -> None:
    site.shell.write("1_add.sql", "CREATE TABLE t (id int PRIMARY KEY);\n")

    done = site("wait", "--timeout", "0")

    assert done.code == 4, str(done)


def test_an_unreachable_server_is_exit_9(shell: Shell) -> None:
    shell.write("1_add.sql", ADD)

    done = shell("wait", "--timeout", "0.3", DATABASE_URL="postgresql://127.0.0.1:1/none")

    assert done.code == 9, str(done)
    assert "waiting: " in done.err


def test_a_version_is_digits(shell: Shell) -> None:
    done = shell("wait", "--through", "latest", DATABASE_URL="postgresql://127.0.0.1:1/none")

    assert done.code == 5, str(done)
    assert psycopg.__name__ not in done.err
