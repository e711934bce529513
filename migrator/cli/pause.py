"""`migrate pause`: a flag in the journal that every run reads before each step and batch."""

import click

from migrator.cli.group import Command
from migrator.cli.output import echo
from migrator.cli.project import load_project


@click.command(
    cls=Command,
    examples=(
        ("migrate pause", "a running apply ends with exit 7 after its batch"),
        ('migrate pause --reason "sale until Monday"', "whoever is stopped by it reads the reason"),
    ),
    exit_codes=(0, 2, 5, 9),
)
@click.option("--reason", metavar="TEXT", help="Shown by `migrate status` and to whoever is stopped.")
def pause(*, reason: str | None) -> None:
    """Stop the running migration after its batch or statement, and keep others from beginning.

    Works from any host; takes no lock. Go on with `migrate resume` and `migrate apply`.
    """
    project = load_project()
    with project.open_existing("pause") as opened:
        opened.store.set_paused(paused=True, reason=reason)
    echo("paused: a running migration stops after its batch; go on with migrate resume")
