"""Who is in the way, end to end: in the log, the journal and `migrate status`; and ending them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.cli.conftest import Done, Site, finish
from tests.waiting import until

# The command line is the same for every server; what it calls is tested on each of them by itself.
pytestmark = pytest.mark.postgres(newest=True)

QUERY = "SELECT count(*) FROM users WHERE name = 'geheim'"


@contextmanager
def reader(site: Site, query: str = QUERY) -> Iterator[psycopg.Connection[Any]]:
    """A session of the application that forgot its COMMIT."""
    connection = psycopg.connect(site.database.url, application_name="web")
    try:
        connection.execute(query.encode())
        yield connection
    finally:
        connection.close()


def logged(done: Done, name: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    return [event for event in events if event["event"] == name]


def age(site: Site) -> None:
    site.shell.write("1_age.sql", "ALTER TABLE users ADD COLUMN age int;\n")


def test_the_log_says_for_whom_it_waits_in_both_forms_and_masked_on_request(shop: Site) -> None:
    age(shop)
    with reader(shop) as holder:
        pid = holder.info.backend_pid
        as_json = shop("apply")
        as_text = shop("apply", "--log-format", "text")
        masked = shop("apply", "--mask-queries")
        waits_for = shop.sql("SELECT waits_for FROM migrator.step")

    found = logged(as_json, "lock.waiting")[-1]["blockers"][0]
    masked_too = logged(masked, "lock.waiting")[-1]["blockers"][0]

    assert [done.code for done in (as_json, as_text, masked)] == [7, 7, 7]
    assert (found["pid"], found["application"], found["state"]) == (pid, "web", "idle in transaction")
    assert (found["mode"], found["relation"], found["query"]) == ("ACCESS SHARE", "users", QUERY)
    assert f"process {pid} (" in as_text.err
    assert f"holds ACCESS SHARE on users: {QUERY}" in as_text.err
    assert masked_too["query"] == "SELECT count(*) FROM users WHERE name = ?"
    assert "geheim" not in masked.err + str(waits_for)


def test_status_shows_whom_a_build_waits_for_and_who_waits_behind_it(shop: Site) -> None:
    shop.shell.write("1_index.sql", "CREATE INDEX users_name ON users (name);\n")
    late = shop.database.connect()
    with reader(shop, "UPDATE users SET name = 'geheim' WHERE id = 1") as holder:
        pid = holder.info.backend_pid
        running = shop.shell.start("apply")

        def waiting() -> list[dict[str, Any]]:
            status = json.loads(shop("status", "--format", "json").out)
            return [session for session in status["sessions"] if session["waits_for"]]

        def shown_behind() -> str:
            text = shop("status").out
            return text if "is waited for by" in text else ""

        (session,) = until(waiting, what="a build that waits")
        late.pgconn.send_query(b"ALTER TABLE users SET (autovacuum_enabled = off)")
        late.pgconn.flush()
        text = until(shown_behind, what="somebody behind it")
        masked = shop("status", MIGRATE_MASK_QUERIES="on")
        holder.commit()
        done = finish(running)

    assert done.code == 0, str(done)
    assert session["purpose"] == "build"
    assert [b["pid"] for b in session["waits_for"]] == [pid]
    assert session["waits_for"][0]["query"] == "UPDATE users SET name = 'geheim' WHERE id = 1"
    assert f"process {session['pid']} waits for process {pid} (" in text
    assert "holds ROW EXCLUSIVE on users: UPDATE users SET name = 'geheim' WHERE id = 1" in text
    assert "which wants SHARE UPDATE EXCLUSIVE on users: ALTER TABLE users SET" in text
    assert "UPDATE users SET name = ? WHERE id = ?" in masked.out


def test_who_is_in_the_way_for_too_long_is_ended(shop: Site) -> None:
    age(shop)
    with reader(shop) as holder:
        pid = holder.info.backend_pid
        done = shop("apply", "--terminate-blockers", "300ms", "--mask-queries")

        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT 1")

    (told,) = logged(done, "blocker.terminated")

    assert done.code == 0, str(done)
    assert (told["level"], told["pid"], told["after_s"], told["step"]) == ("warning", pid, 0.3, "1.1")
    assert shop.sql("SELECT details ->> 'pid' FROM migrator.event WHERE kind = 'blocker.terminated'") == [
        (str(pid),)
    ]
    assert shop.sql("SELECT count(age) FROM users") == [(0,)]


def test_a_writer_is_told_and_spared_unless_that_is_allowed_too(shop: Site) -> None:
    age(shop)
    with reader(shop, "UPDATE users SET name = 'x' WHERE id = 1"):
        spared = shop("apply", MIGRATE_TERMINATE_BLOCKERS="300ms")
        off = shop("apply", "--terminate-blockers", "off", MIGRATE_TERMINATE_BLOCKERS="300ms")
        ended = shop("apply", "--terminate-blockers", "300ms", "--terminate-writers")

    assert (spared.code, off.code, ended.code) == (7, 7, 0)
    assert "terminate_writers" in logged(spared, "blocker.spared")[0]["reason"]
    assert logged(off, "blocker.spared") == []
    assert len(logged(ended, "blocker.terminated")) == 1
    assert shop.sql("SELECT name FROM users WHERE id = 1") == [("user 1",)]


def test_missing_rights_to_end_sessions_are_named_before_anything_runs(shop: Site) -> None:
    age(shop)
    role = f"{shop.database.name}_deploy"
    url = urlsplit(shop.database.url)
    if not url.hostname:
        pytest.skip("the embedded server listens on no port, and trusts everybody")
    limited = url._replace(netloc=f"{role}:secret@{url.hostname}:{url.port}").geturl()
    shop.sql(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT pg_read_all_stats TO {role}")
    shop.sql(f"ALTER TABLE users OWNER TO {role}")
    shop.sql(f"GRANT USAGE, CREATE ON SCHEMA migrator TO {role}")
    shop.sql(f"GRANT ALL ON ALL TABLES IN SCHEMA migrator TO {role}")
    try:
        done = shop("apply", "--terminate-blockers", "5min", DATABASE_URL=limited)
    finally:
        shop.sql(f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}")

    assert done.code == 5, str(done)
    assert f'(terminate_blockers): GRANT pg_signal_backend TO "{role}"' in done.err
    assert shop.sql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'age'") == [(0,)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--terminate-writers",), "means nothing without --terminate-blockers AFTER"),
        (("--terminate-blockers", "soon"), "--terminate-blockers: expected a duration"),
        (("--terminate-blockers", "0"), "--terminate-blockers: expected a duration"),
    ],
)
def test_options_that_make_no_sense(shop: Site, options: tuple[str, ...], said: str) -> None:
    done = shop("apply", *options)

    assert done.code == 2, str(done)
    assert said in done.err
