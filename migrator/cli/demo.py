"""`migrate demo`: the demonstration, told on standard error; its result is a table on standard output."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from migrator.cli.group import Command
from migrator.errors import StepFailed, Terminated

if TYPE_CHECKING:
    from rich.table import Table

    from migrator.demo.demonstration import Report, Side
    from migrator.shadow.traffic.recording import Summary

SMALLEST = 20_000
"""With fewer orders the tables are small, and small tables need no backfill."""

QUICK = 200_000
"""With fewer orders a shorter baseline is enough."""


@click.command(
    cls=Command,
    examples=[
        ("migrate demo", "a million orders; takes some minutes"),
        ("migrate demo --rows 50000", "a quick look"),
        ("migrate demo --keep", "look around afterwards, with psql or with migrate itself"),
    ],
    exit_codes=(0, 2, 8, 9),
)
@click.option(
    "--rows",
    type=click.IntRange(min=SMALLEST),
    default=1_000_000,
    show_default=True,
    help="Orders in the shop; three and a half times as many rows belong to them.",
)
@click.option("--keep", is_flag=True, help="Keep the server running, and say how to connect.")
def demo(rows: int, keep: bool) -> None:
    """Watch unsafe migrations made safe, on a scratch server with live traffic.

    Starts an embedded PostgreSQL server and loads a shop. While its application reads and writes, the
    sample migrations are applied, the runner is killed half-way and run again. Then the same files run as
    written on a copy.
    """
    from migrator.demo.demonstration import Options, demonstrate
    from migrator.demo.shop import Size

    options = Options(size=Size(orders=rows), keep=keep, baseline_s=10.0 if rows >= QUICK else 3.0)
    with terminated():
        report = demonstrate(options, tell)
    show(report)
    if report.reasons:
        raise StepFailed("the demonstration did not hold: " + "; ".join(report.reasons))


def tell(text: str) -> None:
    """Say what happens."""
    click.echo(f"• {text}", err=True)


@contextlib.contextmanager
def terminated() -> Iterator[None]:
    """Let SIGTERM end the demonstration with its server, as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001  # as the signal module calls it
        raise Terminated("the demonstration was terminated", hint="")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def show(report: "Report") -> None:
    """Print the tables and the verdicts."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    console.print(comparison(report))
    console.print(by_file(report))
    for line in verdicts(report):
        console.print(line, markup=False)


def comparison(report: "Report") -> "Table":
    """Both runs side by side."""
    from rich.table import Table

    table = Table(title="What the application felt")
    table.add_column("")
    for heading in ("alone", "migrate apply", "alone (copy)", "as written"):
        table.add_column(heading, justify="right")
    columns = [report.planned.baseline, report.planned.run, report.naive.baseline, report.naive.run]
    for name, cells in rows(columns):
        table.add_row(name, *cells)
    table.add_section()
    table.add_row("added by the run", "", blocked(report.planned), "", blocked(report.naive))
    return table


def rows(columns: "list[Summary]") -> list[tuple[str, list[str]]]:
    """The lines of the table that all four columns have."""
    return [
        ("seconds", [f"{column.seconds:.1f}" for column in columns]),
        ("statements", [f"{column.statements:,}" for column in columns]),
        ("errors", [f"{column.failed:,}" for column in columns]),
        ("p50", [milliseconds(column.p50) for column in columns]),
        ("p99", [milliseconds(column.p99) for column in columns]),
        ("longest blocked", [milliseconds(column.longest) for column in columns]),
        ("  waited to", [column.longest_kind for column in columns]),
        ("longest silence", [milliseconds(column.silence) for column in columns]),
    ]


def by_file(report: "Report") -> "Table":
    """What each file did as written."""
    from rich.table import Table

    table = Table(title="As written, file by file")
    for heading in ("file", "seconds", "longest blocked", "errors"):
        table.add_column(heading, justify="left" if heading == "file" else "right")
    for name, summary in report.files:
        table.add_row(name, f"{summary.seconds:.1f}", milliseconds(summary.within), str(summary.failed))
    return table


def verdicts(report: "Report") -> list[str]:
    """What came out, in words."""
    lines = [
        f"the naive run blocked the application {report.ratio:,.0f} times longer",
        "the schemas are equal" if not report.differences else "the schemas differ:",
        *(f"  {line}" for line in report.differences[:20]),
    ]
    if report.killed is not None:
        lines.append(
            f"killed at {report.killed.percent:.0f} % of: {report.killed.title}; resumed by the same command"
        )
    lines += [f"error of the application while migrate ran: {text}" for text in report.planned.examples]
    lines += [
        f"error of the application while the files ran as written: {text}" for text in report.naive.examples
    ]
    if report.refusals:
        lines.append(f"the files as written were refused {len(report.refusals)} times: {report.refusals[0]}")
    lines += [f"after the run as written: {fault}" for fault in report.naive.faults]
    lines += [f"connect with: psql '{url}'" for url in report.urls]
    if report.urls:
        lines.append(
            f"stop the server with pg_ctl -D {report.folder / 'data'} stop, then remove {report.folder}"
        )
    return lines


def blocked(side: "Side") -> str:
    """The longest blocked time, less that of the baseline."""
    return milliseconds(side.blocked)


def milliseconds(nanoseconds: int) -> str:
    """A time for people."""
    return f"{nanoseconds / 1e6:,.1f} ms"
