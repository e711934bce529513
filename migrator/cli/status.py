"""`migrate status`: what is applied, running, waiting and pending; works without the files at hand."""

import click

from migrator.cli import status_report
from migrator.cli.failure import say
from migrator.cli.group import Command
from migrator.cli.options import mask_option
from migrator.cli.output import echo, echo_json
from migrator.cli.project import Project, load_project
from migrator.errors import InputError, UsageError, WorkPending
from migrator.execution.journal import Journal, StepState
from migrator.postgres.identifiers import QualifiedName
from migrator.reports.words import counted
from migrator.sql.masking import masked
from migrator.sql.migration import Migration

PENDING = "pending"


@click.command(
    cls=Command,
    examples=(
        ("migrate status", "migrations, the steps of unfinished ones, who runs and what it waits for"),
        ("migrate status --format json", "the same for programs"),
        ("migrate status --check pending", "exit 4 where a file is not applied (a gate before a deployment)"),
    ),
    exit_codes=(0, 2, 4, 9),
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--check",
    type=click.Choice([PENDING, "waiting"]),
    help="Exit 4 if any file is pending or unfinished, or if any contract phase waits.",
)
@mask_option
def status(*, form: str, check: str | None, mask_queries: bool | None) -> None:
    """Show what the database's journal says. Read-only: works on a standby, and without the files."""
    project = load_project({"mask_queries": mask_queries})
    show = masked if project.policy.mask_queries else str
    with project.open("status", read_only=True) as opened:
        journal = opened.store.load()
        progress = opened.store.progress() if journal.exists else ()
        sessions = opened.store.runners(_under_way(journal), show) if journal.exists else ()
    pending = _pending(project, journal)
    seen = status_report.Status(
        place=opened.place, journal=journal, progress=progress, pending=pending, sessions=sessions
    )
    if form == "json":
        echo_json(status_report.as_json(seen))
    else:
        echo(*status_report.as_text(seen))
    _check(seen, check)


def _under_way(journal: Journal) -> list[QualifiedName]:
    """Return the relations of the steps that are under way."""
    steps = [(m, s) for m in journal.unfinished if m.plan for s in m.plan.steps_of(m.version)]
    begun = [s for m, s in steps if s.id in m.steps and m.steps[s.id].state is StepState.BEGUN]
    return list(dict.fromkeys(lock.relation for step in begun for lock in step.effect.locks))


def _pending(project: Project, journal: Journal) -> tuple[Migration, ...] | None:
    """Return the files that the journal lacks; None where they are not at hand or cannot be read."""
    if not project.directory.is_dir():
        return None
    try:
        migrations = project.migrations()
    except (InputError, UsageError) as error:
        say(f"the migration files cannot be read: {error}", label="warning", color="yellow")
        return None
    return tuple(m for m in migrations if journal.get(m.version) is None)


def _check(seen: status_report.Status, check: str | None) -> None:
    if check == PENDING and (seen.pending is None or seen.pending or seen.unfinished):
        raise WorkPending(
            "there is work pending" if seen.pending is not None else "the files are not at hand"
        )
    if check == "waiting" and seen.waiting:
        number, versions = len(seen.waiting), " ".join(m.version for m in seen.waiting)
        raise WorkPending(
            f"{counted(number, 'migration')} {'waits' if number == 1 else 'wait'} for contract",
            hint=f"when no running code needs what it takes away: migrate contract {versions}",
        )
