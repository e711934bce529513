"""`migrate renumber`: gives a file that came too late a version after all others."""

from pathlib import Path

import click

from migrator.cli.approving import rename_entries
from migrator.cli.group import Command
from migrator.cli.output import echo
from migrator.cli.project import load_project
from migrator.cli.versions import file_name, next_version, parts
from migrator.configuration.approvals import NAME as APPROVALS
from migrator.errors import InputError, UsageError


@click.command(
    cls=Command,
    examples=(
        ("migrate renumber migrations/20260105090000_add_email.sql", "after a merge brought newer files"),
        ("migrate renumber FILE --offline", "without asking a journal whether it has begun"),
    ),
    exit_codes=(0, 2, 5, 9),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--offline", is_flag=True, help="Do not ask the journal whether the file has begun.")
def renumber(*, file: Path, offline: bool) -> None:
    """Rename FILE so that its version is now, after every other file, and print the new path.

    Its entries in approvals.toml go along.

    Refused where the journal knows the file: what has begun keeps its version.
    """
    project = load_project()
    path = file if file.exists() or file.parent != Path() else project.directory / file
    version, slug = _checked(path)
    if not offline and project.has_database:
        with project.open("renumber", read_only=True) as opened:
            record = opened.store.load().get(version)
        if record is not None:
            raise InputError(f"{path.name} is {record.state} in the journal, so it keeps its version")
    target = path.with_name(file_name(next_version(path.parent), slug))
    try:
        path.rename(target)
    except OSError as error:
        raise UsageError(f"cannot rename {path}: {error.strerror}") from error
    rename_entries(path.parent / APPROVALS, path.name, target.name)
    echo(str(target))


def _checked(path: Path) -> tuple[str, str]:
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    found = parts(path)
    if found is None:
        raise UsageError(f"{path.name} is not named VERSION_name.sql")
    return found
