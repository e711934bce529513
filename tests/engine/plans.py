"""Hand-made plans over one table, and what a test needs to run them."""

# ruff: noqa: ANN401 - rows and keyword arguments of tests are of any type

from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg

from migrator.database.fingerprint import digests
from migrator.database.session import Connector
from migrator.execution.events import Event
from migrator.execution.faults import FaultPoint, Faults, no_faults
from migrator.execution.options import Provenance, RunOptions, RunResult
from migrator.execution.stop import StopRequest
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.plan import Fingerprint, Plan, PlannedMigration, SourceStatement
from migrator.plan.step import (
    Autocommit,
    Backfill,
    BuildIndex,
    DetachPartition,
    Diagnosis,
    DropIndex,
    KeyColumn,
    Phase,
    Recovery,
    SessionState,
    Step,
    Timeouts,
    Transaction,
    Work,
)
from migrator.policy import Policy
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.runner import run
from migrator.workflow.applying import until_nobody_else
from tests.conftest import Database

USERS = QualifiedName("public", "users")
INDEX = QualifiedName("public", "users_email_idx")
PROVENANCE = Provenance(tool_version="test", os_user="tester", host="here")
POLICY = Policy(batch_rows=100, batch_rows_min=10, batch_rows_max=500)
QUICK = Timeouts(lock_ms=100, statement_ms=200, deadline_s=20.0)
LONG = Timeouts(lock_ms=5000, statement_ms=None, deadline_s=60.0)
ACCESS_EXCLUSIVE = RelationLock(USERS, LockMode.ACCESS_EXCLUSIVE)

Wanted = TypeVar("Wanted")


@dataclass
class Recorder:
    """Keeps the events, and may act on each."""

    events: list[Event] = field(default_factory=list)
    actions: list[Any] = field(default_factory=list)

    def event(self, event: Event) -> None:
        self.events.append(event)
        for action in self.actions:
            action(event)

    def of(self, kind: type[Wanted]) -> list[Wanted]:
        return [e for e in self.events if isinstance(e, kind)]


def users(connection: psycopg.Connection[Any], rows: int = 1000) -> None:
    """A table to work on."""
    connection.execute("CREATE TABLE users (id bigint PRIMARY KEY, email text, nickname text)")
    connection.execute(
        "INSERT INTO users SELECT n, 'user' || n || '@example.org' FROM generate_series(1, %s) AS n", (rows,)
    )
    connection.execute("ANALYZE users")


def step(  # noqa: PLR0913  # the fields of a step
    number: int,
    work: Work,
    *,
    migration: str = "1",
    phase: Phase = Phase.EXPAND,
    mode: LockMode = LockMode.ACCESS_EXCLUSIVE,
    timeouts: Timeouts = QUICK,
    recovery: Recovery | None = None,
    diagnoses: tuple[Diagnosis, ...] = (),
    preconditions: tuple[Diagnosis, ...] = (),
    session: SessionState | None = None,
) -> Step:
    recoveries = {
        Transaction: Recovery.TRANSACTIONAL,
        Autocommit: Recovery.UNPROVABLE,
        Backfill: Recovery.CHECKPOINTED,
        BuildIndex: Recovery.PROBED,
        DropIndex: Recovery.PROBED,
        RebuildIndexes: Recovery.PROBED,
        DetachPartition: Recovery.PROBED,
    }
    return Step(
        migration=migration,
        id=f"{number}.1",
        phase=phase,
        title=f"step {number}",
        work=work,
        recovery=recovery or recoveries[type(work)],
        effect=Effect(locks=(RelationLock(USERS, mode),)),
        session=session or SessionState(settings=(("search_path", "public"), ("TimeZone", "'UTC'"))),
        timeouts=timeouts,
        statement=number,
        file=f"{migration}_test.sql",
        line=number,
        column=1,
        diagnoses=diagnoses,
        preconditions=preconditions,
    )


def ddl(number: int, *statements: str, acquire: bool = True, **more: Any) -> Step:
    work = Transaction(statements=statements, acquire=(ACCESS_EXCLUSIVE,) if acquire else ())
    return step(number, work, **more)


def build(number: int, *, unique: bool = False, **more: Any) -> Step:
    word = "UNIQUE INDEX" if unique else "INDEX"
    work = BuildIndex(
        sql=f'CREATE {word} CONCURRENTLY "users_email_idx" ON "public"."users" (email)',
        table=USERS,
        index=INDEX,
        unique=unique,
        definition="(email)",
        drop_sql='DROP INDEX CONCURRENTLY "public"."users_email_idx"',
    )
    return step(
        number, work, mode=LockMode.SHARE_UPDATE_EXCLUSIVE, timeouts=LONG, phase=Phase.VALIDATE, **more
    )


def drop(number: int, **more: Any) -> Step:
    work = DropIndex(sql='DROP INDEX CONCURRENTLY "public"."users_email_idx"', table=USERS, index=INDEX)
    return step(number, work, mode=LockMode.SHARE_UPDATE_EXCLUSIVE, timeouts=LONG, **more)


def backfill(number: int, *, value: str = "upper(email)", rows: int = 1000, **more: Any) -> Step:
    differs = f"nickname IS DISTINCT FROM {value}"
    change = f"UPDATE users SET nickname = {value} WHERE"
    locked = f"SELECT id FROM users WHERE {{}} AND {differs} FOR NO KEY UPDATE SKIP LOCKED"
    passing = (
        f"WITH free AS MATERIALIZED ({locked}), changed AS (UPDATE users AS u SET nickname = {value} "
        "FROM free WHERE u.id = free.id RETURNING 1) SELECT count(*) FROM changed"
    )
    first, window = "id <= $1::bigint", "id > $1::bigint AND id <= $2::bigint"
    work = Backfill(
        table=USERS,
        key=(KeyColumn("id", "bigint"),),
        upper_sql="SELECT max(id)::text FROM users HAVING max(id) IS NOT NULL",
        first_window_sql=(
            "SELECT max(id)::text FROM "
            "(SELECT id FROM users WHERE id <= $1::bigint ORDER BY id LIMIT $2) AS w "
            "HAVING max(id) IS NOT NULL"
        ),
        next_window_sql=(
            "SELECT max(id)::text FROM (SELECT id FROM users WHERE id > $1::bigint AND id <= $2::bigint "
            "ORDER BY id LIMIT $3) AS w HAVING max(id) IS NOT NULL"
        ),
        first_update_sql=f"{change} {first} AND {differs}",
        update_sql=f"{change} {window} AND {differs}",
        first_skip_locked_sql=passing.format(first),
        skip_locked_sql=passing.format(window),
        first_left_sql=f"SELECT id::text FROM users WHERE {first} AND {differs}",
        left_sql=f"SELECT id::text FROM users WHERE {window} AND {differs}",
        row_sql=f"{change} id = $1::bigint AND {differs}",
        remaining_sql=f"SELECT id::text FROM users WHERE id <= $1::bigint AND {differs} LIMIT 5",
        estimated_rows=rows,
    )
    return step(number, work, mode=LockMode.ROW_EXCLUSIVE, timeouts=LONG, phase=Phase.BACKFILL, **more)


def plan(
    *steps: Step, touches: tuple[QualifiedName, ...] = (USERS,), database: Database | None = None
) -> Plan:
    """A plan of one or more migrations; with a database, of its fingerprints."""
    versions = tuple(dict.fromkeys(s.migration for s in steps))
    found = digests(database.connect(), touches) if database else {}
    return Plan(
        fingerprints=tuple(Fingerprint(relation, digest) for relation, digest in found.items()),
        migrations=tuple(
            PlannedMigration(version=v, name="test", file=f"{v}_test.sql", touches=touches) for v in versions
        ),
        statements=tuple(
            SourceStatement(
                migration=s.migration,
                index=s.statement,
                file=s.file,
                line=s.line,
                column=1,
                text="",
                checksum=f"{s.statement:064x}",
                kind="test",
                effect=s.effect,
            )
            for s in steps
        ),
        steps=steps,
    )


class Boom(Exception):
    """What a fault raises."""


def fail_at(wanted: FaultPoint) -> Faults:
    """Return faults that end the run at the first such point."""

    def fault(point: FaultPoint) -> None:
        if point is wanted:
            raise Boom

    return fault


def carry_out(  # noqa: PLR0913  # what a run depends on
    database: Database,
    given: Plan,
    *,
    recorder: Recorder | None = None,
    policy: Policy = POLICY,
    faults: Faults = no_faults,
    stop: StopRequest | None = None,
    wait_s: float = 0.0,
    role: str | None = None,
    patient: bool = False,
    **more: Any,
) -> RunResult:
    """Carry out a plan; with `patient` also wait for what other runs work on, as the commands do."""
    options = RunOptions(
        provenance=PROVENANCE,
        wait_s=wait_s,
        faults=faults,
        stop=stop or StopRequest(),
        reconnect_s=20.0,
        **more,
    )
    connector, observer = Connector(conninfo=database.url, role=role), recorder or Recorder()

    def once() -> RunResult:
        return run(connector, given, policy, options, observer)

    return until_nobody_else(connector, policy, options, observer, once) if patient else once()
