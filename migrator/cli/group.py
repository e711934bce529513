"""click's group and command, with lazy imports, suggestions, examples and exit codes in every help text."""

import difflib
import importlib
from collections.abc import Sequence
from typing import Any

import click

from migrator.cli.exit_codes import EXIT_CODES
from migrator.cli.invocation import GlobalOption, global_options
from migrator.cli.registry import COMMANDS


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is run, not when it is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import and return one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(importlib.import_module(entry.module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """List the commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"there is no command {name!r}{did_you_mean(name, COMMANDS)}", ctx)


class Command(click.Command):
    """A command whose help ends with examples and the exit codes it can return."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  # click's own parameters
        examples: Sequence[tuple[str, str]] = (),
        exit_codes: Sequence[int] = (0, 2),
        **kwargs: Any,  # noqa: ANN401  # handed on to click unchanged
    ) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())
        self.examples = tuple(examples)
        self.exit_codes = tuple(exit_codes)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the command's own options, then the global ones."""
        own: list[tuple[str, str]] = []
        everywhere: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and not isinstance(parameter, click.Argument):
                (everywhere if isinstance(parameter, GlobalOption) else own).append(record)
        for title, records in (("Options", own), ("Global options", everywhere)):
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """Show the examples and the exit codes."""
        with formatter.section("Examples"):
            formatter.write_text("\n\n".join(f"\b\n# {why}\n{line}" for line, why in self.examples))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), EXIT_CODES[code]) for code in self.exit_codes])


def did_you_mean(name: str, known: Sequence[str] | dict[str, Any]) -> str:
    """Return `; did you mean …?`, or nothing where no name is near."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""
