"""`migrate resolve` after a kill in a statement outside a transaction: nothing proves its outcome."""

import pytest

from tests.cli.conftest import Site, finish
from tests.waiting import until

# The command line is the same for every server; what it calls is tested on each of them by itself.
pytestmark = pytest.mark.postgres(newest=True)

VERSION = "1"
NEXT = "ALTER TABLE users ADD COLUMN age int;\n"


def killed_in_vacuum(shop: Site) -> None:
    """Leave a migration whose intent is committed, and whose statement was cut off."""
    shop.shell.write("1_vacuum.sql", "VACUUM (DISABLE_PAGE_SKIPPING) users;\n")
    shop.shell.write("2_age.sql", NEXT)
    holder = shop.database.connect()
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE")
    process = shop.shell.start("apply")
    waiting = (
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'VACUUM%' AND wait_event_type = 'Lock' "
        "AND application_name LIKE 'migrator%' AND datname = current_database()"
    )

    def begun() -> list[tuple[object, ...]]:
        assert process.poll() is None, str(finish(process))
        return shop.sql(waiting)

    until(begun, what="the statement waits")
    process.kill()
    process.communicate()
    holder.execute("ROLLBACK")


def state(shop: Site, version: str) -> object:
    found = shop.sql(f"SELECT state FROM migrator.migration WHERE version = '{version}'")
    return found[0][0] if found else None


@pytest.mark.parametrize("choice", ["--applied", "--rolled-back"])
def test_a_person_decides_what_nothing_proves(shop: Site, choice: str) -> None:
    killed_in_vacuum(shop)

    for _ in range(2):  # and it stays so until somebody decides
        asked = shop("apply")

        assert asked.code == 8, str(asked)
        assert "nothing proves its outcome" in asked.err
        assert f"migrate resolve {VERSION} --applied | --rolled-back" in asked.err
        assert state(shop, VERSION) == "failed"

    resolved = shop("resolve", VERSION, choice, "--reason", "looked at it")
    after = shop("apply")

    assert resolved.code == 0, str(resolved)
    assert after.code == 0, str(after)
    assert (state(shop, VERSION), state(shop, "2")) == ("applied", "applied")

    ran = shop.sql("SELECT count(*) FROM migrator.attempt WHERE version = '1' AND outcome = 'done'")

    assert ran == [(0 if choice == "--applied" else 1,)]
    kind = f"resolve.{choice.strip('-').replace('-', '_')}"
    assert shop.sql(f"SELECT details ->> 'reason' FROM migrator.event WHERE kind = '{kind}'") == [
        ("looked at it",)
    ]
