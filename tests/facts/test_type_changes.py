"""What the plan says of a change of type, against what the server does: rows, indexes, scans, locks.

Every pair of types, index and constraint is tried on every version in a transaction that is rolled back:
files of tables and indexes tell what was written anew, pg_stat_xact_user_tables what was read, pg_locks the
locks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql

from migrator.database.introspect import read_facts
from migrator.plan.effect import Effect
from migrator.plan.hazard import HazardKind
from migrator.plan.plan import Plan
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.postgres.lock_modes import LockMode
from migrator.sql.migration import read_migration
from tests.conftest import Database
from tests.facts import type_pairs
from tests.facts.type_constraints import ALLOWED, CONSTRAINTS, REFUSED
from tests.facts.type_pairs import Case

FILES = """
    SELECT c.relname::text, CASE WHEN c.relkind = 'r' THEN '' ELSE i.indrelid::regclass::text END,
        pg_relation_filenode(c.oid)
    FROM pg_class AS c LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'i')
"""

SCANS = """
    SELECT relname::text, seq_scan FROM pg_stat_xact_user_tables WHERE schemaname = current_schema()
"""

LOCKS = """
    SELECT c.relname::text FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.mode = 'AccessExclusiveLock' AND c.relkind IN ('r', 'p')
        AND c.relnamespace = current_schema()::regnamespace
"""


LEFT_OUT = (
    psycopg.errors.UndefinedObject,
    psycopg.errors.DatatypeMismatch,
    psycopg.errors.FeatureNotSupported,
)
"""No operator class for the type and method; a server built without XML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What is done under the lock; names of tables."""

    rewritten: frozenset[str]
    built: frozenset[str]
    """Tables whose rows stay, and one of whose indexes is built anew."""
    read: bool
    locked: frozenset[str]


def cases_of(group: str) -> list[Case]:
    match group:
        case "pairs":
            return [_pair(old, new) for old, new in type_pairs.pairs(type_pairs.PAIRS)]
        case "stamps":
            return [_pair(old, new) for old, new in type_pairs.pairs(type_pairs.STAMPS)]
        case "zones":
            return [_pair("timestamp", "timestamptz", zone=zone) for zone in type_pairs.ZONES.split()]
        case "indexes":
            found = type_pairs.pairs(type_pairs.INDEXED)
            return [_pair(old, new, index=index) for index in type_pairs.INDEXES for old, new in found]
        case "using":
            return [_pair(old, new, using=using) for old, new, using in type_pairs.USING]
        case _:
            return list(CONSTRAINTS)


def _pair(old: str, new: str, *, index: str = "USING btree (c)", using: str = "", zone: str = "UTC") -> Case:
    name = f"{old} to {new}, {index} {using and f'by {using}'} {zone}"
    return Case(
        name=name, setup=type_pairs.table(old, index), change=type_pairs.change(new, using), zone=zone
    )


def prepared(cases: list[Case], connection: psycopg.Connection) -> Iterator[tuple[str, Case]]:
    """Give each case a schema of its own; one whose type has no such index is left out."""
    connection.execute(type_pairs.TYPES)
    connection.execute(type_pairs.CITEXT)
    for number, case in enumerate(cases):
        schema = f"case_{number}"
        try:
            with connection.transaction():
                _enter(schema, case, connection, create=True)
                connection.execute(case.setup)
        except LEFT_OUT:
            continue
        yield schema, case


def _enter(schema: str, case: Case, connection: psycopg.Connection, *, create: bool = False) -> None:
    name = sql.Identifier(schema)
    if create:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    connection.execute(sql.SQL("SET LOCAL search_path TO {}, public").format(name))
    connection.execute(sql.SQL("SET LOCAL TimeZone TO {}").format(sql.Literal(case.zone)))


def measured(schema: str, case: Case, connection: psycopg.Connection) -> Done | str:
    """Carry out the change and roll it back; the server's words where it refuses."""
    with connection.transaction(force_rollback=True):
        _enter(schema, case, connection)
        files, scans = connection.execute(FILES).fetchall(), _scans(connection)
        try:
            with connection.transaction():
                connection.execute(case.change)
        except psycopg.Error as error:
            return str(error).splitlines()[0]
        changed = [row for row in connection.execute(FILES).fetchall() if row not in files]
        rewritten = frozenset(name for name, table, _ in changed if not table)
        built = [table for _, table, _ in changed if table and table not in rewritten]
        read = {
            table
            for table, number in _scans(connection).items()
            if number - scans.get(table, 0) > built.count(table) and table not in rewritten
        }
        locked = frozenset(name for (name,) in connection.execute(LOCKS).fetchall())
    return Done(rewritten=rewritten, built=frozenset(built), read=bool(read), locked=locked)


def _scans(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute(SCANS).fetchall())


def declared(schema: str, case: Case, facts: Facts) -> Done:
    effect = _effect(schema, case, facts)
    rewritten = frozenset(name.name for name in effect.rewrites)
    read = {name.name for name in effect.scans} - rewritten
    return Done(
        rewritten=rewritten,
        built=frozenset(name.name for name in effect.index_builds),
        read=bool(read),
        locked=frozenset(
            lock.relation.name for lock in effect.locks if lock.mode is LockMode.ACCESS_EXCLUSIVE
        ),
    )


def _effect(schema: str, case: Case, facts: Facts) -> Effect:
    return planned(schema, case, facts).statements[0].effect


def planned(schema: str, case: Case, facts: Facts) -> Plan:
    settings = (*facts.settings, ("TimeZone", f"'{case.zone}'"))
    here = replace(facts, search_path=(schema, "public"), settings=settings)
    migration = read_migration(case.change, file="0001_change.sql", version="0001", name="change")
    return plan([migration], here, Policy(), tool_version="test")


@pytest.mark.parametrize("group", ["pairs", "stamps", "zones", "indexes", "using", "constraints"])
def test_the_plan_says_what_the_server_does(group: str, database: Database) -> None:
    connection = database.connect()
    cases = list(prepared(cases_of(group), connection))
    facts = read_facts(connection, journal_schema="migrator")
    done = {case.name: measured(schema, case, connection) for schema, case in cases}
    said = {case.name: declared(schema, case, facts) for schema, case in cases}

    assert done == said


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_the_server_refuses_is_an_error_of_the_plan(case: Case, database: Database) -> None:
    if database.version < case.since:
        return
    connection = database.connect()
    ((schema, _),) = prepared([case], connection)
    facts = read_facts(connection, journal_schema="migrator")
    kinds = [hazard.kind for hazard in planned(schema, case, facts).hazards]

    assert isinstance(measured(schema, case, connection), str)
    assert HazardKind.NO_SAFE_SEQUENCE in kinds


@pytest.mark.parametrize("case", ALLOWED, ids=lambda case: case.name)
def test_what_the_server_allows_is_no_error(case: Case, database: Database) -> None:
    connection = database.connect()
    ((schema, _),) = prepared([case], connection)
    facts = read_facts(connection, journal_schema="migrator")

    assert isinstance(measured(schema, case, connection), Done)
    assert planned(schema, case, facts).hazards == ()


def test_only_the_sequence_of_an_identity_changes_its_type(database: Database) -> None:
    connection = database.connect()
    connection.execute("CREATE TABLE t (a serial, b int GENERATED ALWAYS AS IDENTITY)")
    connection.execute("ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE bigint")
    query = "SELECT seqrelid::regclass::text, seqtypid::regtype::text FROM pg_sequence ORDER BY 1"

    assert connection.execute(query).fetchall() == [("t_a_seq", "integer"), ("t_b_seq", "bigint")]
