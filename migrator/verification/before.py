"""The database before the change, on the shadow server: empty but for what its own files insert.

It may assume a new database. Fails with InputError where the files cannot be replayed there, and with
ConfigurationError where the server lacks an extension.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migrator import workflow
from migrator.database.session import Connector
from migrator.errors import ConfigurationError, InputError, MigrateError
from migrator.execution.events import Silent
from migrator.execution.options import RunOptions
from migrator.shadow import roles
from migrator.sql.syntax import CreateExtension
from migrator.workflow.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.policy import Policy
    from migrator.shadow.workspace import Workspace
    from migrator.sql.migration import Migration

_ROLES = 100
"""More are not made for one history."""

_MISSING_ROLE = re.compile(r'role "(?P<name>[^"]+)" does not exist')


def check_extensions(workspace: Workspace, migrations: Sequence[Migration]) -> None:
    """Raise ConfigurationError where a file creates an extension that the server does not have."""
    found = [
        (statement.command.name, statement.at)
        for migration in migrations
        for statement in migration.statements
        if isinstance(statement.command, CreateExtension)
    ]
    available = workspace.available_extensions() if found else frozenset()
    missing = {name: at for name, at in reversed(found) if name not in available}
    if missing:
        names = ", ".join(sorted(missing))
        first = min(missing.values(), key=lambda at: (at.file, at.line))
        raise ConfigurationError(
            f"the shadow server ({workspace.server.name}, PostgreSQL {workspace.version}) does not have "
            f"what this needs: extension {names}",
            at=first,
            hint="--shadow container:IMAGE with an image that has it, or --shadow URL",
        )


def replay(workspace: Workspace, url: str, migrations: Sequence[Migration], policy: Policy) -> None:
    """Run all files on a new database, quickly, and leave no journal behind."""
    connector = Connector(conninfo=url)
    options = RunOptions(provenance=provenance(), all_phases=True, wait_s=0)
    if migrations:
        _apply(workspace, connector, migrations, policy, options)
    roles.forget_journal(url, policy.journal_schema)


def _apply(
    workspace: Workspace,
    connector: Connector,
    migrations: Sequence[Migration],
    policy: Policy,
    options: RunOptions,
) -> None:
    for _ in range(_ROLES):
        try:
            workflow.apply(connector, migrations, policy, options, Silent())
        except MigrateError as error:
            missing = _MISSING_ROLE.search(error.message)
            if missing is None or not workspace.server.own:
                raise _refused(error) from error
            roles.make(workspace.keeper, missing["name"])
        else:
            return


def _refused(error: MigrateError) -> InputError:
    return InputError(
        f"the files before the change do not run on a new database: {error.message}",
        at=error.at,
        hint="give the schema before the change instead: pg_dump --schema-only, then --schema FILE",
    )
