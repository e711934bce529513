"""How a failure is shown: `error: …`, its place, a hint; a traceback only for a bug; never a secret."""

import os
import sys
import traceback

import click

from migrator.cli.output import printable
from migrator.cli.redact import known_secrets, redact
from migrator.errors import MigrateError

REPORT = (
    "This is a bug in migrate, not in your files. Nothing is lost: the journal holds what was done, and\n"
    "running again resumes. Please report it with the lines above."
)


def say(text: str, *, label: str | None = None, color: str | None = None) -> None:
    """Write to standard error, without secrets; a closed terminal is no reason to fail."""
    clean = redact(text, known_secrets(os.environ, sys.argv[1:]))
    prefix = "" if label is None else click.style(f"{label}: ", fg=color, bold=True)
    clean = printable(clean)
    clean = clean if label is None else clean.replace("\n", "\n  ")
    try:
        click.echo(prefix + clean, err=True, color=use_color())
    except OSError:
        return


def use_color() -> bool | None:
    """False where NO_COLOR is set to anything (no-color.org); else click looks at the stream."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def show(error: MigrateError) -> None:
    """Show an error that was foreseen."""
    if error.message:
        place = "" if error.at is None else f"{error.at}: "
        say(f"{place}{error.message}", label="error", color="red")
    if error.hint:
        say(error.hint, label="hint", color="cyan")


def show_usage(error: click.ClickException) -> None:
    """Show a mistake on the command line, and where to read on."""
    say(error.format_message(), label="error", color="red")
    context = getattr(error, "ctx", None)
    if context is not None:
        say(f"try: {context.command_path} --help", label="hint", color="cyan")


def show_bug(error: BaseException) -> None:
    """Show what nobody foresaw."""
    say("".join(traceback.format_exception(error)).rstrip())
    say(f"{type(error).__name__}: {error}", label="bug", color="red")
    say(REPORT)
