"""The global options. They may stand before or after the command's name; the later one wins."""

from dataclasses import dataclass, replace
from typing import Any, Self

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What the global options say; None where one was not given."""

    database: str | None = None
    environment: str | None = None
    directory: str | None = None
    config: str | None = None
    log_format: str | None = None
    verbosity: int = 0

    def with_given(self, values: dict[str, Any]) -> Self:
        """Return this with those of `values` that were given in place of ours."""
        given = {name: value for name, value in values.items() if value is not None and name != "verbosity"}
        return replace(self, **given, verbosity=self.verbosity + values.get("verbosity", 0))


OPTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "database": (
        ("--database",),
        {"metavar": "URL", "help": "Database: a URL, service=NAME, env:NAME or file:PATH."},
    ),
    "environment": (("--env",), {"metavar": "NAME", "help": "Use [environments.NAME] of migrate.toml."}),
    "directory": (("--dir",), {"metavar": "PATH", "help": "Folder of the migration files."}),
    "config": (("--config",), {"metavar": "FILE", "help": "Configuration file in place of migrate.toml."}),
    "log_format": (
        ("--log-format",),
        {
            "type": click.Choice(["text", "json"]),
            "help": "Log events as text or JSON; default: text on a terminal.",
        },
    ),
    "verbose": (("-v", "--verbose"), {"count": True, "help": "Log more; twice for everything."}),
    "quiet": (("-q", "--quiet"), {"count": True, "help": "Log only warnings and errors."}),
}


class GlobalOption(click.Option):
    """An option shown under its own heading, and kept out of the command's own parameters."""


def current() -> Invocation:
    """Return what the global options of the running command say."""
    found = click.get_current_context().find_object(Invocation)
    return Invocation() if found is None else found


def global_options() -> list[click.Parameter]:
    """Return the global options as click parameters."""
    return [
        GlobalOption([*flags, name], expose_value=False, callback=_remember, **settings)
        for name, (flags, settings) in OPTIONS.items()
    ]


def _remember(context: click.Context, parameter: click.Parameter, value: str | int | None) -> None:
    """Fold one option into the invocation of this context, which begins with its parent's."""
    if not value:
        return
    match parameter.name:
        case "verbose":
            change: dict[str, Any] = {"verbosity": value}
        case "quiet":
            change = {"verbosity": -int(value)}
        case name:
            change = {str(name): value}
    inherited = context.find_object(Invocation) or Invocation()
    context.obj = inherited.with_given(change)
