"""Where the expected reports stand: one of them is the example of the documentation."""

from collections.abc import Callable
from pathlib import Path

from migrator.reports import github, gitlab, markdown, sarif
from migrator.reports.subject import Subject
from tests.reports.samples import ROOT

GOLDEN = Path(__file__).parent / "golden"

FORMATS: dict[str, Callable[[Subject], str]] = {
    "md": markdown.render,
    "github.txt": github.render,
    "sarif.json": sarif.render,
    "gitlab.json": gitlab.render,
}
"""By the ends of their files' names."""

EXAMPLE = ROOT / "docs" / "plan-report.md"


def golden_file(name: str, form: str) -> Path:
    return EXAMPLE if (name, form) == ("shop", "md") else GOLDEN / f"{name}.{form}"
