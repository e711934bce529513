"""Migrations that a run leaves alone, and saying so: another one is unfinished, or goes on in another run."""

from migrator.database.beginning import read_record
from migrator.database.journal_read import read_latest_event
from migrator.database.workbench import Workbench
from migrator.execution.events import MigrationBlocked, MigrationElsewhere
from migrator.execution.journal import Journal
from migrator.execution.options import Outcome, RunOptions
from migrator.execution.selection import Conflict, leased
from migrator.plan.plan import PlannedMigration


def overtaken(bench: Workbench, options: RunOptions) -> bool:
    """Whether another run was at work since the plan was made; the session notes it."""
    if options.seen is None:
        return False
    latest = read_latest_event(bench.connection, bench.schema, but_of=bench.commands.run)
    bench.session.overtaken = latest != options.seen
    return bench.session.overtaken


def blocked(bench: Workbench, migration: PlannedMigration, found: Conflict, journal: Journal) -> Outcome:
    """Leave a new migration for later because of an unfinished one that touches the same."""
    version, name = migration.version, migration.name
    bench.observer.event(MigrationBlocked(version=version, name=name, by=found.by, relations=found.relations))
    return Outcome(
        version=version,
        name=name,
        state=None,
        blocked_by=found.by,
        blocked_on=found.relations,
        elsewhere=leased(journal).get(found.by),
    )


def left_alone(bench: Workbench, journal: Journal, version: str) -> Outcome:
    """Leave a migration alone that another run works on."""
    record, holder = read_record(bench, version), leased(journal)[version]
    bench.observer.event(MigrationElsewhere(version=version, name=record.name, holder=holder))
    return Outcome(version=version, name=record.name, state=record.state, elsewhere=holder)
