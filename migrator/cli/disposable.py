"""What is said, before anything runs, where the environment is disposable."""

from collections.abc import Sequence

from migrator.cli.failure import say
from migrator.cli.project import Project


def announce(project: Project, where: str, notes: Sequence[str] = ()) -> None:
    """Say that nothing is careful here, and in which database; then what is known of that database."""
    settings = project.configuration
    if not settings.disposable:
        return
    name = "the configuration" if settings.environment is None else f"environment {settings.environment}"
    said = f"{name} is disposable: no gates, no rewrites, no approvals in {where}"
    say(said, label="warning", color="yellow")
    for note in notes:
        say(note, label="note", color="cyan")
