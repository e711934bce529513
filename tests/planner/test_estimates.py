"""Estimates: what has one, from which size, at which speed; never a number for what is not known."""

import msgspec
import pytest

from migrator.plan.estimate import Estimate
from migrator.plan.plan import Plan
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.facts import Column, Constraint, ConstraintKind, Facts, Index, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.rates import ASSUMED, Measured, Pace, Range, pace_of
from migrator.sql.migration import read_migration

ROWS, BYTES = 10_000_000, 2_000_000_000

USERS = Relation(
    name=QualifiedName("public", "users"),
    columns=(
        Column(name="id", type="bigint", not_null=True),
        Column(name="name", type="text"),
        Column(name="flag", type="boolean"),
    ),
    constraints=(
        Constraint(name="users_pkey", kind=ConstraintKind.PRIMARY_KEY, columns=("id",), index="users_pkey"),
    ),
    indexes=(Index(name="users_pkey", keys=("id",), unique=True, primary=True, bytes=220_000_000),),
    rows=ROWS,
    bytes=BYTES,
)


def planned(sql: str, relation: Relation = USERS, measured: tuple[Measured, ...] = ()) -> Plan:
    facts = Facts(source="database", complete=True, relations=(relation,), measured=measured)
    migration = read_migration(sql, file="1_x.sql", version="1", name="x")
    return plan([migration], facts, Policy(), tool_version="0")


def estimates(
    sql: str, relation: Relation = USERS, measured: tuple[Measured, ...] = ()
) -> tuple[Estimate, ...]:
    return planned(sql, relation, measured).estimates


@pytest.mark.parametrize(
    ("sql", "paces"),
    [
        ("ALTER TABLE users ADD COLUMN a int;", ()),
        ("ALTER TABLE users ADD CHECK (id > 0);", (Pace.SCAN,)),
        ("ALTER TABLE users ALTER COLUMN name SET NOT NULL;", (Pace.SCAN,)),
        ("CREATE INDEX ON users (name);", (Pace.INDEX,)),
        (
            "ALTER TABLE users ADD COLUMN t uuid NOT NULL DEFAULT gen_random_uuid();",
            (Pace.BACKFILL, Pace.SCAN),
        ),
        ("CREATE TABLE new (id int); ALTER TABLE new ADD CHECK (id > 0);", ()),
    ],
)
def test_steps_whose_time_grows_with_a_table(sql: str, paces: tuple[Pace, ...]) -> None:
    assert tuple(estimate.pace for estimate in estimates(sql)) == paces


def test_time_is_size_by_speed() -> None:
    (scan,) = estimates("ALTER TABLE users ADD CHECK (id > 0);")

    assert (scan.rows, scan.bytes) == (ROWS, BYTES)
    assert scan.seconds == Range(BYTES / ASSUMED[Pace.SCAN].high, BYTES / ASSUMED[Pace.SCAN].low)
    assert (scan.wal_bytes, scan.disk_bytes) == (Range(0, 0), Range(0, 0))
    assert not scan.measured


def test_speeds_that_the_journal_has_seen_are_taken() -> None:
    seen = Measured(pace=Pace.BACKFILL, steps=9, slow=1_000.0, fast=10_000.0)

    backfill, scan = estimates(
        "ALTER TABLE users ADD COLUMN t uuid NOT NULL DEFAULT gen_random_uuid();", measured=(seen,)
    )

    assert backfill.seconds == Range(ROWS / 10_000, ROWS / 1_000)
    assert (backfill.measured, scan.measured) == (True, False)


def test_few_measurements_make_a_wider_range() -> None:
    few = Measured(pace=Pace.SCAN, steps=1, slow=100.0, fast=100.0)
    many = msgspec.structs.replace(few, steps=50)

    assert pace_of(Pace.SCAN, (few,)) == (Range(50.0, 200.0), True)
    assert pace_of(Pace.SCAN, (many,)) == (Range(100.0, 100.0), True)


def test_an_unknown_size_is_said_and_has_no_numbers() -> None:
    unknown = msgspec.structs.replace(USERS, rows=None, bytes=None)

    (index,) = estimates("CREATE INDEX ON users (name);", unknown)

    assert (index.seconds, index.wal_bytes, index.disk_bytes) == (None, None, None)


def test_an_index_of_narrow_keys_is_smaller() -> None:
    (narrow,) = estimates("CREATE INDEX ON users (flag);")
    (wide,) = estimates("CREATE INDEX ON users (name, id);")

    assert narrow.disk_bytes is not None
    assert wide.disk_bytes is not None
    assert narrow.disk_bytes.high < wide.disk_bytes.high


def test_more_indexes_make_a_backfill_write_more() -> None:
    more = msgspec.structs.replace(
        USERS, indexes=(*USERS.indexes, Index(name="i", keys=("name",), bytes=300_000_000))
    )
    sql = "ALTER TABLE users ADD COLUMN t uuid DEFAULT gen_random_uuid();"

    few, many = estimates(sql)[0], estimates(sql, more)[0]

    assert few.wal_bytes is not None
    assert many.wal_bytes is not None
    assert few.wal_bytes.high < many.wal_bytes.high


def test_a_part_of_a_plan_has_its_own_estimates() -> None:
    made = planned("CREATE INDEX ON users (name);")

    assert made.only("1").estimates == made.estimates
    assert made.only("2").estimates == ()
    assert made.estimate_of(made.steps[0]) == made.estimates[0]
