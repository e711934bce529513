"""`--format FORMAT` and `--report FORMAT=FILE`: what is printed and written, the same for all commands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec
from click.core import ParameterSource

from migrator.cli.invocation import GlobalOption
from migrator.cli.redact import redact
from migrator.cli.whole_file import write_whole
from migrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STANDARD_OUTPUT = "-"

_Function = TypeVar("_Function", bound="Callable[..., Any]")


class ReportFile(msgspec.Struct, frozen=True):
    """A report that was asked for."""

    form: str
    path: Path | None
    """None: standard output."""

    def __str__(self) -> str:
        return f"{self.form}={STANDARD_OUTPUT if self.path is None else self.path}"


class ReportOption(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """The value of `--report`; the folder has to exist, so that a long run is not in vain."""

    name = "FORMAT=FILE"

    def __init__(self, formats: Sequence[str]) -> None:
        self.formats = tuple(formats)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ReportFile:
        """Read it."""
        form, _, path = str(value).partition("=")
        if form not in self.formats or not path:
            self.fail(f"{value!r} is not FORMAT=FILE; formats are {', '.join(self.formats)}", param, ctx)
        if path == STANDARD_OUTPUT:
            return ReportFile(form, None)
        if not Path(path).parent.is_dir():
            self.fail(f"there is no folder {str(Path(path).parent)!r} for the report", param, ctx)
        return ReportFile(form, Path(path))


def report_options(*printed: str, only_files: Sequence[str] = ()) -> Callable[[_Function], _Function]:
    """Return the options `--format` (passed on as `form`) and `--report` (`reports`) of a command.

    `only_files` are formats that nobody would read in a terminal.
    """
    formats = (*printed, *only_files)

    def add(function: _Function) -> _Function:
        report = click.option(
            "--report",
            "reports",
            metavar="FORMAT=FILE",
            type=ReportOption(formats),
            multiple=True,
            help=f"Write a report as {_listed(formats)}; - is standard output; may be given several times.",
        )
        form = click.option(
            "--format", "form", type=click.Choice(printed), help="Print it so; default: text."
        )
        return form(report(function))

    return add


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def printed_form(form: str | None, reports: Sequence[ReportFile]) -> str:
    """Return the format of standard output; raises UsageError where several were asked for."""
    asked = [*([] if form is None else [form]), *(report.form for report in reports if report.path is None)]
    if len(asked) > 1:
        raise UsageError(
            f"standard output can hold one report, not {len(asked)} ({', '.join(asked)})",
            hint="write the others to files: --report FORMAT=FILE",
        )
    return asked[0] if asked else "text"


def write_reports(reports: Sequence[ReportFile], render: Callable[[str], str]) -> None:
    """Write those that go to files; raises UsageError where one cannot be written."""
    for report in reports:
        if report.path is not None:
            write_whole(report.path, render(report.form))


def command_line(context: click.Context) -> str:
    """Return the command with its own options as they were given, without global ones and without secrets."""
    return redact(shlex.join(["migrate", *_words(context)]))


def _words(context: click.Context) -> Iterator[str]:
    yield str(context.info_name)
    for parameter in context.command.get_params(context):
        name = str(parameter.name)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not given or isinstance(parameter, GlobalOption):
            continue
        value = context.params[name]
        option = [] if isinstance(parameter, click.Argument) else [parameter.opts[0]]
        values = value if isinstance(value, tuple) else (value,)
        for each in values:
            yield from [*option, *([] if each is True else [str(each)])]
