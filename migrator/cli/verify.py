"""`migrate verify`: a scratch server proves the plan."""

from __future__ import annotations

import click

from migrator.cli.failure import say
from migrator.cli.group import Command
from migrator.cli.project import load_project
from migrator.cli.signals import ending
from migrator.errors import StepFailed

DEFAULT_ROWS = 1_000


@click.command(
    cls=Command,
    examples=(
        ("migrate verify", "the files that `migrate plan` would plan, on an embedded server"),
        ("migrate verify migrations/20260105090000_add_email.sql", "this file, after all before it"),
        ("migrate verify --shadow container:16", "on PostgreSQL 16, in a container that goes away again"),
    ),
    exit_codes=(0, 2, 5, 8, 9, 130, 143),
)
@click.argument("files", metavar="[FILE... | -]", nargs=-1)
@click.option(
    "--shadow",
    metavar="SERVER",
    default="embedded",
    show_default=True,
    help="Where: embedded, container:VERSION (or IMAGE), or the URL of a server for scratch databases.",
)
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(min=0),
    default=DEFAULT_ROWS,
    show_default=True,
    help="Rows in each table that the files touch.",
)
@click.option("--base", metavar="REF", help="Files new since the merge base with this git reference.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def verify(*, files: tuple[str, ...], shadow: str, rows: int, base: str | None, form: str) -> None:
    """Carry out the plan on a scratch server, and say what it really did.

    The database before the change is made from the files before it, and filled with rows. The runner carries
    out the plan on it, contract included; on a copy your own text is executed. Locks, scans and rewrites
    are measured, both results compared. The database of --database is only read, never written to.
    """
    from migrator import verification
    from migrator.cli.verifying import request_for
    from migrator.plan.proof_codec import encode_readable
    from migrator.reports.proof import render

    project = load_project()
    request = request_for(project, files, base=base, rows=rows)
    with ending("the verification"), verification.shadow_server(shadow) as server:
        found = verification.verify(server, request, lambda text: say(text, label="verify", color="cyan"))
    click.echo(encode_readable(found.proof) if form == "json" else render(found.plan, found.proof), nl=False)
    if not found.proof.holds:
        raise StepFailed("the plan is not proved", hint="the report above says what differs")
