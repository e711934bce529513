"""The documentation is complete and true to the code: pages, links, commands, options, names of hazards."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from migrator.cli.main import cli
from migrator.cli.registry import COMMANDS
from migrator.operations import OPERATIONS
from migrator.operations.known_actions import ACTIONS
from migrator.operations.known_commands import COMMANDS as KNOWN_COMMANDS
from migrator.operations.known_forms import Form
from migrator.plan.hazard import HazardKind

DOCS = Path(__file__).parent.parent / "docs"
ROOT = DOCS.parent

PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])

COMBINED = frozenset({"alter-table", "drop-table"})
"""Names that an outcome may have besides the one of its operation."""

FENCE = re.compile(r"^[ ]*```(?P<language>\w*)\n(?P<body>.*?)^[ ]*```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
ALLOW = re.compile(r"migrate: allow (?P<hazard>[a-z][a-z-]+)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
OUTSIDE = ("http://", "https://", "mailto:")


def place(page: Path) -> str:
    return str(page.relative_to(ROOT))


def without_fences(text: str) -> str:
    return FENCE.sub("", text)


def anchors(page: Path) -> set[str]:
    """Headings as a forge makes anchors of them."""
    headings = HEADING.finditer(without_fences(page.read_text(encoding="utf-8")))
    plain = [re.sub(r"[^\w\- ]", "", found["text"].lower()).strip() for found in headings]
    return {text.replace(" ", "-") for text in plain}


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for found in LINK.finditer(without_fences(page.read_text(encoding="utf-8"))):
            if not found["target"].startswith(OUTSIDE):
                yield page, found["target"]


def command_lines() -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Every `migrate …` of a code fence of `sh`, and of inline code that has an option."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            if fence["language"] in {"sh", "console"}:
                yield from ((page, words) for words in _calls(fence["body"]))
        for line in re.findall(r"`(migrate [^`\n]+)`", without_fences(text)):
            if "|" not in line:
                yield page, tuple(word for word in shlex.split(line) if word != "…")


def _calls(body: str) -> Iterator[tuple[str, ...]]:
    for line in body.replace("\\\n", " ").splitlines():
        written = line.removeprefix("$ ")
        if "migrate" not in written:
            continue
        words = shlex.split(written, comments=True)
        for number, word in enumerate(words):
            if word == "migrate" and (
                number == 0 or words[number - 1] in {"|", "&&", ";", "||"} or "=" in words[number - 1]
            ):
                end = next(
                    (
                        i
                        for i, w in enumerate(words[number:], number)
                        if w in {"|", "&&", ";", "||", "&", ">", "2>"}
                    ),
                    None,
                )
                yield tuple(words[number:end])


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}


@pytest.mark.parametrize("kind", HazardKind)
def test_every_hazard_has_its_page(kind: HazardKind) -> None:
    page = DOCS / "hazards" / f"{kind.value}.md"

    assert page.is_file(), f"{place(page)} is missing"
    assert page.read_text(encoding="utf-8").startswith(f"# {kind.value}\n")


def test_every_page_of_a_hazard_is_about_one() -> None:
    pages = {page.stem for page in (DOCS / "hazards").glob("*.md")} - {"README"}

    assert pages == {kind.value for kind in HazardKind}


@pytest.mark.parametrize("kind", HazardKind)
def test_the_index_names_every_hazard(kind: HazardKind) -> None:
    index = (DOCS / "hazards" / "README.md").read_text(encoding="utf-8")

    assert f"[{kind.value}]({kind.value}.md)" in index


@pytest.mark.parametrize("name", sorted({operation.name for operation in OPERATIONS} | COMBINED))
def test_every_operation_has_its_page(name: str) -> None:
    page = DOCS / "operations" / f"{name}.md"

    assert page.is_file(), f"{place(page)} is missing"
    assert page.read_text(encoding="utf-8").startswith(f"# {name}\n")


def test_every_page_of_an_operation_is_about_one() -> None:
    pages = {page.stem for page in (DOCS / "operations").glob("*.md")} - {"README"}

    assert pages == {operation.name for operation in OPERATIONS} | COMBINED


@pytest.mark.parametrize(("words", "form"), sorted((ACTIONS | KNOWN_COMMANDS).items()))
def test_every_other_form_has_its_row(words: str, form: Form) -> None:
    page = (DOCS / "operations" / "other-form.md").read_text(encoding="utf-8")
    lock = "none" if form.lock is None else str(form.lock)

    assert f"| {words} | {lock} | {form.work.value} |" in page


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_page(name: str) -> None:
    page = DOCS / "commands" / f"{name}.md"

    assert page.is_file(), f"{place(page)} is missing"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_a_command_names_every_option(name: str) -> None:
    """Except the global ones, which are in configuration.md."""
    page = DOCS / "commands" / f"{name}.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    everywhere = options_of(cli) | {"--log-format", "--verbose", "--quiet"}
    own = {option for option in options_of(command) - everywhere if option.startswith("--")}

    missing = {option for option in own if option not in text}

    assert set() == missing


def test_links_lead_somewhere() -> None:
    broken = set()
    for page, target in links():
        path, _, anchor = target.partition("#")
        found = page if not path else (page.parent / path).resolve()
        if not found.exists():
            broken.add(f"{place(page)}: {target}")
        elif anchor and found.suffix == ".md" and anchor not in anchors(found):
            broken.add(f"{place(page)}: {target} (no such heading)")

    assert set() == broken


def test_commands_that_are_shown_exist() -> None:
    wrong: set[str] = set()
    for page, words in command_lines():
        wrong |= {f"{place(page)}: {shlex.join(words)}: {reason}" for reason in _wrong(words[1:])}

    assert set() == wrong


def _wrong(words: tuple[str, ...]) -> Iterator[str]:
    """What the command line would not understand; an option's value is not looked at."""
    known, given = cli, list(words)
    parameters = options_of(known)
    name = next((w for w in given if w in COMMANDS), None)
    if name is None:
        if given and not given[0].startswith("-") and not given[0].isupper():
            yield f"there is no command {given[0]}"
    else:
        command = cli.get_command(click.Context(cli), name)
        parameters |= options_of(command) if command is not None else set()
    for option in (w.partition("=")[0] for w in given if w.startswith("-") and w != "-"):
        if option not in parameters:
            yield f"there is no option {option}"


def test_hazards_that_are_allowed_exist() -> None:
    kinds = {kind.value for kind in HazardKind}
    named = {
        f"{place(page)}: {found['hazard']}"
        for page in PAGES
        for found in ALLOW.finditer(page.read_text(encoding="utf-8"))
        if found["hazard"] not in kinds
    }

    assert set() == named


def test_the_index_of_decisions_is_complete() -> None:
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    pages = [page.name for page in sorted((DOCS / "decisions").glob("0*.md"))]

    missing = {name for name in pages if f"]({name})" not in index}

    assert set() == missing
