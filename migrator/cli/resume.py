"""`migrate resume`: takes back `migrate pause`."""

import click

from migrator.cli.group import Command
from migrator.cli.output import echo
from migrator.cli.project import load_project


@click.command(
    cls=Command,
    examples=(("migrate resume && migrate apply", "go on where the pause stopped the run"),),
    exit_codes=(0, 2, 5, 9),
)
def resume() -> None:
    """Take back a pause. Runs nothing: that is what `migrate apply` does."""
    project = load_project()
    with project.open_existing("resume") as opened:
        opened.store.set_paused(paused=False)
    echo("no pause any more; run on with migrate apply")
