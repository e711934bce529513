"""`migrate plan`: what would run, and why it is safe or not. Reads only."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec.structs import replace

from migrator.cli.facts_file import check_source, facts_file, source_for
from migrator.cli.failure import say
from migrator.cli.group import Command
from migrator.cli.options import facts_option, offline_option, shadow_option
from migrator.cli.output import echo_report
from migrator.cli.plan_reports import FOR_FORGES, FORMATS, failed, renderer
from migrator.cli.planning import (
    Planned,
    plan_files,
    plan_from_file,
    plan_new,
    plan_pending,
)
from migrator.cli.project import Project, load_project
from migrator.cli.proving import proved
from migrator.cli.report_files import ReportFile, printed_form, report_options, write_reports
from migrator.cli.whole_file import write_whole
from migrator.errors import ApprovalNeeded, InputError, StepFailed, UsageError, WorkPending
from migrator.plan import codec
from migrator.plan.hazard import Hazard, Severity
from migrator.plan.plan import Plan
from migrator.planner.expiry import with_expired
from migrator.reports.words import counted

NEVER = "never"


@click.command(
    cls=Command,
    examples=(
        ("migrate plan", "the pending files; without a database those new on this branch"),
        ("migrate plan migrations/20260105090000_add_email.sql", "this file, whether pending or not"),
        ('echo "ALTER TABLE users ADD x int" | migrate plan -', "SQL from standard input"),
        ("migrate plan --save plan.json", "for review; then migrate apply plan.json"),
        ("migrate plan --base origin/main --facts facts.json", "in a pull request, without a database"),
        ("migrate plan --verify", "with the proof of a scratch server"),
        (
            "migrate plan --report markdown=plan.md --report sarif=plan.sarif",
            "for a pull request; github and gitlab are formats too",
        ),
    ),
    exit_codes=(0, 2, 3, 4, 5, 8, 9),
)
@click.argument("files", metavar="[FILE... | -]", nargs=-1)
@offline_option
@click.option("--base", metavar="REF", help="Files new since the merge base with this git reference.")
@facts_option
@report_options(*FORMATS)
@click.option(
    "--report-root",
    metavar="PATH",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where paths in reports begin; default: the root of the git repository.",
)
@click.option(
    "--save", metavar="FILE", type=click.Path(path_type=Path), help="Write the plan for `migrate apply FILE`."
)
@click.option(
    "--fail-on",
    type=click.Choice([*map(str, Severity), NEVER]),
    default=str(Severity.ERROR),
    show_default=True,
    help="Exit 3 for a hazard of this severity or above that has no approval.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day that `until` of approvals is compared with; default: today in UTC.",
)
@click.option("--check", is_flag=True, help="Exit 4 if anything is pending.")
@click.option("--verify", is_flag=True, help="Prove the plan on a scratch server too: migrate verify.")
@shadow_option
def plan(
    *,
    files: tuple[str, ...],
    offline: bool,
    base: str | None,
    facts: Path | None,
    form: str | None,
    reports: tuple[ReportFile, ...],
    report_root: Path | None,
    save: Path | None,
    fail_on: str,
    as_of: datetime | None,
    check: bool,
    verify: bool,
    shadow: str,
) -> None:
    """Show the plan of the pending files, of the FILES named, or of SQL from standard input (-).

    The verdict comes first, then for each statement what it would do as written, and the steps
    that run instead.
    Takes no lock and creates nothing.
    """
    printed = printed_form(form, reports)
    project = load_project()
    _check_options(project, files, offline=offline, base=base, facts=facts)
    with _failure_reported(project, printed, reports, report_root):
        planned = _planned(project, files, offline=offline, base=base, facts=facts, shadow=shadow)
        proof = None
        if verify and planned.plan.migrations:
            planned, proof = proved(project, files, planned, base=base, shadow=shadow, facts=facts)
    today = (as_of or datetime.now(UTC)).date()
    planned = replace(planned, plan=with_expired(planned.plan, today, project.policy))
    if save is not None:
        _save(save, planned.plan)
    _tell(planned, renderer(project, planned, proof, report_root), printed, reports)
    if proof is not None and not proof.holds:
        raise StepFailed("the plan is not proved", hint="what differs, and where: migrate verify")
    _judge(planned, fail_on, check=check)


def _tell(
    planned: Planned, render: Callable[[str], str], printed: str, reports: Sequence[ReportFile]
) -> None:
    """Print the report that was asked for, write the others, and say what else there is to say."""
    echo_report(printed, render(printed).rstrip())
    write_reports(reports, render)
    for note in planned.notes:
        say(note, label="note", color="cyan")


@contextlib.contextmanager
def _failure_reported(
    project: Project, printed: str, reports: Sequence[ReportFile], root: Path | None
) -> Iterator[None]:
    """Say in the reports of a pull request, too, why there is no plan."""
    try:
        yield
    except InputError as error:
        render = failed(project, error, root)
        if printed in FOR_FORGES:
            echo_report(printed, render(printed).rstrip())
        write_reports([report for report in reports if report.form in FOR_FORGES], render)
        raise


def _check_options(
    project: Project, files: tuple[str, ...], *, offline: bool, base: str | None, facts: Path | None
) -> None:
    """Raise UsageError where options contradict each other."""
    if base and files:
        raise UsageError(f"--base {base} chooses the files, and FILES names them: give one of the two")
    check_source(project, offline=offline, facts=facts)


def _planned(
    project: Project,
    files: tuple[str, ...],
    *,
    offline: bool,
    base: str | None,
    facts: Path | None,
    shadow: str,
) -> Planned:
    """Plan the files chosen from the facts that are to be had: a file, a database, a shadow, nothing."""
    given = None if facts is None else facts_file(facts)
    source = source_for(project, given, offline=offline, ask=not base, shadow=shadow)
    if files:
        return plan_files(project, files, source)
    if source is None:
        return plan_pending(project)
    if given is not None and not base:
        return plan_from_file(project, given)
    return plan_new(project, base, source)


def _judge(planned: Planned, fail_on: str, *, check: bool) -> None:
    found = [] if fail_on == NEVER else [h for h in planned.plan.hazards if _counts(h, Severity(fail_on))]
    if found:
        number = counted(len(found), "hazard")
        raise ApprovalNeeded(
            f"{number} at or above --fail-on {fail_on}, without approval",
            hint=_hint(found, planned.plan),
        )
    if check and (planned.plan.migrations or planned.unfinished):
        left = len(planned.plan.migrations) + len(planned.unfinished)
        raise WorkPending(f"{counted(left, 'migration')} to be applied", hint="migrate apply")


def _hint(found: list[Hazard], plan: Plan) -> str:
    if all(hazard.advisory for hazard in found):
        return "what each means, and what to write: migrate explain HAZARD"
    if plan.approvals_file is not None:
        return f"approve in {plan.approvals_file}: migrate approve FILE --reason … (migrate explain HAZARD)"
    return 'approve in the file: -- migrate: allow HAZARD reason="…" (migrate explain HAZARD)'


def _counts(hazard: Hazard, floor: Severity) -> bool:
    return hazard.severity.rank >= floor.rank and hazard.approved is None


def _save(path: Path, made: Plan) -> None:
    write_whole(path, codec.encode_readable(made))
    say(f"saved {path}; run it with: migrate apply {path}")
