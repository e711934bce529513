"""The one question asked before a database is changed: only on a terminal, with host and database in it."""

import sys

import click

from migrator.cli.output import Styled, echo
from migrator.errors import UsageError


def confirm(what: str, where: str, *, yes: bool) -> None:
    """Ask whether to do `what` to the database `where`; a pipeline and --yes are not asked."""
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    echo(f"{what}\n  database: ", Styled(where, bold=True), err=True)
    if not click.confirm("go on?", default=False, err=True):
        raise UsageError("nothing was run", hint="--yes skips the question")
