"""Beginning a migration: its row, its plan and the definitions its first step expects, in one transaction."""

from migrator.database.drift import check_drift
from migrator.database.journal_read import read_control, read_leases, read_migrations
from migrator.database.patience import patiently
from migrator.database.workbench import Workbench
from migrator.execution.faults import FaultPoint
from migrator.execution.journal import Journal, MigrationRecord, MigrationState, check_migration
from migrator.plan.plan import Plan


def begin_migration(bench: Workbench, plan: Plan, version: str) -> None:
    """Record that the migration begins with its part of `plan`; a DriftError records nothing."""

    def attempt() -> None:
        with bench.connection.transaction():
            bench.execute(bench.commands.query("remove migration", version=version))
            bench.execute(bench.commands.begin_migration(plan.only(version), version))
            bench.execute(bench.commands.expect_fingerprints(plan, version))
            bench.execute(bench.commands.event("migration.begun", version))
            check_drift(bench, version)

    patiently(bench, attempt, f"beginning migration {version}")
    bench.faults(FaultPoint.MIGRATION_BEGUN)


def change_state(bench: Workbench, record: MigrationRecord, state: MigrationState) -> None:
    """Record that a migration goes from the record's state to another, with the event that says so."""
    if record.state is state and state is not MigrationState.FAILED:
        return
    check_migration(record.state, state)
    kind = "resumed" if state is MigrationState.BEGUN else state.value
    bench.together(
        [
            bench.commands.set_migration(record.version, state),
            bench.commands.event(f"migration.{kind}", record.version),
        ]
    )


def read_journal(bench: Workbench) -> Journal:
    """Return the journal; the runner lock keeps others from changing what matters."""
    paused, reason = read_control(bench.connection, bench.schema)
    migrations = read_migrations(bench.connection, bench.schema)
    leases = read_leases(bench.connection, bench.schema)
    return Journal(migrations=migrations, paused=paused, paused_reason=reason, leases=leases)


def read_record(bench: Workbench, version: str) -> MigrationRecord:
    """Return the record of a migration that has begun."""
    (record,) = read_migrations(bench.connection, bench.schema, version)
    return record
