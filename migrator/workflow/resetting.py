"""`migrate reset`: everything in a disposable database is dropped, and all files are run again.

It may assume that the files were read: what cannot be read is known before anything is dropped. Raises
NotDisposable where the environment or the database is not disposable, and what dropping and applying raise.
"""

from collections.abc import Sequence

from migrator.database.drop_everything import drop_everything
from migrator.database.journal_store import JournalStore
from migrator.database.session import Connection, Connector
from migrator.errors import NotDisposable
from migrator.execution.events import Observer
from migrator.execution.journal import Journal
from migrator.execution.options import RunOptions, RunResult
from migrator.policy import Policy
from migrator.sql.migration import Migration
from migrator.sql.syntax import CreateExtension
from migrator.workflow.agenda import up_to
from migrator.workflow.applying import apply
from migrator.workflow.observation import Observation


def reset(
    connector: Connector,
    migrations: Sequence[Migration],
    policy: Policy,
    options: RunOptions,
    observer: Observer,
    *,
    adopted: bool = False,
) -> RunResult:
    """Drop everything in the database, and run all files; `check_reset` has let it pass.

    `adopted`: somebody named the database, so it need not have been disposable before.
    """

    def check(connection: Connection) -> None:
        journal = JournalStore(connection, policy.journal_schema).load()
        if journal.migrations and not journal.disposable and not adopted:
            raise NotDisposable("meanwhile the database was migrated as one that counts: nothing was dropped")

    up_to((), [migration.version for migration in migrations], options.to_version)
    with connector.session("reset") as connection:
        drop_everything(
            connection,
            policy.journal_schema,
            options,
            observer,
            extensions=created_extensions(migrations),
            check=check,
        )
    return apply(connector, migrations, policy, options, observer)


def check_reset(observation: Observation, policy: Policy, adopt: str | None) -> None:
    """Raise NotDisposable where everything in this database may not be dropped.

    `adopt` is the name by which somebody says that it may, whatever its journal says.
    """
    database = observation.facts.database
    if not policy.disposable:
        raise NotDisposable(
            "reset drops everything in the database, and this environment does not say disposable = true",
            hint="in migrate.toml: [environments.laptop] with database and disposable = true; "
            "then: migrate reset --env laptop",
        )
    if adopt is not None and adopt != database:
        raise NotDisposable(f"--adopt names {adopt}, and the database is {observation.place}")
    if adopt is None and not _may_go(observation.journal, observation):
        raise NotDisposable(
            f"no disposable environment has made {observation.place}: nothing was dropped",
            hint=f"is it the right database? If everything in it may go: migrate reset --adopt {database}",
        )


def created_extensions(migrations: Sequence[Migration]) -> tuple[str, ...]:
    """Return the extensions that the files create, which have to be absent before they run."""
    commands = [statement.command for migration in migrations for statement in migration.statements]
    return tuple(dict.fromkeys(c.name for c in commands if isinstance(c, CreateExtension)))


def _may_go(journal: Journal, observation: Observation) -> bool:
    return journal.disposable or not (observation.facts.live or journal.migrations)
