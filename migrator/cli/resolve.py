"""`migrate resolve`: records what a person decided about a migration that cannot go on by itself."""

import click

from migrator.cli.confirm import confirm
from migrator.cli.group import Command
from migrator.cli.output import echo
from migrator.cli.project import Project, file_entry, load_project
from migrator.database.journal_store import FileEntry, JournalStore
from migrator.errors import InputError, UsageError
from migrator.execution.journal import MigrationRecord

CHOICES = {
    "applied": "everything of it is in the database",
    "rolled-back": "nothing of it is in the database; it is pending again",
    "accept-drift": "what was changed beside it is right, go on",
    "accept-checksum": "the edited file is right, what ran is equivalent",
}


@click.command(
    cls=Command,
    examples=(
        ('migrate resolve 20260105090000 --applied --reason "finished by hand"', "go on with the next one"),
        ('migrate resolve 20260105090000 --rolled-back --reason "undone by hand"', "begin it again"),
        (
            'migrate resolve 20260105090000 --accept-checksum --reason "typo"',
            "the file was edited after it ran",
        ),
    ),
    exit_codes=(0, 2, 5, 6, 9),
)
@click.argument("version")
@click.option("--applied", "choice", flag_value="applied", help=CHOICES["applied"].capitalize() + ".")
@click.option(
    "--rolled-back", "choice", flag_value="rolled-back", help=CHOICES["rolled-back"].capitalize() + "."
)
@click.option(
    "--accept-checksum",
    "choice",
    flag_value="accept-checksum",
    help=CHOICES["accept-checksum"].capitalize() + ".",
)
@click.option(
    "--accept-drift", "choice", flag_value="accept-drift", help=CHOICES["accept-drift"].capitalize() + "."
)
@click.option("--reason", required=True, metavar="TEXT", help="Recorded in the journal with your name.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal; a pipeline is never asked.")
def resolve(*, version: str, choice: str | None, reason: str, yes: bool) -> None:
    """Record a decision about migration VERSION. Only the journal changes; mend the database before."""
    if choice is None:
        raise UsageError("say what is true: --applied, --rolled-back, --accept-checksum or --accept-drift")
    if not reason.strip():
        raise UsageError("the reason is empty")
    project = load_project()
    with project.open_existing("resolve") as opened:
        record = opened.store.load().get(version)
        confirm(f"record of {version}: {CHOICES[choice]}", opened.place, yes=yes)
        _record(opened.store, choice, reason, _entry(project, version, record, choice))
    echo(f"recorded: {version} {choice.replace('-', ' ')}")


def _record(store: JournalStore, choice: str, reason: str, entry: FileEntry) -> None:
    match choice:
        case "applied":
            store.resolve_applied(entry, reason)
        case "rolled-back":
            store.resolve_rolled_back(entry.version, reason)
        case "accept-drift":
            store.accept_drift(entry.version, reason)
        case _:
            store.accept_checksum(entry, reason)


def _entry(project: Project, version: str, record: MigrationRecord | None, choice: str) -> FileEntry:
    """Take the file as it is now; where it is gone, or cannot be read, what the journal knows of it."""
    if record is not None and choice != "accept-checksum":
        return FileEntry(version=version, name=record.name, file=record.file, checksums=record.checksums)
    found = next((m for m in project.migrations() if m.version == version), None)
    if found is None or (record is None and choice != "applied"):
        raise InputError(f"the journal has no migration {version}", hint="migrate status lists them")
    return file_entry(found)
