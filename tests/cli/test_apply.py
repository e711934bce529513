"""`migrate apply` and `migrate contract` on real servers: what runs, what is refused, and what is said."""

import json

import pytest

from tests.cli.conftest import Site

# The command line is the same for every server; what it calls is tested on each of them by itself.
pytestmark = pytest.mark.postgres(newest=True)

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n"


def test_empty_database_takes_everything_as_written(site: Site) -> None:
    site.shell.write("1_users.sql", USERS)
    site.shell.write("2_drop.sql", "ALTER TABLE users DROP COLUMN name;\n")

    done = site("apply")

    assert done.code == 0, str(done)
    assert "applied    1  users" in done.out
    assert site.sql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'users'") == [(1,)]


def test_applying_again_changes_nothing(site: Site) -> None:
    site.shell.write("1_users.sql", USERS)
    site("apply")

    done = site("apply")

    assert (done.code, done.out) == (0, "nothing to do: every migration is applied\n")


def test_tables_without_a_journal_ask_for_a_baseline(site: Site) -> None:
    site.sql(USERS)
    site.shell.write("1_users.sql", USERS)

    done = site("apply")

    assert done.code == 5
    assert "migrate baseline VERSION" in done.err


def test_baseline_records_files_without_running_them(site: Site) -> None:
    site.sql(USERS)
    site.shell.write("1_users.sql", USERS)
    site.shell.write("2_age.sql", "ALTER TABLE users ADD COLUMN age int;\n")

    baseline = site("baseline", "1")
    done = site("apply")

    assert (baseline.code, done.code) == (0, 0), str(done)
    assert "applied    2  age" in done.out
    assert "1  users" not in done.out


def test_baseline_of_a_version_without_a_file(site: Site) -> None:
    site.shell.write("1_users.sql", USERS)

    done = site("baseline", "7")

    assert done.code == 5
    assert "no migration file of version 7" in done.err


def test_unapproved_hazard_stops_everything_before_it_begins(shop: Site) -> None:
    shop.shell.write("1_age.sql", "ALTER TABLE users ADD COLUMN age int;\n")
    shop.shell.write("2_drop.sql", "DROP TABLE users;\n")

    done = shop("apply")

    assert done.code == 3, str(done)
    assert "data-loss" in done.out
    assert "nothing was run" in done.err
    assert shop.sql("SELECT count(*) FROM migrator.migration") == [(0,)]


def test_contract_waits_until_it_is_asked_for_by_name(shop: Site) -> None:
    shop.shell.write(
        "1_drop.sql",
        '-- migrate: allow data-loss reason="archived"\n'
        '-- migrate: allow breaks-running-code reason="nobody reads it"\nDROP TABLE users;\n',
    )

    applied = shop("apply")
    waiting = shop("status", "--check", "waiting")
    dry = shop("contract", "1", "--dry-run")
    contracted = shop("contract", "1")

    assert applied.code == 0, str(applied)
    assert "migrate contract 1" in applied.out
    assert waiting.code == 4
    assert "DROP TABLE" in dry.out
    assert contracted.code == 0, str(contracted)
    assert shop.sql("SELECT to_regclass('users')") == [(None,)]


def test_contract_of_a_migration_that_has_not_begun(shop: Site) -> None:
    shop.shell.write("1_age.sql", "ALTER TABLE users ADD COLUMN age int;\n")

    done = shop("contract", "1")

    assert done.code == 5
    assert "migrate apply" in done.err


def test_contract_through_a_version(shop: Site) -> None:
    allow = '-- migrate: allow data-loss reason="x"\n-- migrate: allow breaks-running-code reason="x"\n'
    shop.sql("CREATE TABLE old_a (); CREATE TABLE old_b ()")
    shop.shell.write("1_a.sql", f"{allow}DROP TABLE old_a;\n")
    shop.shell.write("2_b.sql", f"{allow}DROP TABLE old_b;\n")
    shop.shell.write("3_c.sql", f"{allow}DROP TABLE users;\n")
    assert shop("apply").code == 0

    done = shop("contract", "--through", "2")

    assert done.code == 0, str(done)
    assert shop.sql("SELECT to_regclass('old_a'), to_regclass('old_b'), to_regclass('users')") == [
        (None, None, "users")
    ]


def test_dry_run_prints_sql_and_changes_nothing(shop: Site) -> None:
    shop.shell.write("1_idx.sql", "CREATE INDEX users_name ON users (name);\n")

    done = shop("apply", "--dry-run")

    assert done.code == 0, str(done)
    assert "CONCURRENTLY" in done.out
    assert shop.sql("SELECT to_regclass('users_name')") == [(None,)]
    assert shop.sql("SELECT count(*) FROM migrator.migration") == [(0,)]


def test_to_version_begins_nothing_after_it(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    shop.shell.write("2_b.sql", "ALTER TABLE users ADD COLUMN b int;\n")

    done = shop("apply", "--to", "1")

    assert done.code == 0, str(done)
    assert shop.sql("SELECT version FROM migrator.migration") == [("1",)]


def test_phase_stops_after_that_phase(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\nCREATE INDEX users_a ON users (a);\n")

    first = shop("apply", "--phase", "expand")
    between = shop.sql("SELECT to_regclass('users_a')")
    second = shop("apply")

    assert first.code == second.code == 0, str(second)
    assert between == [(None,)]
    assert shop.sql("SELECT to_regclass('users_a')") == [("users_a",)]


def test_all_phases_is_refused_on_a_database_in_use(shop: Site) -> None:
    done = shop("apply", "--all-phases")

    assert done.code == 2
    assert "disposable" in done.err


def test_backfill_reports_its_progress_as_json(shop: Site) -> None:
    shop.shell.write(
        "1_fill.sql",
        "ALTER TABLE users ADD COLUMN lower_name text;\nUPDATE users SET lower_name = lower(name);\n",
    )

    done = shop("apply")

    assert done.code == 0, str(done)
    events = [json.loads(line) for line in done.err.splitlines()]
    assert {"migration.started", "step.started", "step.finished", "backfill.progress"} <= {
        event["event"] for event in events
    }
    assert shop.sql("SELECT count(*) FROM users WHERE lower_name IS NULL") == [(0,)]


def test_log_format_text_is_for_people(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")

    done = shop("apply", "--log-format", "text")

    assert done.code == 0
    assert "step.finished" in done.err
    assert not done.err.startswith("{")


def test_an_older_file_that_shares_a_table_is_refused(shop: Site) -> None:
    shop.shell.write("2_b.sql", "ALTER TABLE users ADD COLUMN b int;\n")
    assert shop("apply").code == 0
    late = shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")

    refused = shop("apply")
    renumbered = shop("renumber", str(late))
    done = shop("apply")

    assert refused.code == 5, str(refused)
    assert "migrate renumber" in refused.err
    assert renumbered.code == 0
    assert done.code == 0, str(done)


def test_an_older_file_that_shares_nothing_is_applied(shop: Site) -> None:
    shop.sql("CREATE TABLE other (id int)")
    shop.shell.write("2_b.sql", "ALTER TABLE users ADD COLUMN b int;\n")
    assert shop("apply").code == 0
    shop.shell.write("1_a.sql", "ALTER TABLE other ADD COLUMN a int;\n")

    done = shop("apply")

    assert done.code == 0, str(done)


def test_a_finished_file_that_was_edited(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    assert shop("apply").code == 0
    shop.shell.write("1_a.sql", "-- only a comment\nALTER  TABLE users ADD COLUMN a int;\n")
    comment = shop("apply")
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a bigint;\n")

    refused = shop("apply")
    resolved = shop("resolve", "1", "--accept-checksum", "--reason", "the type was a typo")
    done = shop("apply")

    assert comment.code == 0, str(comment)
    assert refused.code == 5
    assert "--accept-checksum" in refused.err
    assert "1_a.sql:1:1" in refused.err
    assert resolved.code == 0, str(resolved)
    assert done.code == 0, str(done)


def test_a_failed_file_may_be_edited_where_it_has_not_begun(shop: Site) -> None:
    shop.sql("INSERT INTO users VALUES (10001, 'user 1')")
    first = "ALTER TABLE users ADD COLUMN a int;\n"
    shop.shell.write("1_a.sql", f"{first}CREATE UNIQUE INDEX users_name ON users (name);\n")
    failed = shop("apply")
    shop.shell.write("1_a.sql", f"{first}CREATE INDEX users_name ON users (name);\n")

    edited_begun = shop("apply")
    shop.sql("DELETE FROM users WHERE id = 10001")
    shop.shell.write("1_a.sql", f"{first}CREATE UNIQUE INDEX users_name ON users (name);\n")
    done = shop("apply")

    assert failed.code == 8, str(failed)
    assert "user 1" in failed.err
    assert edited_begun.code == 5, str(edited_begun)
    assert done.code == 0, str(done)


def test_a_statement_that_has_not_begun_may_be_edited(shop: Site) -> None:
    shop.sql("INSERT INTO users VALUES (10001, 'user 1')")
    head = "CREATE UNIQUE INDEX users_name ON users (name);\n"
    shop.shell.write("1_a.sql", f"{head}CREATE INDEX users_lower ON users (lower(name));\n")
    failed = shop("apply")
    shop.sql("DELETE FROM users WHERE id = 10001")
    shop.shell.write("1_a.sql", f"{head}CREATE INDEX users_upper ON users (upper(name));\n")

    done = shop("apply")

    assert failed.code == 8, str(failed)
    assert done.code == 0, str(done)
    assert shop.sql("SELECT to_regclass('users_lower'), to_regclass('users_upper')") == [
        (None, "users_upper")
    ]


def test_resolved_as_rolled_back_is_pending_again(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    assert shop("apply").code == 0
    shop.sql("ALTER TABLE users DROP COLUMN a")

    resolved = shop("resolve", "1", "--rolled-back", "--reason", "dropped by hand")
    done = shop("apply")

    assert resolved.code == 0, str(resolved)
    assert "applied    1  a" in done.out


def test_resolved_as_applied_goes_on_with_the_next(shop: Site) -> None:
    shop.sql("INSERT INTO users VALUES (10001, 'user 1')")
    unique = "CREATE UNIQUE INDEX users_name ON users (name);\n"
    shop.shell.write("1_a.sql", unique + "ALTER TABLE users ADD CHECK (id > 0);\n")
    assert shop("apply").code == 8

    resolved = shop("resolve", "1", "--applied", "--reason", "not needed after all")
    done = shop("apply")
    contracted = shop("contract", "1", "--yes")

    assert resolved.code == 0, str(resolved)
    assert done.code == 0, str(done)
    assert contracted.code == 0, str(contracted)


def test_resolve_needs_a_reason_and_a_choice(shop: Site) -> None:
    assert shop("resolve", "1", "--applied").code == 2
    assert shop("resolve", "1", "--reason", "x").code == 2
    assert shop("resolve", "1", "--applied", "--reason", " ").code == 2
    assert shop("resolve", "99", "--rolled-back", "--reason", "x").code == 5


def test_status_without_the_files(shop: Site) -> None:
    path = shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    assert shop("apply").code == 0
    path.unlink()
    shop.shell.migrations.rmdir()

    done = shop("status")
    document = json.loads(shop("status", "--format", "json").out)

    assert done.code == 0, str(done)
    assert "applied" in done.out
    assert document["migrations"][0]["state"] == "applied"
    assert document["migrations"][0]["steps"][0]["state"] == "done"
    assert document["pending"] is None


def test_status_check_pending(shop: Site) -> None:
    before = shop("status", "--check", "pending")
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")

    done = shop("status", "--check", "pending")

    assert before.code == 0, str(before)
    assert done.code == 4
    assert "pending" in done.out
