"""`migrate apply`: runs what is pending, resumes what has begun; or a saved plan, verbatim or not at all."""

from pathlib import Path

import click

from migrator import workflow
from migrator.cli.disposable import announce
from migrator.cli.group import Command
from migrator.cli.options import blocker_options, blocker_settings, wait_option, yes_option
from migrator.cli.output import echo
from migrator.cli.progress import OnDemand
from migrator.cli.project import Project, load_project
from migrator.cli.running import Action, Request, perform
from migrator.cli.steps import rendered, show_steps, steps_now
from migrator.execution.events import Observer
from migrator.execution.options import WITHOUT_CONTRACT, RunOptions, RunResult
from migrator.plan.plan import Plan
from migrator.plan.step import Phase
from migrator.reports.words import counted

PHASES = [str(phase) for phase in Phase if phase in WITHOUT_CONTRACT]


@click.command(
    cls=Command,
    examples=(
        ("migrate apply", "run what is pending, and resume what was interrupted"),
        ("migrate apply --dry-run", "print the steps that would run now, with their SQL"),
        ("migrate plan --save plan.json && migrate apply plan.json", "run exactly what was reviewed"),
        ("migrate apply --phase expand", "only the quick steps, before the new application is deployed"),
    ),
    exit_codes=(0, 2, 3, 5, 6, 7, 8, 9, 130, 143),
)
@click.argument("saved", metavar="[PLAN.JSON]", required=False, type=click.Path(path_type=Path))
@click.option("--phase", type=click.Choice(PHASES), help="Stop after this phase; default: validate.")
@click.option(
    "--all-phases", is_flag=True, help="Contract too: where nothing is live, or `disposable = true`."
)
@click.option("--to", "to_version", metavar="VERSION", help="Begin no file after this version.")
@click.option("--dry-run", is_flag=True, help="Print the steps that would run now; change nothing.")
@blocker_options
@wait_option
@yes_option
def apply(  # the options of the command
    *,
    saved: Path | None,
    phase: str | None,
    all_phases: bool,
    to_version: str | None,
    dry_run: bool,
    wait: float,
    yes: bool,
    **others: str | bool | None,
) -> None:
    """Run what is pending: everything but the contract phase, which waits for `migrate contract`.

    A migration that has begun goes on with the plan it began with. Ctrl-C (SIGINT) or SIGTERM stops after the
    batch or statement, a second one cancels it; run the same command again to resume. PLAN.JSON (from
    `migrate plan --save`) runs as it stands, or is refused if files or database have changed since.
    """
    project = load_project(blocker_settings(others))
    phases = WITHOUT_CONTRACT if phase is None else frozenset(map(Phase, PHASES[: PHASES.index(phase) + 1]))
    request = Request(
        phases=phases,
        all_phases=all_phases or project.policy.disposable,
        to_version=to_version,
        wait_s=wait,
        yes=yes,
    )
    if saved is None:
        _apply_files(project, request, dry_run=dry_run)
    else:
        _apply_saved(project, project.saved_plan(saved), request, dry_run=dry_run)


def _apply_files(project: Project, request: Request, *, dry_run: bool) -> None:
    migrations = project.migrations()
    try:
        observation, agenda = workflow.look(
            project.connector, migrations, project.policy, request.options(), OnDemand()
        )
    except workflow.Unapproved as refused:
        echo(rendered(refused.agenda.plan).rstrip())
        raise

    announce(project, observation.place, agenda.notes)

    def action(options: RunOptions, observer: Observer) -> RunResult:
        return workflow.apply(project.connector, migrations, project.policy, options, observer, agenda=agenda)

    _go(action, agenda, request, where=observation.place, dry_run=dry_run)


def _apply_saved(project: Project, plan: Plan, request: Request, *, dry_run: bool) -> None:
    observation = workflow.observe(project.connector, project.policy)
    workflow.check_may_begin(observation, project.policy, request.options())
    agenda = workflow.saved_agenda(plan, project.migrations(), observation, project.policy)
    announce(project, observation.place)

    def action(options: RunOptions, observer: Observer) -> RunResult:
        return workflow.apply_saved(project.connector, plan, project.policy, options, observer)

    _go(action, agenda, request, where=observation.place, dry_run=dry_run)


def _go(action: Action, agenda: workflow.Agenda, request: Request, *, where: str, dry_run: bool) -> None:
    todo = steps_now(agenda, request.options())
    if dry_run:
        show_steps(todo)
        return
    number = sum(len(steps) for _, steps in todo)
    perform(
        action,
        request,
        what=f"run {counted(number, 'step')} of {counted(len(todo), 'migration')}",
        where=where,
    )
