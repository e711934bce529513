"""`migrate approve`: writes the approval of hazards of one file, where the project keeps its approvals."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click

from migrator.cli.approving import Approved, add_directives, add_entries, directive_options
from migrator.cli.facts_file import Source, check_source, facts_file, source_for
from migrator.cli.git import user_email
from migrator.cli.group import Command
from migrator.cli.options import facts_option, offline_option, shadow_option
from migrator.cli.output import echo
from migrator.cli.planning import Planned, plan_files, plan_pending
from migrator.cli.project import Project, load_project
from migrator.cli.versions import parts
from migrator.configuration.policy_values import ApprovalsIn
from migrator.errors import InputError, UsageError
from migrator.plan.hazard import HazardKind
from migrator.plan.plan import Plan
from migrator.reports.approving import entry
from migrator.workflow.provenance import provenance

_EXCERPT = 60


@click.command(
    cls=Command,
    examples=(
        ('migrate approve 20260105090000 --reason "no reader since release 81"', "all that needs it"),
        ("migrate approve FILE --hazard data-loss --reason … --until 2027-01-31", "one hazard, for a time"),
        ("migrate approve FILE --offline --reason …", "as the pull request sees it, without a database"),
    ),
    exit_codes=(0, 2, 5, 9),
)
@click.argument("target", metavar="VERSION|FILE")
@click.option("--reason", required=True, help="Why it may run; every report shows it, the journal keeps it.")
@click.option(
    "--hazard",
    "hazards",
    multiple=True,
    type=click.Choice([*map(str, HazardKind)]),
    metavar="HAZARD",
    help="Only this hazard (several times: only these).",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The last day; afterwards migrate plan shows a finding.",
)
@click.option("--by", "approved_by", metavar="NAME", help="Who approves; default: git's user.email.")
@offline_option
@facts_option
@shadow_option
def approve(
    *,
    target: str,
    reason: str,
    hazards: tuple[str, ...],
    until: datetime | None,
    approved_by: str | None,
    offline: bool,
    facts: Path | None,
    shadow: str,
) -> None:
    """Approve what needs it in the file of VERSION, or in FILE.

    Writes an entry of approvals.toml for each hazard where `[policy] approvals = "file"`, else a directive
    before the statement.
    """
    project = load_project()
    day = _day(until)
    if not reason.strip() or "\n" in reason or "\r" in reason:
        raise UsageError("--reason is one line of text that is not empty")
    path = _file(project, target)
    check_source(project, offline=offline, facts=facts)
    given = None if facts is None else facts_file(facts)
    source = source_for(project, given, offline=offline, ask=True, shadow=shadow)
    chosen = _chosen(_planned(project, path, source).plan, path, hazards)
    if not chosen:
        echo(f"nothing to approve in {path}")
        return
    if project.configuration.approvals is ApprovalsIn.FILE:
        where = Path(project.approvals_path)
        author = approved_by or user_email(path.parent) or provenance().os_user
        _add_entries(where, chosen, reason, day, author)
    elif approved_by is not None:
        raise UsageError("--by is for the approvals file; git knows who wrote a directive")
    else:
        where = path
        add_directives(where, chosen, directive_options(reason, day))
    _tell(chosen, where)


def _add_entries(
    where: Path, chosen: Sequence[Approved], reason: str, day: date | None, author: str | None
) -> None:
    once = {(each.statement.checksum, each.hazard.kind): each for each in chosen}.values()
    add_entries(where, [entry(a.statement, a.hazard, reason, until=day, approved_by=author) for a in once])


def _day(until: datetime | None) -> date | None:
    if until is None:
        return None
    if until.date() < datetime.now(UTC).date():
        raise UsageError(f"--until {until.date()} is over already")
    return until.date()


def _file(project: Project, target: str) -> Path:
    """Return the file that is meant by its version, its path, or its name in the folder."""
    if target.isdigit() and project.directory.is_dir():
        found = [path for path in project.directory.glob("*.sql") if (parts(path) or ("",))[0] == target]
        if found:
            return found[0]
    for path in (Path(target), project.directory / target):
        if path.is_file():
            return path
    raise UsageError(f"there is no migration file {target}", hint="name it by its version or its path")


def _planned(project: Project, path: Path, source: Source | None) -> Planned:
    """Plan the file as `migrate plan` shows it: among the pending ones if it is, else by itself."""
    if source is None:
        pending = plan_pending(project)
        if any(Path(m.file).name == path.name for m in pending.plan.migrations):
            return pending
    return plan_files(project, [str(path)], source)


def _chosen(plan: Plan, path: Path, hazards: Sequence[str]) -> list[Approved]:
    """Return what is to be approved; raises InputError for a hazard that is not there to be approved."""
    needing = [
        Approved(hazard=hazard, statement=statement)
        for statement in plan.statements
        if Path(statement.file).name == path.name
        for hazard in statement.hazards
        if hazard.blocks and hazard.approvable
    ]
    unique = {(each.statement.checksum, each.statement.line, each.hazard.kind): each for each in needing}
    for wanted in hazards:
        if wanted not in {each.hazard.kind.value for each in unique.values()}:
            there = ", ".join(dict.fromkeys(each.hazard.kind for each in unique.values())) or "nothing"
            raise InputError(f"no statement of {path} needs an approval of {wanted}; what does: {there}")
    return [each for each in unique.values() if not hazards or each.hazard.kind in hazards]


def _tell(chosen: Sequence[Approved], where: Path) -> None:
    for each in chosen:
        text = " ".join(each.statement.text.split())
        shown = text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1]}…"
        place = f"{each.statement.file}:{each.statement.line}:{each.statement.column}"
        echo(f"approved  {each.hazard.kind}  {place}  {shown}")
    echo(f"wrote {where}")
