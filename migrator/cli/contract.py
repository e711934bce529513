"""`migrate contract`: the only way past a gate, and only for the migrations that are named."""

import click

from migrator import workflow
from migrator.cli.group import Command
from migrator.cli.options import blocker_options, blocker_settings, wait_option, yes_option
from migrator.cli.output import echo
from migrator.cli.project import Project, load_project
from migrator.cli.running import Request, perform
from migrator.cli.steps import show_steps
from migrator.errors import UsageError
from migrator.execution.journal import MigrationRecord
from migrator.plan.plan import Plan


@click.command(
    cls=Command,
    examples=(
        ("migrate contract 20260105090000", "when no running code needs what it takes away"),
        ("migrate contract --through 20260105090000", "every waiting migration up to this one"),
        ("migrate contract 20260105090000 --dry-run", "print the steps that would run"),
    ),
    exit_codes=(0, 2, 5, 6, 7, 8, 9, 130, 143),
)
@click.argument("versions", metavar="[VERSION]...", nargs=-1)
@click.option("--through", metavar="VERSION", help="Every waiting migration up to and including this one.")
@click.option("--dry-run", is_flag=True, help="Print the steps that would run; change nothing.")
@blocker_options
@wait_option
@yes_option
def contract(
    *,
    versions: tuple[str, ...],
    through: str | None,
    dry_run: bool,
    wait: float,
    yes: bool,
    **others: str | bool | None,
) -> None:
    """Run the contract phase of the named migrations: what destroys data, or what old code would miss.

    Everything before that phase must be done (migrate apply). Needs no files: the plan is in the journal.
    """
    if bool(versions) == bool(through):
        raise UsageError(
            "name the migrations, or give --through VERSION", hint="migrate status says what waits"
        )
    project = load_project(blocker_settings(others))
    observation = workflow.observe(project.connector, project.policy)
    named = versions or workflow.waiting_through(observation.journal, str(through))
    records = workflow.contractable(observation.journal, named)
    if not records:
        echo("nothing to do: no contract steps wait")
        return
    if dry_run:
        show_steps([(r, workflow.remaining(r, r.plan or Plan())) for r in records])
        return
    _run(project, records, Request(wait_s=wait, yes=yes), observation.place)


def _run(project: Project, records: tuple[MigrationRecord, ...], request: Request, where: str) -> None:
    chosen = [record.version for record in records]
    steps = [step for r in records for step in workflow.remaining(r, r.plan or Plan())]
    listed = "".join(f"\n  - {step.title}" for step in steps)
    perform(
        lambda options, observer: workflow.contract(
            project.connector, chosen, project.policy, options, observer
        ),
        request,
        what=f"contract {', '.join(chosen)}:{listed}",
        where=where,
    )
