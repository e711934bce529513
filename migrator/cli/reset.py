"""`migrate reset`: drops everything in a disposable database and runs all files again."""

import click

from migrator import workflow
from migrator.cli.disposable import announce
from migrator.cli.group import Command
from migrator.cli.options import wait_option, yes_option
from migrator.cli.project import load_project
from migrator.cli.running import Request, perform
from migrator.execution.events import Observer
from migrator.execution.options import RunOptions, RunResult
from migrator.reports.words import counted


@click.command(
    cls=Command,
    examples=(
        ("migrate reset --env laptop", "drop everything in the laptop's database and run all files"),
        ("migrate reset --env laptop --yes", "the same without a question"),
        ("migrate reset --env laptop --adopt shop_dev", "a database that other tools have made so far"),
    ),
    exit_codes=(0, 2, 5, 6, 7, 8, 9, 130, 143),
)
@click.option(
    "--adopt",
    metavar="DATABASE",
    help="Drop this database's contents although no disposable environment made them.",
)
@click.option("--to", "to_version", metavar="VERSION", help="Begin no file after this version.")
@wait_option
@yes_option
def reset(*, adopt: str | None, to_version: str | None, wait: float, yes: bool) -> None:
    """Drop everything in the database and run all files again; only with `disposable = true`.

    The database itself stays, with its settings and grants, and so do extensions that the files do not
    create. A database that was migrated without `disposable = true`, or by another tool, is refused.
    """
    project = load_project()
    migrations = project.migrations()
    observation = workflow.observe(project.connector, project.policy)
    workflow.check_reset(observation, project.policy, adopt)
    announce(project, observation.place)

    def action(options: RunOptions, observer: Observer) -> RunResult:
        return workflow.reset(
            project.connector, migrations, project.policy, options, observer, adopted=adopt is not None
        )

    tables = sum(1 for r in observation.facts.relations if r.is_table and r.extension is None)
    files = counted(len(migrations), "file")
    perform(
        action,
        Request(all_phases=True, to_version=to_version, wait_s=wait, yes=yes),
        what=f"DROP {counted(tables, 'table')} and everything else, then run {files}",
        where=observation.place,
    )
