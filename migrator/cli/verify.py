"""`migrate verify`: a scratch server proves the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from migrator.cli.failure import say
from migrator.cli.group import Command
from migrator.cli.options import shadow_option
from migrator.cli.output import echo_report
from migrator.cli.project import load_project
from migrator.cli.report_files import ReportFile, command_line, printed_form, report_options, write_reports
from migrator.cli.signals import ending
from migrator.errors import StepFailed
from migrator.postgres.passwords import sql_without_passwords

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.verification import Verified

DEFAULT_ROWS = 1_000


def _sessions(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option that says how many of them there are."""
    many = click.IntRange(min=0, max=64)
    return click.option(name, metavar="N", type=many, default=2, show_default=True, help="Of the traffic.")


@click.command(
    cls=Command,
    examples=(
        ("migrate verify", "the files that `migrate plan` would plan, on an embedded server"),
        ("migrate verify migrations/20260105090000_add_email.sql", "this file, after all before it"),
        ("migrate verify --shadow container:16", "on PostgreSQL 16, in a container that goes away again"),
        ("migrate verify --traffic --report html=report.html", "beside an application, with pictures"),
    ),
    exit_codes=(0, 2, 5, 8, 9, 130, 143),
)
@click.argument("files", metavar="[FILE... | -]", nargs=-1)
@shadow_option
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(min=0),
    default=DEFAULT_ROWS,
    show_default=True,
    help="Rows in each table that the files touch.",
)
@click.option(
    "--schema",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The schema before the change, by pg_dump --schema-only, in place of the files before it.",
)
@click.option(
    "--facts",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The database before the change, as migrate facts export has written it.",
)
@click.option(
    "--offline", is_flag=True, help="Ask no database which files are pending, and how large tables are."
)
@click.option("--base", metavar="REF", help="Files new since the merge base with this git reference.")
@click.option("--traffic", is_flag=True, help="Once more beside readers and writers, as written too.")
@_sessions("--readers")
@_sessions("--writers")
@click.option(
    "--rate",
    metavar="N",
    type=click.FloatRange(min=0.1, max=1_000),
    default=100,
    show_default=True,
    help="Requests a second of each reader and writer, at most.",
)
@report_options("text", "json", only_files=["html"])
@click.pass_context
def verify(
    context: click.Context,
    *,
    files: tuple[str, ...],
    shadow: str,
    rows: int,
    schema: Path | None,
    facts: Path | None,
    offline: bool,
    base: str | None,
    traffic: bool,
    readers: int,
    writers: int,
    rate: float,
    reports: tuple[ReportFile, ...],
    form: str | None,
) -> None:
    """Carry out the plan on a scratch server, and say what it really did.

    The database before the change is made from the files before it, and filled with rows. The runner carries
    out the plan on it, contract included; on a copy your own text is executed. Locks, scans and rewrites
    are measured, both results compared. With --traffic both runs once more, beside an application of readers
    and writers: what it waits for is measured. The database of --database is only read, never written to.
    """
    from migrator import verification
    from migrator.cli.verifying import request_for
    from migrator.shadow.traffic.beside import Load

    printed = printed_form(form, reports)
    project = load_project()
    load = Load(readers=readers, writers=writers, rate=rate) if traffic else None
    asked = request_for(project, files, base=base, rows=rows, schema=schema, facts=facts, offline=offline)
    with ending("the verification"), verification.shadow_server(shadow) as server:
        found = verification.verify(
            server, replace(asked, load=load), lambda text: say(text, label="verify", color="cyan")
        )
    _tell(found, reports, printed, command=command_line(context))


def _tell(found: Verified, reports: tuple[ReportFile, ...], form: str, *, command: str) -> None:
    """Print and write what was found; raise StepFailed where the plan is not proved."""
    from migrator.plan.proof_codec import encode_readable
    from migrator.reports import html
    from migrator.reports.proof import render

    rendered = {
        "json": lambda: sql_without_passwords(encode_readable(found.proof)),
        "text": lambda: sql_without_passwords(render(found.plan, found.proof)),
        "html": lambda: sql_without_passwords(html.render(found.proof, command=command, plan=found.plan)),
    }
    echo_report(form, rendered[form](), nl=False)
    write_reports(reports, lambda form: rendered[form]())
    if not found.proof.holds:
        raise StepFailed("the plan is not proved", hint="the report above says what differs")
