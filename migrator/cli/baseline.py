"""`migrate baseline`: begins the journal of a database whose tables are there already."""

import click

from migrator.cli.confirm import confirm
from migrator.cli.group import Command, did_you_mean
from migrator.cli.output import echo
from migrator.cli.project import file_entry, load_project
from migrator.errors import InputError
from migrator.reports.words import counted
from migrator.sql.migration import Migration

NONE = "0"


@click.command(
    cls=Command,
    examples=(
        ("migrate baseline 20260105090000", "this file and all before it are in the database already"),
        ("migrate baseline 0", "none of the files is; the journal just begins"),
    ),
    exit_codes=(0, 2, 5, 6, 9),
)
@click.argument("version")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal; a pipeline is never asked.")
def baseline(*, version: str, yes: bool) -> None:
    """Record the files up to VERSION as applied, without running them; 0 records none.

    For a database that has tables already. Nothing but the journal is changed.
    """
    project = load_project()
    migrations = () if version == NONE else project.migrations()
    chosen = _through(version, migrations)
    with project.open("baseline") as opened:
        confirm(f"record {counted(len(chosen), 'file')} as applied", opened.place, yes=yes)
        entries = [file_entry(migration) for migration in chosen]
        opened.store.baseline(entries, disposable=project.policy.disposable)
    echo(f"the journal begins with {counted(len(chosen), 'file')} recorded as applied")


def _through(version: str, migrations: tuple[Migration, ...]) -> tuple[Migration, ...]:
    if version == NONE:
        return ()
    versions = [migration.version for migration in migrations]
    if version not in versions:
        raise InputError(f"there is no migration file of version {version}{did_you_mean(version, versions)}")
    return migrations[: versions.index(version) + 1]
