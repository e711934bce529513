"""Options that several commands have in common, word for word."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from migrator.cli.units import Duration
from migrator.configuration import values
from migrator.errors import UsageError

wait_option = click.option(
    "--wait",
    type=Duration(),
    default="10min",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for another runner: 0, 30s, 1h.",
)

yes_option = click.option("--yes", is_flag=True, help="Do not ask on a terminal; a pipeline is never asked.")

terminate_options = (
    click.option(
        "--terminate-blockers",
        metavar="AFTER",
        help="End a session whose transaction has been in the way of a step for so long (30s, 5min); "
        "off by default, and by `off`.",
    ),
    click.option(
        "--terminate-writers",
        is_flag=True,
        default=None,
        help="With --terminate-blockers: even one that has written, whose work is rolled back.",
    ),
)

mask_option = click.option(
    "--mask-queries",
    is_flag=True,
    default=None,
    help="Show what other sessions run without constants and comments, also in the journal.",
)

offline_option = click.option(
    "--offline", is_flag=True, help="Ask no server at all: every table is taken to be large and in use."
)

facts_option = click.option(
    "--facts",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="In place of a database: what migrate facts export has written.",
)

shadow_option = click.option(
    "--shadow",
    metavar="SERVER",
    default="embedded",
    show_default=True,
    help="Where: embedded, container:VERSION (or IMAGE), or the URL of a server for scratch databases.",
)

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def blocker_options(command: Decorated) -> Decorated:
    """Give a command that runs steps its options about other sessions: the names of `blocker_settings`."""
    for option in reversed((*terminate_options, mask_option)):
        command = option(command)
    return command


def blocker_settings(given: Mapping[str, str | bool | None]) -> dict[str, object]:
    """Return what these options say, as settings that win over the configuration; None: not given."""
    after = given["terminate_blockers"]
    try:
        seconds = None if after is None else values.seconds_or_off(after)
    except ValueError as error:
        raise UsageError(f"--terminate-blockers: {error}") from None
    return {
        "terminate_blockers_s": seconds,
        "terminate_writers": given["terminate_writers"],
        "mask_queries": given["mask_queries"],
    }
