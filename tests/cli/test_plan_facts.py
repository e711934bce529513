"""`migrate plan` without the database: a file of facts, a shadow that replays the files, or nothing."""

import json

import pytest

from tests.cli.conftest import Shell, Site
from tests.servers import Server

pytestmark = pytest.mark.postgres(newest=True)

SMALL = "CREATE TABLE small (id bigint PRIMARY KEY, name text);\n"
NOT_NULL = "ALTER TABLE {0} ALTER COLUMN name SET NOT NULL;\n"


@pytest.fixture
def exported(site: Site) -> Site:
    """A database with a small table, a large one and one of its files; its facts in facts.json."""
    site.shell.write("1_small.sql", SMALL)
    assert site("apply").code == 0
    site.sql("CREATE TABLE large (id bigint PRIMARY KEY, name text)")
    site.sql("INSERT INTO large SELECT n, 'a secret row' FROM generate_series(1, 20000) AS n")
    site.sql("ANALYZE small, large")
    done = site("facts", "export", "-o", "facts.json")
    assert done.code == 0, str(done)
    (site.shell.folder / "migrate.toml").write_text("")  # small tables count as small again
    return site


def facts_of(site: Site) -> dict[str, object]:
    found: dict[str, object] = json.loads((site.shell.folder / "facts.json").read_text())
    return found


def without_database(site: Site, *arguments: str) -> str:
    done = site.shell("plan", *arguments, DATABASE_URL="")
    assert done.code in {0, 3}, str(done)
    return done.out + done.err


def test_what_the_file_has_not_begun_is_pending_with_its_sizes(exported: Site) -> None:
    exported.shell.write("2_both.sql", NOT_NULL.format("small") + NOT_NULL.format("large"))

    shown = without_database(exported, "--facts", "facts.json")

    small, _, large = shown.partition("2:1  ALTER TABLE large")
    assert "1_small.sql" not in shown
    assert "runs as written" in small
    assert "VALIDATE CONSTRAINT" not in small
    assert "VALIDATE CONSTRAINT" in large
    assert "from facts: file of" in shown
    assert f"written {facts_of(exported)['made_at']}" in shown
    assert "the facts are 0 hours old" in shown


def test_files_in_between_have_run_and_what_they_make_is_in_use(exported: Site) -> None:
    exported.shell.write("2_between.sql", "CREATE TABLE between_them (id bigint PRIMARY KEY, name text);\n")
    path = exported.shell.write("3_chosen.sql", NOT_NULL.format("between_them"))

    shown = without_database(exported, str(path), "--facts", "facts.json")

    assert "VALIDATE CONSTRAINT" in shown
    assert "after migrations/2_between.sql, which they do not have yet" in shown
    assert "missing-object" not in shown


def test_the_file_says_how_the_server_is_and_nothing_of_rows(exported: Site) -> None:
    document = facts_of(exported)
    server = document["server"]

    assert isinstance(server, dict)
    assert server["begun"] == ["1"]
    assert {"wal_level", "max_wal_size", "lock_timeout"} <= dict(server["settings"]).keys()
    assert "large" in json.dumps([each["relation"] for each in server["activity"]])
    assert "a secret row" not in json.dumps(document)


def test_speeds_that_the_journal_has_seen_are_in_the_file_and_in_plans(exported: Site) -> None:
    exported.shell.write("2_large.sql", "ALTER TABLE large ADD CHECK (id > 0);\n")
    assert exported("apply", MIGRATE_SMALL_TABLE_ROWS="0").code == 0
    exported.sql("UPDATE migrator.step SET started_at = finished_at - interval '2 s' WHERE version = '2'")
    assert exported("facts", "export", "-o", "facts.json").code == 0
    path = exported.shell.write("3_again.sql", "ALTER TABLE large ADD CHECK (id > 1);\n")

    shown = without_database(exported, str(path), "--facts", "facts.json", "--format", "json")

    (estimate,) = json.loads(shown[: shown.rindex("}") + 1])["estimates"]
    assert (estimate["pace"], estimate["measured"]) == ("scan", True)
    assert estimate["seconds"]["low"] == pytest.approx(1.0, rel=0.1)  # twice as fast as the one that was seen
    assert estimate["seconds"]["high"] == pytest.approx(4.0, rel=0.1)


def test_one_source_of_facts_at_a_time(exported: Site) -> None:
    both = exported("plan", "--facts", "facts.json", "--database", exported.database.url)
    neither = exported("plan", "--facts", "facts.json", "--offline")
    broken = exported("plan", "--facts", "migrate.toml")

    assert (both.code, neither.code, broken.code) == (2, 2, 5), f"{both}\n{neither}\n{broken}"
    assert "migrate.toml is no file of facts" in broken.err


def test_without_a_database_the_files_before_are_replayed(shell: Shell, server: Server) -> None:
    shell.write("1_users.sql", "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n")
    path = shell.write("2_change.sql", NOT_NULL.format("users") + NOT_NULL.format("nobody"))

    done = shell("plan", str(path), "--shadow", server.url)

    assert done.code == 3, str(done)
    assert "from facts: shadow (1 file replayed on " in done.out
    assert "VALIDATE CONSTRAINT" in done.out
    assert "[missing-object]" in done.out
    assert "replaying 1 file" in done.err


def test_files_that_do_not_run_anew_are_no_obstacle(shell: Shell, server: Server) -> None:
    shell.write("1_users.sql", "ALTER TABLE nobody ADD COLUMN a int;\n")
    path = shell.write("2_change.sql", NOT_NULL.format("users"))

    done = shell("plan", str(path), "--shadow", server.url)

    assert done.code == 0, str(done)
    assert "from facts: nothing" in done.out
    assert "1_users.sql" in done.err
    assert "so all count as large" in done.err
