"""Options that several commands have in common, word for word."""

import click

from migrator.cli.units import Duration

wait_option = click.option(
    "--wait",
    type=Duration(),
    default="10min",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for another runner: 0, 30s, 1h.",
)

yes_option = click.option("--yes", is_flag=True, help="Do not ask on a terminal; a pipeline is never asked.")

shadow_option = click.option(
    "--shadow",
    metavar="SERVER",
    default="embedded",
    show_default=True,
    help="Where: embedded, container:VERSION (or IMAGE), or the URL of a server for scratch databases.",
)
