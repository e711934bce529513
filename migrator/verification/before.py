"""The database before the change, on the shadow server: without rows but for what its own files insert.

Made from the files before it, or from a dump of the schema. Fails with InputError where these do not run
there, and with ConfigurationError where the server lacks an extension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from migrator import workflow
from migrator.database.session import Connector
from migrator.errors import ConfigurationError, InputError, Location, MigrateError
from migrator.execution.events import Silent
from migrator.execution.options import RunOptions
from migrator.reports.words import counted
from migrator.shadow import roles
from migrator.shadow.load import MISSING_ROLE, execute_each, load
from migrator.sql.syntax import CreateExtension
from migrator.verification import from_facts
from migrator.verification.request import FactsFile, History, SchemaFile
from migrator.workflow.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from migrator.plan.hazard import Hazard
    from migrator.policy import Policy
    from migrator.shadow.workspace import Workspace
    from migrator.sql.dump import Part
    from migrator.sql.migration import Migration, Statement
from migrator.verification.request import Request

_ROLES = 100
"""More are not made for one history."""


def make_before(
    space: Workspace, request: Request, tell: Callable[[str], None]
) -> tuple[str, tuple[str, ...]]:
    """Make the database before the change; return its URL, and what could not be made."""
    url, where = space.create(), f"PostgreSQL {space.version} ({space.server.name})"
    match request.before:
        case History(migrations=migrations):
            _check_extensions(space, [s for m in (*migrations, *request.migrations) for s in m.statements])
            tell(f"{where}: replaying {counted(len(migrations), 'file')}")
            replay(space, url, migrations, request.policy)
            return url, ()
        case SchemaFile(file=file, parts=parts):
            _check_extensions(space, [*parts, *(s for m in request.migrations for s in m.statements)])
            tell(f"{where}: loading {file}")
            passed = load(space, url, parts)
            roles.forget_journal(url, request.policy.journal_schema)
            return url, passed
        case FactsFile(file=file, document=document):
            tell(f"{where}: making what {file} says of {document.place}, {document.made_at}")
            made = [(each.what, each.sql) for each in from_facts.statements(document)]
            refused = execute_each(url, made)
            origin = f"the database before is that of {file}: {document.place}, {document.made_at}"
            return url, (origin, *refused, *from_facts.missing(document))
        case _:
            assert_never(request.before)


def _check_extensions(space: Workspace, statements: Sequence[Statement | Part]) -> None:
    """Raise ConfigurationError where an extension is created that the server does not have."""
    found = [(s.command.name, s.at) for s in statements if isinstance(s.command, CreateExtension)]
    available = space.available_extensions() if found else frozenset()
    missing = {name: at for name, at in reversed(found) if name not in available}
    if missing:
        names = ", ".join(sorted(missing))
        first = next(at for name, at in found if name in missing)
        raise ConfigurationError(
            f"the shadow server ({space.server.name}, PostgreSQL {space.version}) does not have "
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
            missing = MISSING_ROLE.search(error.message)
            if missing is None or not workspace.server.own:
                raise _refused(error) from error
            roles.make(workspace.keeper, missing["name"])
        else:
            return


def _location_of(hazard: Hazard) -> Location | None:
    """Return the place of a hazard in its file, if it has one."""
    if hazard.file is None or hazard.line is None:
        return None
    return Location(file=hazard.file, line=hazard.line, column=hazard.column or 1)


def _refused(error: MigrateError) -> InputError:
    message, at = error.message, error.at
    if isinstance(error, workflow.Unapproved):
        first = error.agenda.unapproved[0]
        message, at = first.message, _location_of(first)
    return InputError(
        f"the files before the change do not run on a new database: {message}",
        at=at,
        hint="give the schema before the change instead: pg_dump --schema-only, then --schema FILE",
    )
