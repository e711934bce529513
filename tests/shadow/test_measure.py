"""What steps and statements do is measured; a declaration that is not what was measured is found out."""

from typing import LiteralString

import psycopg
import pytest
from msgspec.structs import replace

from migrator.database.introspect import read_facts
from migrator.database.session import Connector
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.plan import Plan
from migrator.plan.proof import Measurement
from migrator.plan.step import PARTITION_WORK, Backfill, BuildIndex, DetachPartition, Step, Transaction
from migrator.planner import plan as make_plan
from migrator.policy import Policy
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.shadow.measure import measure_plan
from migrator.shadow.measure_statements import measure_statements
from migrator.shadow.watch import Watch
from migrator.sql.migration import read_migration
from tests.conftest import Database

pytestmark = pytest.mark.server

POLICY = Policy(batch_rows=100)

SCHEMA: tuple[LiteralString, ...] = (
    "CREATE TABLE parents (id bigint PRIMARY KEY)",
    "CREATE TABLE users (id bigint PRIMARY KEY, name text, parent_id bigint, points integer)",
    "CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at)",
    "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "CREATE TABLE settings (id bigint PRIMARY KEY, value integer)",
    "INSERT INTO parents VALUES (1)",
    "INSERT INTO users SELECT n, 'user ' || n, 1, n FROM generate_series(1, 300) AS n",
    "INSERT INTO events SELECT n, date '2025-06-01' + n FROM generate_series(1, 300) AS n",
    "INSERT INTO settings VALUES (1, 1)",
)

MIGRATION = """
    ALTER TABLE users ADD COLUMN email text;
    ALTER TABLE users ADD FOREIGN KEY (parent_id) REFERENCES parents (id);
    CREATE INDEX ON users (name);
    -- migrate: backfill existing-rows
    UPDATE users SET name = 'nobody';
    ALTER TABLE events ADD CONSTRAINT positive CHECK (id > 0);
    CREATE INDEX ON events (id);
    ALTER TABLE settings ALTER COLUMN value TYPE bigint;
"""
DETACH = "ALTER TABLE events DETACH PARTITION events_1;"

USERS, PARENTS, EVENTS, EVENTS_1, SETTINGS = (
    QualifiedName("public", name) for name in ("users", "parents", "events", "events_1", "settings")
)


def planned(database: Database, text: str = MIGRATION) -> Plan:
    """The plan of a migration, for tables that are large but for `settings`."""
    with database.connect() as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        facts = read_facts(connection, journal_schema="migrator")
    facts = replace(facts, live=True, relations=tuple(map(_large, facts.relations)))
    migration = read_migration(text, file="0001_try.sql", version="0001", name="try")
    return make_plan([migration], facts, POLICY, tool_version="test")


def _large(relation: Relation) -> Relation:
    return relation if relation.name == SETTINGS else replace(relation, rows=5_000_000, bytes=1 << 30)


def measured(
    plan: Plan, database: Database, *, light: bool = False, contract: bool = True
) -> dict[str, Measurement]:
    done = measure_plan(Connector(conninfo=database.url), plan, POLICY, contract=contract, light=light)
    return {each.id: each for each in done}


def step_of(plan: Plan, *kinds: type, title: str = "") -> Step:
    return next(step for step in plan.steps if isinstance(step.work, kinds) and title in step.title)


def declared(plan: Plan, step: Step, effect: Effect) -> Plan:
    """The plan with another declaration of one step."""
    steps = tuple(replace(each, effect=effect) if each.id == step.id else each for each in plan.steps)
    return replace(plan, steps=steps)


def wrong(plan: Plan, changes: list[tuple[Step, Effect]], database: Database) -> list[tuple[str, ...]]:
    """Carry out the plan with these declarations; return the differences of those steps, in their order."""
    for step, effect in changes:
        plan = declared(plan, step, effect)
    done = measured(plan, database)
    others = [each for each in done.values() if each.id not in {step.id for step, _ in changes}]
    assert [each.differences for each in others if each.differences] == []

    return [done[step.id].differences for step, _ in changes]


def lock(name: QualifiedName, mode: LockMode) -> RelationLock:
    return RelationLock(name, mode)


def test_right_declarations_are_confirmed_and_what_was_done_is_told(database: Database) -> None:
    plan = planned(database)
    done = measured(plan, database)

    assert list(done) == [step.id for step in plan.steps]
    assert {n: each.differences for n, each in done.items() if each.differences or each.error} == {}
    build = done[step_of(plan, BuildIndex).id]
    assert (build.index_builds, [span.mode for span in build.locks]) == (
        (USERS,),
        [LockMode.SHARE_UPDATE_EXCLUSIVE],
    )
    walk = done[step_of(plan, Backfill).id]
    assert walk.transactions >= 3
    assert {(span.relation, span.mode) for span in walk.locks} == {(USERS, LockMode.ROW_EXCLUSIVE)}
    assert walk.wal_bytes > 300 * 50
    assert done[step_of(plan, Transaction, title="TYPE").id].rewrites == (SETTINGS,)
    moments = [(each.began_s, each.seconds) for each in done.values()]
    assert moments == sorted(moments)
    assert all(seconds > 0 for _, seconds in moments)
    assert all(span.ended_s >= span.began_s for each in done.values() for span in each.locks)
    assert all(any(span.seconds > 0 for span in each.locks) for each in done.values())


def test_wrong_declarations_of_locks_are_found(database: Database) -> None:
    plan = planned(database)
    weak = LockMode.SHARE_UPDATE_EXCLUSIVE
    column = step_of(plan, Transaction, title="ADD COLUMN")
    key = step_of(plan, Transaction, title="ADD FOREIGN KEY")
    build = step_of(plan, BuildIndex)
    walk = step_of(plan, Backfill)
    check = step_of(plan, *PARTITION_WORK, title="VALIDATE")
    found = wrong(
        plan,
        [
            (column, Effect(locks=(lock(USERS, weak),))),
            (key, Effect(locks=(lock(USERS, LockMode.SHARE_ROW_EXCLUSIVE),))),
            (build, replace(build.effect, locks=(lock(USERS, LockMode.SHARE),))),
            (walk, Effect(locks=(lock(PARENTS, LockMode.ROW_EXCLUSIVE),))),
            (check, replace(check.effect, locks=())),
        ],
        database,
    )

    assert found == [
        ("public.users: declared SHARE UPDATE EXCLUSIVE, measured ACCESS EXCLUSIVE",),
        ("public.parents: declared no lock, measured SHARE ROW EXCLUSIVE",),
        ("public.users: declared SHARE, measured SHARE UPDATE EXCLUSIVE",),
        (
            "public.parents: declared ROW EXCLUSIVE, measured no lock",
            "public.users: declared no lock, measured ROW EXCLUSIVE",
        ),
        ("public.events: declared no lock, measured SHARE UPDATE EXCLUSIVE",),
    ]


def test_wrong_declarations_of_work_are_found(database: Database) -> None:
    plan = planned(database)
    column = step_of(plan, Transaction, title="ADD COLUMN")
    check = step_of(plan, Transaction, title="VALIDATE")
    retype = step_of(plan, Transaction, title="TYPE")
    build = step_of(plan, BuildIndex)
    walk = step_of(plan, Backfill)
    partitions = step_of(plan, *PARTITION_WORK, title="INDEX")
    found = wrong(
        plan,
        [
            (column, replace(column.effect, rewrites=(USERS,), index_builds=(USERS,), scans=(USERS,))),
            (check, replace(check.effect, scans=())),
            (retype, replace(retype.effect, rewrites=(), scans=(), index_builds=())),
            (build, replace(build.effect, index_builds=())),
            (walk, replace(walk.effect, rewrites=(USERS,))),
            (partitions, replace(partitions.effect, index_builds=(), scans=())),
        ],
        database,
    )

    assert found[0] == (
        "declared rewrite of public.users did not happen",
        "declared index build of public.users did not happen",
        "declared scan of public.users did not happen",
    )
    assert "undeclared scan of public.users" in found[1]
    assert "undeclared rewrite of public.settings" in found[2]
    assert found[3] == ("undeclared index build of public.users",)
    assert found[4] == ("declared rewrite of public.users did not happen",)
    assert "undeclared index build of public.events_1" in found[5]


@pytest.mark.postgres(since=14)
def test_wrong_declaration_of_a_detach_is_found(database: Database) -> None:
    plan = planned(database, DETACH)
    detach = step_of(plan, DetachPartition)
    strong = LockMode.ACCESS_EXCLUSIVE
    found = wrong(plan, [(detach, Effect(locks=(lock(EVENTS, strong),)))], database)

    assert found == [
        (
            "public.events: declared ACCESS EXCLUSIVE, measured SHARE UPDATE EXCLUSIVE",
            "public.events_1: declared no lock, measured ACCESS EXCLUSIVE",
        )
    ]


@pytest.mark.postgres(newest=True)
def test_light_measuring_sees_the_same_locks(database: Database, second_database: Database) -> None:
    whole = measured(planned(database), database)
    light = measured(planned(second_database), second_database, light=True)

    assert {n: locks(each) for n, each in whole.items() if "INDEX" not in each.title} == {
        n: locks(each) for n, each in light.items() if "INDEX" not in each.title
    }
    assert {each.differences for each in light.values()} == {()}


def locks(done: Measurement) -> set[tuple[QualifiedName, LockMode]]:
    return {(span.relation, span.mode) for span in done.locks if span.mode is not LockMode.ACCESS_SHARE}


@pytest.mark.postgres(newest=True)
def test_steps_that_go_together_are_told_apart(database: Database) -> None:
    plan = replace(planned(database, "ALTER TABLE users ADD COLUMN a text; TRUNCATE parents;"), live=False)
    done = measured(plan, database)

    assert [(each.locks[0].relation, each.rewrites) for each in done.values()] == [
        (USERS, ()),
        (PARENTS, (PARENTS,)),
    ]


@pytest.mark.postgres(newest=True)
def test_failed_step_is_the_last_one_and_has_the_error(database: Database) -> None:
    plan = planned(database, "ALTER TABLE users ADD COLUMN a text; ALTER TABLE users ADD CHECK (points < 9);")
    done = list(measured(plan, database).values())

    assert [each.error is None for each in done] == [True] * (len(done) - 1) + [False]
    assert "points" in str(done[-1].error)
    assert len(done) < len(plan.steps) + 1


@pytest.mark.postgres(newest=True)
def test_nobody_is_left_behind(database: Database) -> None:
    measured(planned(database), database)
    with database.connect() as connection:
        others = connection.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()

    assert others == (0,)


def test_own_text_is_measured_with_its_transactions(database: Database) -> None:
    text = """
        BEGIN;
        ALTER TABLE users ADD COLUMN a text;
        CREATE INDEX ON users (a);
        COMMIT;
        CREATE INDEX CONCURRENTLY ON users (name);
        DISCARD ALL;
        ALTER TABLE settings ALTER COLUMN value TYPE bigint;
        ALTER TABLE nowhere ADD COLUMN a text;
        DROP TABLE settings;
    """
    plan = planned(database, text)
    texts = [s.text for s in read_migration(text, file="x.sql", version="0001", name="x").statements]
    done = measure_statements(database.url, plan.statements, texts)

    assert [each.differences for each in done] == [()] * 8
    assert [each.error is None for each in done] == [True] * 7 + [False]
    commit, build, retype = done[3], done[4], done[6]
    assert [(s.relation, s.mode) for s in commit.locks] == [(USERS, LockMode.ACCESS_EXCLUSIVE)]
    assert commit.index_builds == (USERS,)
    assert [(s.relation, s.mode) for s in build.locks] == [(USERS, LockMode.SHARE_UPDATE_EXCLUSIVE)]
    assert retype.rewrites == (SETTINGS,)


@pytest.mark.postgres(newest=True)
def test_what_finds_nothing_to_do_differs_in_nothing(database: Database) -> None:
    text = """
        CREATE INDEX ON events (at);
        -- migrate: backfill existing-rows
        UPDATE users SET name = 'nobody';
        BEGIN;
        ALTER TABLE settings ADD COLUMN a text;
        COMMIT;
    """
    plan = planned(database, text)
    with database.connect() as connection:
        connection.execute("TRUNCATE users")
        connection.execute("DROP TABLE events_1, events_2")

    assert [each.differences for each in measured(plan, database).values()] == [()] * len(plan.steps)


@pytest.mark.postgres(newest=True)
def test_what_could_not_be_watched_is_not_taken_for_proved(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_watch: Watch) -> None:
        raise psycopg.errors.AdminShutdown("the server ends the session")

    plan = planned(database, "CREATE INDEX ON users (name);")
    monkeypatch.setattr(Watch, "_take_turns", lost)
    done = measured(plan, database)

    found = done[step_of(plan, BuildIndex).id].differences
    assert "not watched to its end: the server ends the session" in found
