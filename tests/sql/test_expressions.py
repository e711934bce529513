from __future__ import annotations

import subprocess
import sys

import pytest

from migrator.postgres.volatility import cast_volatility, volatility_of
from migrator.sql.expressions import read, volatility


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "i"),
        ("'x'::jsonb", "i"),
        ("'{}'::text[]", "i"),
        ("array[1, 2]::bigint[]", "i"),
        ("timestamp with time zone '2020-01-01 00:00'", "i"),
        ("'now'::timestamptz", "s"),
        ("date 'today'", "s"),
        ("now()", "s"),
        ("current_timestamp(3)", "s"),
        ("now() - interval '1 day'", "s"),
        ("pg_catalog.now()", "s"),
        ("a::text", "s"),
        ("a::timestamptz", "s"),
        ("a::numeric(10, 2) * 2", "i"),
        ("a at time zone 'UTC'", "s"),
        ("lower(trim(both from a))", "i"),
        ("extract(year from a)", "s"),
        ("coalesce(a, b, '')", "i"),
        ("case when a > 1 then 'x' else b end", "i"),
        ("gen_random_uuid()", "v"),
        ("md5(random()::text)", "v"),
        ("nextval('s'::regclass)", "v"),
        ("uuid_generate_v4()", "v"),
        ("public.lower(a)", "v"),
        ('"Lower"(a)', "v"),
        ("a::public.mood", "v"),
        ("(select max(b) from c)", "v"),
        ("a @@@@ b", "v"),
        ("a operator(public.+) b", "v"),
        ("$1", "v"),
        ("a b", "v"),
        ("", "v"),
        ("a = (", "v"),
    ],
)
def test_an_expression_is_as_volatile_as_its_parts_and_volatile_if_unknown(text: str, expected: str) -> None:
    assert expected == volatility(read(text))


def test_columns_are_folded_and_keep_their_qualifier() -> None:
    found = read('T.Price * "Rate" + x.y.z')

    assert found is not None
    assert found.columns == {("t", "price"), (None, "Rate"), ("y", "z")}


@pytest.mark.parametrize(
    "text", ["5", "-1.5", "'x'", "null", "true", "array[1, 2]", "row(1, 'a')", "1 + 2 * 3"]
)
def test_literals_are_constants(text: str) -> None:
    found = read(text)

    assert found is not None
    assert found.is_constant


@pytest.mark.parametrize("text", ["a", "now()", "'now'::timestamp", "(select 1)", "t.*"])
def test_what_reads_or_calls_is_no_constant(text: str) -> None:
    found = read(text)

    assert found is not None
    assert not found.is_constant


def test_aggregates_windows_and_stars_are_told() -> None:
    found = read("count(*) over (partition by a)")
    star = read("t.*")

    assert found is not None
    assert (found.has_aggregate, found.has_window, found.has_star_or_whole_row) == (True, True, False)
    assert star is not None
    assert star.has_star_or_whole_row


def test_mixed_overloads_count_as_the_most_volatile() -> None:
    assert volatility_of("date_trunc") == "s"
    assert volatility_of("to_char") == "s"
    assert volatility_of("lower") == "i"
    assert volatility_of("pg_catalog.random") == "v"
    assert volatility_of("my_function") is None


def test_casts_that_depend_on_the_session_are_stable() -> None:
    assert cast_volatility("timestamptz") == "s"
    assert cast_volatility("int4") == "i"
    assert cast_volatility("int4", array=True) == "s"
    assert cast_volatility("mood") is None


def test_sqlglot_is_not_imported_to_read_a_migration() -> None:
    program = (
        "import sys; from migrator.sql.migration import read_migration;"
        "import migrator.sql.expressions;"
        "read_migration('alter table t add c int default 1', file='1_x.sql');"
        "sys.exit('sqlglot' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
