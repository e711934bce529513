"""Settings: where they come from, which wins, and what is said of wrong ones."""

from pathlib import Path
from typing import Any

import pytest

from migrator.configuration import KEYS, Configuration, holds_password, load, values
from migrator.configuration.policy_values import ApprovalsIn
from migrator.errors import ConfigurationError
from migrator.plan.hazard import HazardKind, Severity
from migrator.policy import Ignore, Policy

EVERYTHING = """\
dir = "db/migrations"
database = "service=shop"
role = "shop_owner"
password_command = "aws rds generate-db-auth-token --region 'eu west'"
postgres_version = 15
disposable = false

[rewrite]
small_table_rows = 500
small_table_bytes = "1MB"

[run]
lock_budget = "50ms"
lock_deadline = "5 min"
long_deadline = "6h"
batch_target = "0.1s"
batch_rows = 200
workers = 2
journal_schema = "ops"

[policy]
require_reason = false
severity = { holds-back-vacuum = "error" }
approvals = "file"

[[policy.ignores]]
paths = ["db/migrations/2024*"]
hazards = ["unindexed-foreign-key"]
reason = "before we knew"

[environments.laptop]
database = "postgresql://localhost/shop_dev"
disposable = true
[environments.laptop.run]
lock_budget = "1s"
"""


IGNORE = "[[policy.ignores]]\npaths = ['*']\n"


def configured(folder: Path, text: str, **given: Any) -> Configuration:  # noqa: ANN401  # arguments of load()
    (folder / "migrate.toml").write_text(text, encoding="utf-8")
    return load(start=folder, **{"environ": {}, **given})


def test_without_anything_the_defaults_are_those_of_the_policy(tmp_path: Path) -> None:
    found = load(start=tmp_path, environ={})

    assert found.policy == Policy()
    assert found.conninfo({}) == ""
    assert found.database_source == "libpq"


def test_every_key_is_read(tmp_path: Path) -> None:
    found = configured(tmp_path, EVERYTHING)

    assert found == Configuration(
        directory=tmp_path / "db/migrations",
        database="service=shop",
        database_source="file",
        role="shop_owner",
        password_command=("aws", "rds", "generate-db-auth-token", "--region", "eu west"),
        postgres_version=15,
        small_table_rows=500,
        small_table_bytes=1024**2,
        lock_budget_ms=50,
        lock_deadline_s=300.0,
        long_deadline_s=21_600.0,
        batch_target_ms=100,
        batch_rows=200,
        workers=2,
        journal_schema="ops",
        require_reason=False,
        severity=((HazardKind.HOLDS_BACK_VACUUM, Severity.ERROR),),
        ignores=(
            Ignore(
                paths=("db/migrations/2024*",),
                hazards=(HazardKind.UNINDEXED_FOREIGN_KEY,),
                reason="before we knew",
            ),
        ),
        approvals=ApprovalsIn.FILE,
        file=tmp_path / "migrate.toml",
    )
    assert found.policy.lock_budget_ms == 50


def test_a_deadline_that_no_server_timeout_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at most 24 days"):
        configured(tmp_path, '[run]\nlong_deadline = "25d"\n')


def test_pyproject_has_the_same_keys(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.migrate.run]\nworkers = 3\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert load(start=below, environ={}).workers == 3


def test_two_files_with_settings_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.migrate]\ndisposable = true\n")

    with pytest.raises(ConfigurationError, match="keep one"):
        configured(tmp_path, "")


def test_the_search_for_a_file_ends_at_the_repository(tmp_path: Path) -> None:
    (tmp_path / "migrate.toml").write_text("disposable = true\n")
    (tmp_path / "repository" / ".git").mkdir(parents=True)

    assert load(start=tmp_path / "repository", environ={}).file is None


def test_flag_wins_over_section_over_environment_over_file(tmp_path: Path) -> None:
    text = 'database = "service=file"\n[environments.laptop]\ndatabase = "service=section"\n'
    environ = {"DATABASE_URL": "service=url", "MIGRATE_DATABASE": "service=variable"}

    def database(**given: Any) -> tuple[str | None, str]:  # noqa: ANN401  # as above
        found = configured(tmp_path, text, **given)
        return found.database, found.database_source

    assert database() == ("service=file", "file")
    assert database(environ={"DATABASE_URL": "service=url"}) == ("service=url", "environment")
    assert database(environ=environ) == ("service=variable", "environment")
    assert database(environ=environ, environment="laptop") == ("service=section", "file")
    assert database(environ={**environ, "MIGRATE_ENV": "laptop"}) == ("service=section", "file")
    flags = {"database": "service=flag"}
    assert database(environ=environ, environment="laptop", flags=flags) == ("service=flag", "flag")


def test_a_section_overrides_tables_too(tmp_path: Path) -> None:
    found = configured(tmp_path, EVERYTHING, environment="laptop")

    assert (found.lock_budget_ms, found.batch_rows, found.disposable) == (1000, 200, True)


def test_environment_variables_are_named_after_their_keys(tmp_path: Path) -> None:
    found = load(start=tmp_path, environ={"MIGRATE_LOCK_BUDGET": "20ms", "MIGRATE_DISPOSABLE": "yes"})

    assert (found.lock_budget_ms, found.disposable) == (20, True)
    assert len({key.variable for key in KEYS}) == len(KEYS)


def test_what_approvals_need_may_stand_in_variables(tmp_path: Path) -> None:
    environ = {"MIGRATE_APPROVALS": "file", "MIGRATE_REQUIRE_REASON": "data-loss,locks"}
    found = load(start=tmp_path, environ=environ)

    assert found.approvals is ApprovalsIn.FILE
    assert found.policy.asks_reason(HazardKind.DATA_LOSS)
    assert found.policy.asks_reason(HazardKind.TABLE_REWRITE)
    assert not found.policy.asks_reason(HazardKind.OPAQUE_STATEMENT)


def test_a_hazard_wins_over_its_group_in_any_order(tmp_path: Path) -> None:
    text = "[policy.severity]\nprefer-text = 'off'\nstyle = 'warning'\n"
    policy = configured(tmp_path, text).policy

    assert policy.weight(HazardKind.PREFER_TEXT, Severity.WARNING) is None
    assert policy.weight(HazardKind.PREFER_JSONB, Severity.WARNING) is Severity.WARNING


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("[run]\nlok_budget = '1s'", "2:1", "unknown key 'run.lok_budget'", "run.lock_budget"),
        ("lock_budget = '1s'", "1:1", "unknown key 'lock_budget'", "run.lock_budget"),
        ("[run]\n  lock_budget = 100", "2:3", "with its unit", None),
        ("[run]\nlock_budget = '0ms'", "2:1", "with its unit", None),
        ("postgres_version = 12", "1:1", "at least 13", None),
        ("disposable = 'maybe'", "1:1", "true or false", None),
        ("[policy]\napprovals = 'here'", "2:1", "directives, file", None),
        ("[policy]\nseverity = { style = 'bad' }", "2:1", "off, info, warning, error", None),
        ("[policy.severity]\nstyle = 'info'\nlokcs = 'info'", "3:1", "did you mean locks", None),
        ("[policy.severity]\ndata-los = 'error'", "2:1", "did you mean data-loss", None),
        ("[policy.severity]\ndata-loss = 'off'", "2:1", "data-loss cannot be made lighter", None),
        ("[policy.severity]\nopaque-statement = 'warning'", "2:1", "cannot be made lighter", None),
        ("[policy.severity]\ncompatibility = 'info'", "2:1", "one by one: may-break-writers", None),
        ("[policy]\nrequire_reason = ['data', 'lokcs']", "2:1", "did you mean locks", None),
        ("[policy]\nrequire_reason = 3", "2:1", "true, false, or a list", None),
        ("[policy]\nrequire_reason = 'sometimes'", "2:1", "no hazard or group 'sometimes'", None),
        ("[[policy.ignores]]\npaths = 'a'\nreason = 'b'", "1:3", "needs 'hazards'", None),
        (f"{IGNORE}hazards = ['style']\nreason = ' '", "4:1", "expected a text, not ' '", None),
        (f"{IGNORE}hazards = ['stile']\nreason = 'b'", "3:1", "did you mean style", None),
        (f"{IGNORE}hazards = ['data']\nreason = 'b'", "3:1", "data-loss.* cannot be ignored", None),
        (f"{IGNORE}hazards = ['style']\nreason = 'b'\n{IGNORE}hazard = 'x'", "7:1", "unknown key", None),
        ("[policy]\nignores = 'all'", "2:1", "paths, hazards and reason", None),
        ("[run]\nworkers = true", "2:1", "whole number", None),
        ("[run]\njournal_schema = 'pg_mine'", "2:1", "does not begin with pg_", None),
        ("[environments.x]\nrun.workrs = 1", "2:1", "unknown key 'run.workrs'", "run.workers"),
        ("environments = 1", "1:1", "sections", None),
        ("[run]\nworkers = \n", "2:11", "Invalid value", None),
    ],
)
def test_an_error_has_its_place(
    tmp_path: Path, text: str, place: str, message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        configured(tmp_path, text)

    assert str(raised.value.at) == f"{tmp_path / 'migrate.toml'}:{place}"
    assert (hint or "") in (raised.value.hint or "")


def test_an_unknown_environment_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="laptop"):
        configured(tmp_path, EVERYTHING, environment="labtop")


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MIGRATE_WORKERS: expected"):
        load(start=tmp_path, environ={"MIGRATE_WORKERS": "many"})


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        load(start=tmp_path, file=tmp_path / "none.toml", environ={})


def test_the_address_may_stand_in_a_variable_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("service=shop\n")

    assert Configuration(database="env:SHOP").conninfo({"SHOP": "service=other"}) == "service=other"
    assert Configuration(database=f"file:{tmp_path / 'address'}").conninfo({}) == "service=shop"
    with pytest.raises(ConfigurationError, match="SHOP is not set"):
        Configuration(database="env:SHOP").conninfo({})
    with pytest.raises(ConfigurationError, match="No such file"):
        Configuration(database=f"file:{tmp_path / 'none'}").conninfo({})


@pytest.mark.parametrize(
    ("conninfo", "expected"),
    [
        ("postgresql://app:secret@db/shop", True),
        ("host=db password = secret", True),
        ("postgresql://db/shop?password=secret", True),
        ("postgresql://app@db:5432/shop", False),
        ("service=shop", False),
        ("env:PASSWORD", False),
    ],
)
def test_a_password_is_recognised(conninfo: str, expected: bool) -> None:  # noqa: FBT001  # the case
    assert holds_password(conninfo) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("100ms", 0.1), ("2.5 s", 2.5), ("10min", 600), ("10 min", 600), ("1 h", 3600), ("1h30m", 5400)],
)
def test_durations(written: str, expected: float) -> None:
    assert values.seconds(written) == pytest.approx(expected)


@pytest.mark.parametrize("written", ["", "10", "10 lightyears", "ten s", "-1s", "1s2", "0s", "0", 10, None])
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        values.seconds(written)
