"""`migrate explain`: the page about a hazard or an operation, or a guide, in the terminal.

The pages come with the package (`_docs`); in a checkout they are read from `docs`.
"""

import sys
from pathlib import Path

import click

from migrator.cli.failure import use_color
from migrator.cli.group import Command, did_you_mean
from migrator.errors import UsageError

PACKAGE = Path(__file__).resolve().parent.parent
PLACES = (PACKAGE / "_docs", PACKAGE.parent / "docs")
SECTIONS = {"hazards": "Hazards", "operations": "Operations"}
GUIDES = ("runbook", "exit-codes")
"""Pages for the moment when something went wrong; they may be needed where the web is not at hand."""


@click.command(
    cls=Command,
    examples=(
        ("migrate explain", "list all names"),
        ("migrate explain table-rewrite", "what a hazard of a plan means, and what is done instead"),
    ),
    exit_codes=(0, 2),
)
@click.argument("name", required=False)
def explain(name: str | None) -> None:
    """Show the page about the hazard or operation NAME, as a plan calls it; without NAME list them all.

    `migrate explain runbook` says how to go on after a failure.
    """
    known = pages()
    if name is None:
        _list(known)
    else:
        _show(known[_find(name, known)])


def pages() -> dict[str, Path]:
    """Return the page of every hazard and operation."""
    found: dict[str, Path] = {}
    for section in SECTIONS:
        for place in reversed(PLACES):
            files = sorted((place / section).glob("*.md"))
            found |= {path.stem: path for path in files if path.stem.lower() not in {"readme", "index"}}
    for place in reversed(PLACES):
        found |= {path.stem: path for path in (place / f"{guide}.md" for guide in GUIDES) if path.is_file()}
    return found


def _find(name: str, known: dict[str, Path]) -> str:
    wanted = name.strip().lower().replace("_", "-").replace(" ", "-").removesuffix(".md")
    if wanted in known:
        return wanted
    raise UsageError(
        f"there is no page about {name!r}{did_you_mean(wanted, list(known))}",
        hint="list all names: migrate explain",
    )


def _list(known: dict[str, Path]) -> None:
    for section, title in {**SECTIONS, "": "Guides"}.items():
        names = [name for name, path in known.items() if _section(path) == section]
        if not names:
            continue
        click.echo(click.style(f"{title}:", bold=True))
        for name in names:
            click.echo(f"  {name:<28}  {_first_sentence(known[name])}")
        click.echo()


def _section(page: Path) -> str:
    return page.parent.name if page.parent.name in SECTIONS else ""


def _first_sentence(page: Path) -> str:
    """Return the first sentence below the heading, in one short line."""
    text = page.read_text(encoding="utf-8").split("\n\n")
    body = next((part for part in text if part.strip() and not part.startswith("#")), "")
    sentence = " ".join(body.split()).split(". ")[0].rstrip(".")
    limit = 76
    return sentence if len(sentence) <= limit else sentence[: limit - 1].rsplit(" ", 1)[0] + " …"


def _show(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if not sys.stdout.isatty():
        click.echo(text.rstrip())
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(no_color=use_color() is False or None).print(Markdown(text))
