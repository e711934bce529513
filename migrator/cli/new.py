"""`migrate new`: an empty migration file whose version comes after all others."""

from pathlib import Path

import click

from migrator.cli.group import Command
from migrator.cli.output import echo
from migrator.cli.project import load_project
from migrator.cli.versions import file_name, next_version, slug
from migrator.errors import UsageError

HEAD = "-- {title}\n\n"


@click.command(
    cls=Command,
    examples=(
        ("migrate new add_email_to_users", "migrations/20260105090000_add_email_to_users.sql"),
        ('migrate new "Add email to users"', "the same"),
    ),
    exit_codes=(0, 2),
)
@click.argument("name", nargs=-1, required=True)
def new(name: tuple[str, ...]) -> None:
    """Make an empty migration file YYYYMMDDHHMMSS_NAME.sql (in UTC) and print its path."""
    title = " ".join(name).strip()
    directory = load_project().directory
    path = directory / file_name(next_version(directory), slug(title))
    _create(path, HEAD.format(title=title.replace("_", " ")))
    echo(str(path))


def _create(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
