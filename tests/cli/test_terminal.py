"""What a person sees and can do in a terminal: the bar, the question, Ctrl-C."""

import re

import pytest

from tests.cli.conftest import SETTINGS, Site
from tests.cli.terminal import CTRL_C, terminal
from tests.waiting import until_row

pytestmark = pytest.mark.postgres(newest=True)

FILL = "ALTER TABLE users ADD COLUMN lower_name text;\nUPDATE users SET lower_name = lower(name);\n"

BAR = r"[\d,]+ rows  [\d,]+ rows/s  [\d.]+ (s|min)[^\r\n]* left"


@pytest.fixture
def slow(shop: Site) -> Site:
    """A shop in which the backfill takes long enough to be looked at."""
    (shop.shell.folder / "migrate.toml").write_text(SETTINGS + 'batch_rows = 10\nbatch_target = "50ms"\n')
    shop.sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.004); RETURN new; END $$"
    )
    shop.sql("CREATE TRIGGER slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slow()")
    shop.shell.write("1_fill.sql", FILL)
    return shop


def quick(site: Site) -> None:
    site.sql(
        "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$"
    )


def test_bar_and_ctrl_c_and_resume(slow: Site) -> None:
    with terminal(slow.shell, "apply", "--yes") as window:
        window.until(BAR)
        window.type(CTRL_C)
        window.until("stopping after this batch")
        code = window.finish()
    filled = slow.sql("SELECT count(lower_name) FROM users")[0][0]
    quick(slow)
    with terminal(slow.shell, "apply", "--yes") as second:
        ended = second.finish()

    assert code == 130, window.shown
    assert "run the same command again" in window.shown
    assert isinstance(filled, int)
    assert 0 < filled < 5000
    assert ended == 0, second.shown
    assert "resumed" in second.shown
    assert slow.sql("SELECT count(*) FROM users WHERE lower_name IS DISTINCT FROM lower(name)") == [(0,)]


def test_second_ctrl_c_cancels_the_query(shop: Site) -> None:
    shop.sql(
        "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(60); RETURN new; END $$"
    )
    shop.sql("CREATE TRIGGER stuck BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stuck()")
    shop.shell.write("1_fill.sql", FILL)
    with terminal(shop.shell, "apply", "--yes") as window:
        # A batch ends by itself after some seconds: both keys have to come while the same one is stuck.
        until_row(
            shop.database.connect(),
            "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database() "
            "AND query_start > clock_timestamp() - interval '0.5 s'",
        )
        window.type(CTRL_C)
        window.until("stopping after this batch")
        window.type(CTRL_C)
        window.until("cancelling")
        code = window.finish()

    assert code == 130, window.shown


def test_without_a_terminal_there_are_log_lines_and_no_bar(slow: Site) -> None:
    quick(slow)

    done = slow("apply")

    assert done.code == 0, str(done)
    assert "\x1b[" not in done.err
    assert "backfill.progress" in done.err


def test_question_shows_host_and_database_and_no_changes_nothing(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    info = shop.database.connect().info
    with terminal(shop.shell, "apply") as window:
        window.until(r"go on\? \[y/N\]")
        window.type("n\n")
        code = window.finish()

    assert code == 2, window.shown
    assert "run 1 step of 1 migration" in window.shown
    assert f"database: {shop.database.name} on {info.host}:{info.port}" in window.shown
    assert "nothing was run" in window.shown
    assert shop.sql("SELECT count(*) FROM migrator.migration") == [(0,)]
    assert shop.sql("SELECT 1 FROM information_schema.columns WHERE column_name = 'a'") == []


def test_question_answered_with_yes(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    with terminal(shop.shell, "apply") as window:
        window.until(r"go on\?")
        window.type("y\n")
        code = window.finish()

    assert code == 0, window.shown
    assert re.search(r"applied +1  a", window.shown)


def test_ctrl_c_at_the_question_changes_nothing(shop: Site) -> None:
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")
    with terminal(shop.shell, "apply") as window:
        window.until(r"go on\?")
        window.press_until_ended(CTRL_C)
        code = window.finish()

    assert code == 130, window.shown
    assert shop.sql("SELECT count(*) FROM migrator.migration") == [(0,)]
