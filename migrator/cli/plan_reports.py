"""The reports of `migrate plan`: each format is imported when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from migrator import __version__
from migrator.cli.repository import path_in_repository
from migrator.postgres.passwords import sql_without_passwords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from migrator.cli.planning import Planned
    from migrator.cli.project import Project
    from migrator.errors import MigrateError
    from migrator.plan.proof import Proof
    from migrator.reports.subject import Subject

FORMATS = ("text", "json", "markdown", "github", "sarif", "gitlab")

FOR_FORGES = frozenset({"markdown", "github", "sarif", "gitlab"})
"""They say what is wrong where there is no plan, too."""


def renderer(
    project: Project, planned: Planned, proof: Proof | None, root: Path | None
) -> Callable[[str], str]:
    """Return what makes the report in a format."""

    def render(form: str) -> str:
        if form in FOR_FORGES:
            return sql_without_passwords(_rendered(form, _subject(project, planned, proof, root, form)))
        return _text_or_json(form, planned, proof)

    return render


def failed(project: Project, failure: MigrateError, root: Path | None) -> Callable[[str], str]:
    """Return what makes the report that there is no plan, in a format for forges."""
    from migrator.plan.plan import Plan
    from migrator.reports.subject import Subject

    files = [failure.at.file] if failure.at is not None else []
    subject = Subject(
        plan=Plan(tool_version=__version__),
        failure=failure,
        paths=_paths(files, root),
        name=_name(project, root),
    )
    return lambda form: sql_without_passwords(_rendered(form, subject))


def _text_or_json(form: str, planned: Planned, proof: Proof | None) -> str:
    from migrator.cli.proving import encode_beside, with_verdict
    from migrator.cli.steps import rendered
    from migrator.plan import codec

    plan = planned.plan
    if form == "json":
        return codec.encode_readable(plan) if proof is None else encode_beside(plan, proof)
    return rendered(plan) if proof is None else with_verdict(rendered(plan), proof)


def _subject(
    project: Project, planned: Planned, proof: Proof | None, root: Path | None, form: str
) -> Subject:
    from migrator.reports.subject import Subject

    plan = planned.plan
    files = [*(migration.file for migration in plan.migrations), *(h.file for h in plan.hazards if h.file)]
    return Subject(
        plan=plan,
        proof=proof,
        migrations=planned.migrations,
        facts=planned.facts,
        policy=project.policy,
        paths=_paths(files, root),
        name=_name(project, root),
        pages=_pages() if form == "sarif" else {},
        notes=planned.notes,
    )


def _rendered(form: str, subject: Subject) -> str:
    match form:
        case "markdown":
            from migrator.reports import markdown

            return markdown.render(subject)
        case "github":
            from migrator.reports import github

            return github.render(subject)
        case "sarif":
            from migrator.reports import sarif

            return sarif.render(subject)
        case "gitlab":
            from migrator.reports import gitlab

            return gitlab.render(subject)
        case _:
            raise ValueError(form)


def _paths(files: Iterable[str], root: Path | None) -> dict[str, str]:
    found = {file: path_in_repository(Path(file), root) for file in files if not file.startswith("<")}
    return {file: path for file, path in found.items() if path is not None}


def _name(project: Project, root: Path | None) -> str:
    """Return the folder of the files, with the environment where one was named."""
    folder = path_in_repository(project.directory, root) or project.directory.name
    environment = project.configuration.environment
    return folder if environment is None else f"{folder} {environment}"


def _pages() -> dict[str, str]:
    from migrator.cli.explain import pages

    return {name: page.read_text(encoding="utf-8") for name, page in pages().items()}
