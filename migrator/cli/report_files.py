"""`--report FORMAT=FILE`: reports beside the one on standard output, and the command line that they tell."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from migrator.cli.invocation import GlobalOption
from migrator.cli.redact import redact
from migrator.cli.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FORMATS = ("html", "json", "text")


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report that was asked for."""

    form: str
    path: Path

    def __str__(self) -> str:
        return f"{self.form}={self.path}"


class ReportOption(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """The value of `--report`; the folder has to exist, so that a long run is not in vain."""

    name = "FORMAT=FILE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ReportFile:
        """Read it."""
        form, _, path = str(value).partition("=")
        if form not in FORMATS or not path:
            self.fail(f"{value!r} is not FORMAT=FILE; formats are {', '.join(FORMATS)}", param, ctx)
        if not Path(path).parent.is_dir():
            self.fail(f"there is no folder {str(Path(path).parent)!r} for the report", param, ctx)
        return ReportFile(form, Path(path))


def write_reports(files: tuple[ReportFile, ...], render: Mapping[str, Callable[[], str]]) -> None:
    """Write each; raises UsageError."""
    for file in files:
        write_whole(file.path, render[file.form]())


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
