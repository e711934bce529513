"""The journal's rows as values."""

from collections import defaultdict
from typing import Any

import msgspec
from psycopg.rows import dict_row

from migrator.database.commands import journal_query
from migrator.database.journal_commands import decode_plan
from migrator.database.runner_key import key_halves
from migrator.database.session import Connection
from migrator.errors import JournalDamaged
from migrator.execution.journal import (
    UNFINISHED,
    Backend,
    BackfillRecord,
    MigrationRecord,
    MigrationState,
    StepRecord,
    StepState,
)
from migrator.execution.runners import LeaseRecord, RunnerRecord
from migrator.plan.plan import Fingerprint, Plan
from migrator.plan.step import Phase
from migrator.postgres.identifiers import QualifiedName, quote

Row = dict[str, Any]


def read_migrations(
    connection: Connection, schema: str, version: str | None = None
) -> tuple[MigrationRecord, ...]:
    """Return every migration of the journal, or the one asked for; in one snapshot if the caller has one."""
    steps: dict[str, dict[str, StepRecord]] = defaultdict(dict)
    for row in _rows(connection, schema, "steps", version):
        steps[row["version"]][row["id"]] = _step(row)
    digests: dict[str, list[Fingerprint]] = defaultdict(list)
    for row in _rows(connection, schema, "fingerprints", version):
        relation = QualifiedName(row["schema_name"], row["relation_name"])
        digests[row["version"]].append(Fingerprint(relation, row["digest"]))
    return tuple(
        _migration(row, steps[row["version"]], digests[row["version"]])
        for row in _rows(connection, schema, "migrations", version)
    )


def _plan_of(row: Row) -> Plan | None:
    """Return the plan of a row; an unfinished migration has one, and it is of that migration."""
    plan = None if row["plan"] is None else decode_plan(row["plan"])
    unfinished = MigrationState(row["state"]) in UNFINISHED
    if unfinished and (plan is None or row["version"] not in {m.version for m in plan.migrations}):
        raise ValueError("its plan is gone")
    return plan


def read_control(connection: Connection, schema: str) -> tuple[bool, str | None]:
    """Return the pause flag and its reason."""
    row = connection.execute(journal_query("journal_read.sql", "control", schema).query).fetchone()
    if row is None:
        raise JournalDamaged(
            f"the journal is damaged: the row of {schema}.control, the pause flag, is gone",
            hint=f"INSERT INTO {quote(schema)}.control DEFAULT VALUES",
        )
    return bool(row[0]), row[1]


def read_disposable(connection: Connection, schema: str) -> bool:
    """Return whether the journal was begun in a disposable environment."""
    row = connection.execute(journal_query("journal_read.sql", "disposable", schema).query).fetchone()
    return row is not None and bool(row[0])


def read_began_unused(connection: Connection, schema: str) -> frozenset[str]:
    """Return the versions that an interrupted run set out to begin on a database not in use."""
    rows = connection.execute(journal_query("journal_read.sql", "began unused", schema).query).fetchall()
    return frozenset(row[0] for row in rows)


def read_runner(connection: Connection, schema: str, *, journal: bool) -> RunnerRecord | None:
    """Return who holds the runner lock, None where nobody does."""
    high, low = key_halves(schema)
    name = "runner" if journal else "runner without journal"
    command = journal_query("journal_read.sql", name, schema, {"high": high, "low": low})
    row = connection.execute(command.query, command.parameters).fetchone()
    if row is None:
        return None
    pid, host, os_user, role, application, since = row
    return RunnerRecord(pid=pid, host=host, os_user=os_user, role=role, application=application, since=since)


def read_leases(connection: Connection, schema: str) -> tuple[LeaseRecord, ...]:
    """Return the migrations whose lease another session holds."""
    rows = connection.execute(journal_query("journal_read.sql", "leases", schema).query).fetchall()
    return tuple(
        LeaseRecord(
            version=version,
            runner=RunnerRecord(
                pid=pid, host=host, os_user=os_user, role=role, application=application, since=since
            ),
        )
        for version, pid, host, os_user, role, application, since in rows
    )


def read_latest_event(connection: Connection, schema: str, *, but_of: int | None = None) -> int:
    """Return the number of the latest event that is not of the run `but_of`, 0 where there is none."""
    command = journal_query("journal_read.sql", "latest event", schema, {"run": but_of})
    row = connection.execute(command.query, command.parameters).fetchone()
    return 0 if row is None else int(row[0])


def _rows(connection: Connection, schema: str, name: str, version: str | None) -> list[Row]:
    command = journal_query("journal_read.sql", name, schema, {"version": version})
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(command.query, command.parameters).fetchall()


def _migration(row: Row, steps: dict[str, StepRecord], digests: list[Fingerprint]) -> MigrationRecord:
    try:
        return _record(row, steps, digests)
    except (ValueError, msgspec.MsgspecError) as error:
        raise JournalDamaged(
            f"the journal is damaged: the row of migration {row['version']} cannot be read: {error}"
        ) from error


def _record(row: Row, steps: dict[str, StepRecord], digests: list[Fingerprint]) -> MigrationRecord:
    return MigrationRecord(
        version=row["version"],
        name=row["name"],
        file=row["file"],
        state=MigrationState(row["state"]),
        position=row["position"],
        plan=_plan_of(row),
        checksums=tuple(row["checksums"]),
        live=row["live"],
        began_at=row["began_at"],
        finished_at=row["finished_at"],
        error=row["error"],
        steps=steps,
        digests=tuple(digests),
    )


def _step(row: Row) -> StepRecord:
    try:
        return _step_record(row)
    except ValueError as error:
        raise JournalDamaged(
            f"the journal is damaged: the row of step {row['id']} of {row['version']} cannot be read: {error}"
        ) from error


def _step_record(row: Row) -> StepRecord:
    backend = row["pid"] and Backend(pid=row["pid"], start=row["backend_start"])
    return StepRecord(
        version=row["version"],
        id=row["id"],
        state=StepState(row["state"]),
        phase=Phase(row["phase"]),
        title=row["title"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        attempts=row["attempts"],
        error=row["error"],
        backend=backend or None,
        backfill=None if row["bound_values"] is None else _backfill(row),
    )


def _backfill(row: Row) -> BackfillRecord:
    return BackfillRecord(
        upper=None if row["upper_key"] is None else tuple(row["upper_key"]),
        last=None if row["last_key"] is None else tuple(row["last_key"]),
        values=tuple(row["bound_values"]),
        rows_done=row["rows_done"],
        rows_skipped=row["rows_skipped"],
        batch_rows=row["batch_rows"],
        estimated_rows=row["estimated_rows"],
        passes=row["passes"],
        walked=row["walked"],
        rate=row["rate"],
    )
