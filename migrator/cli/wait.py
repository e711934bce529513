"""`migrate wait`: blocks until the files of the directory are past validate; for applications that start."""

import click

from migrator.cli.failure import say
from migrator.cli.group import Command
from migrator.cli.output import echo
from migrator.cli.project import Project, load_project
from migrator.cli.signals import ending
from migrator.cli.units import Duration, duration
from migrator.errors import InputError, MigrateError, StepFailed, WorkPending
from migrator.execution.rollout import Rollout
from migrator.history import list_files
from migrator.reports.words import counted

_NAMED = 3
"""Versions that a message names."""


@click.command(
    cls=Command,
    examples=(
        ("migrate wait", "in an init container: the application starts when its schema is there"),
        ("migrate wait --timeout 0", "look once"),
        ("migrate wait --through 20260105090000", "without the files at hand: only up to this version"),
    ),
    exit_codes=(0, 2, 4, 5, 8, 9, 130, 143),
)
@click.option(
    "--timeout",
    "timeout_s",
    type=Duration(),
    default="10min",
    show_default=True,
    metavar="DURATION",
    help="How long to wait; 0 looks once.",
)
@click.option(
    "--through", metavar="VERSION", help="Wait for this version, and for the files before it; no later ones."
)
def wait(*, timeout_s: float, through: str | None) -> None:
    """Wait until every file of the directory is past validate; contract may still wait.

    Read-only: it works on a standby, and needs no right but SELECT on the journal. Migrations that the
    directory does not have do not matter, so an older application starts beside a newer database.
    """
    from migrator.database.rollout import wait_for_rollout

    project = load_project()
    needed = _needed(project, through)
    with ending("the wait"):
        found = wait_for_rollout(
            project.connector, project.policy.journal_schema, needed, timeout_s=timeout_s, tell=_tell
        )
    _judge(found, timeout_s)
    echo(f"past validate: {counted(len(needed), 'migration')}")


def _needed(project: Project, through: str | None) -> tuple[str, ...]:
    """Return the versions that have to be there."""
    if through is not None and not through.isdecimal():
        raise InputError(f"--through takes a version, which is digits; {through!r} is not")
    if through is not None and not project.directory.is_dir():
        return (through,)
    versions = [file.version for file in list_files(project.existing_directory())]
    if through is None:
        return tuple(versions)
    before = [v for v in versions if int(v) < int(through)]
    return (*before, next((v for v in versions if int(v) == int(through)), through))


def _tell(obstacle: Rollout | MigrateError) -> None:
    text = str(obstacle) if isinstance(obstacle, MigrateError) else _words(obstacle)
    say(text, label="waiting", color="cyan")


def _words(found: Rollout) -> str:
    some = ", ".join(found.missing[:_NAMED]) + (", …" if len(found.missing) > _NAMED else "")
    failed = f"; a step of {', '.join(found.failed)} failed" if found.failed else ""
    return f"{counted(len(found.missing), 'migration')} not past validate: {some}{failed}"


def _judge(found: Rollout, timeout_s: float) -> None:
    if found.failed:
        raise StepFailed(_words(found), hint="migrate status says where, and what to do")
    if found.missing:
        raise WorkPending(f"after {duration(timeout_s)}: {_words(found)}", hint="migrate apply")
