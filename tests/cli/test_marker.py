"""A marker password through every way in: it comes out nowhere, in success as in failure."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from migrator.cli.main import run
from migrator.postgres.passwords import MASK, sql_without_passwords
from tests.cli.conftest import MARKER, SETTINGS, Site

pytestmark = pytest.mark.postgres(newest=True)

WRONG = "WRONG-" + MARKER


@dataclass(frozen=True, kw_only=True)
class Given:
    """What an invocation is given: arguments, environment, files of the project folder."""

    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


Parts = dict[str, Any]
"""host, port, dbname, user, password."""


def url(p: Parts) -> str:
    secret, host = quote(p["password"], safe=""), quote(p["host"], safe="")
    return f"postgresql://{p['user']}:{secret}@/{p['dbname']}?host={host}&port={p['port']}"


def pairs(p: Parts) -> str:
    return psycopg.conninfo.make_conninfo(**p)


def libpq(p: Parts, **more: str) -> dict[str, str]:
    known = {"PGHOST": p["host"], "PGPORT": str(p["port"]), "PGDATABASE": p["dbname"], "PGUSER": p["user"]}
    return known | more


def printing(password: str) -> list[str]:
    """A command that prints it, and has it nowhere in its arguments: every user can read those."""
    return ["cat", "wrong" if password == WRONG else "right"]


WAYS: dict[str, Callable[[Parts], Given]] = {
    "flag_url": lambda p: Given(arguments=("--database", url(p))),
    "flag_pairs": lambda p: Given(arguments=(f"--database={pairs(p)}",)),
    "database_url": lambda p: Given(environment={"DATABASE_URL": url(p)}),
    "migrate_database": lambda p: Given(environment={"MIGRATE_DATABASE": pairs(p)}),
    "pgpassword": lambda p: Given(environment=libpq(p, PGPASSWORD=p["password"])),
    "passfile": lambda p: Given(
        environment=libpq(p, PGPASSFILE="pass"), files={"pass": f"*:*:*:*:{p['password']}\n"}
    ),
    "service": lambda p: Given(
        arguments=("--database", "service=shop"),
        environment={"PGSERVICEFILE": "services"},
        files={"services": "[shop]\n" + "".join(f"{name}={value}\n" for name, value in p.items())},
    ),
    "env": lambda p: Given(arguments=("--database", "env:SHOP"), environment={"SHOP": url(p)}),
    "file": lambda p: Given(arguments=("--database", "file:address"), files={"address": pairs(p) + "\n"}),
    "command": lambda p: Given(
        environment=libpq(p),
        files={"migrate.toml": f"password_command = {json.dumps(printing(p['password']))}"},
    ),
    "environments": lambda p: Given(
        arguments=("--env", "shop"),
        files={"migrate.toml": f"[environments.shop]\ndatabase = {json.dumps(url(p))}\n"},
    ),
}


@dataclass(frozen=True, kw_only=True)
class Cast:
    """The program in this process, given what a way gives."""

    site: Site
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def __call__(self, given: Given, *arguments: str) -> tuple[int, str]:
        folder = self.site.shell.folder
        (folder / "migrate.toml").write_text(SETTINGS)
        (folder / "right").write_text(MARKER + "\n")
        (folder / "wrong").write_text(WRONG + "\n")
        for name, text in given.files.items():
            path = folder / name
            path.write_text(text + (f"\n{SETTINGS}" if name == "migrate.toml" else ""))
            path.chmod(0o600)
        whole = [*arguments, *given.arguments]
        with self.monkeypatch.context() as patched:
            patched.chdir(folder)
            for name in ("DATABASE_URL", "PGPASSWORD"):
                patched.delenv(name, raising=False)
            for name, value in given.environment.items():
                patched.setenv(name, value)
            patched.setattr("sys.argv", ["migrate", *whole])
            # Put back in the end: a password command sets it.
            patched.setenv("PGPASSWORD", given.environment.get("PGPASSWORD", ""))
            code = run(whole)
        said = self.capture.readouterr()
        return code, said.out + said.err


@pytest.fixture
def cast(shop: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cast:
    return Cast(site=shop, monkeypatch=monkeypatch, capture=capsys)


def parts(site: Site, **changes: str) -> Parts:
    """A role of the test's own with the marker as its password."""
    role = f"marked_{site.database.name}"
    if not site.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):
        site.sql(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{MARKER}'")
    info = site.database.connect().info
    known = {"host": info.host, "port": info.port, "dbname": site.database.name, "user": role}
    return known | {"password": MARKER} | changes


@pytest.mark.parametrize("way", WAYS)
def test_marker_is_shown_nowhere(cast: Cast, way: str) -> None:
    given, shop = WAYS[way], cast.site
    shop.shell.write("1_a.sql", "ALTER TABLE users ADD COLUMN a int;\n")

    told = [
        cast(given(parts(shop)), "status", "-vv"),
        cast(given(parts(shop)), "plan", "--save", "plan.json"),
        cast(given(parts(shop)), "facts", "export", "-o", "facts.json"),
        cast(given(parts(shop)), "apply", "--yes", "-vv", "--log-format", "json"),
        cast(given(parts(shop, port="1")), "status", "-vv"),
        cast(given(parts(shop, host="nowhere.invalid")), "apply", "--yes", "-vv"),
        cast(given(parts(shop, dbname="absent")), "plan", "-vv"),
    ]
    wrong = cast(given(parts(shop, password=WRONG)), "status", "-vv")

    assert [code for code, _ in told] == [0, 0, 0, 0, 9, 9, 9], told
    assert wrong[0] == (9 if shop.database.server.container else 0), wrong
    for _, said in (*told, wrong):
        assert MARKER not in said
        assert quote(MARKER, safe="") not in said
    for name in ("plan.json", "facts.json"):
        assert MARKER not in (shop.shell.folder / name).read_text()
    assert MARKER not in everything(shop)


def everything(site: Site) -> str:
    """Every row of the journal, and what each session tells of itself."""
    tables = site.sql(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'migrator'"
    )
    rows = [row for (table,) in tables for row in site.sql(f"SELECT t::text FROM {table} AS t")]
    assert len(rows) > 5
    return "\n".join(map(str, [*rows, *site.sql("SELECT application_name FROM pg_stat_activity")]))


def test_marker_in_a_bug(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a traceback, the one thing that nobody looked at before."""
    given = WAYS["file"](parts(cast.site))

    def broken(*_: object) -> None:
        message = f"it was {MARKER} and {quote(MARKER, safe='')}"
        raise RuntimeError(message)

    monkeypatch.setattr("migrator.cli.status_report.as_text", broken)
    code, said = cast(given, "status")

    assert code == 1
    assert "it was *** and" in said
    assert MARKER not in said


SETS = (
    f"CREATE ROLE marked LOGIN PASSWORD '{MARKER}'",
    f"ALTER ROLE marked ENCRYPTED PASSWORD 'it''s {MARKER}' VALID UNTIL 'infinity'",
    f"ALTER USER marked WITH PASSWORD $x${MARKER}$x$",
    f"ALTER ROLE marked PASSWORD E'{MARKER}'",
    f"CREATE USER MAPPING FOR marked SERVER s OPTIONS (user 'u', password '{MARKER}')",
    f"""ALTER USER MAPPING FOR marked SERVER s OPTIONS (SET "password" '{MARKER}')""",
    f"CREATE SUBSCRIPTION s CONNECTION 'host=h password={MARKER} dbname=d' PUBLICATION p",
    f"CREATE SUBSCRIPTION s CONNECTION 'postgresql://u:{MARKER}@h/d' PUBLICATION p",
)


@pytest.mark.parametrize("statement", SETS)
def test_passwords_that_sql_sets_are_masked(statement: str) -> None:
    assert MARKER not in sql_without_passwords(statement)
    assert MASK in sql_without_passwords(statement)
    cut = statement[: statement.index(MARKER) + 5]
    assert MARKER[:5] not in sql_without_passwords(f"  1:1  {cut}…\nnext line")
    assert "next line" in sql_without_passwords(f"  1:1  {cut}…\nnext line")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE users ADD COLUMN password text",
        "UPDATE users SET password = crypt(password, gen_salt('bf')) WHERE password = ''",
        "ALTER ROLE marked PASSWORD NULL",
        "COMMENT ON COLUMN users.password IS 'hashed'",
    ],
)
def test_other_sql_is_shown_as_it_runs(statement: str) -> None:
    assert sql_without_passwords(statement) == statement


def test_password_that_a_file_sets(shop: Site) -> None:
    """It is in no report and no log; the saved plan and the journal have it, because they are what runs."""
    role = f"made_{shop.database.name}"
    approved = '-- migrate: allow opaque-statement reason="a role"\n'
    shop.shell.write("1_role.sql", f"{approved}CREATE ROLE {role} PASSWORD '{MARKER}';\n")

    shown = [
        shop("plan"),
        shop("apply", "--dry-run"),
        shop("apply", "-vv", "--log-format", "json"),
        shop("status", "--format", "json"),
        shop("status"),
    ]  # that the marker is in none of them is asserted for each
    shop.sql(f"DROP ROLE {role}")

    assert [done.code for done in shown] == [0] * 5, "\n".join(map(str, shown))
    assert "'***'" in shown[0].out
    assert MARKER in everything(shop)
