"""What the report rests on: what was not analysed, what is not known, and where the facts come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.markdown.escape import code, text
from migrator.reports.markdown.sizes import worked_on
from migrator.reports.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migrator.plan.plan import SourceStatement
    from migrator.postgres.identifiers import QualifiedName
    from migrator.reports.markdown.detail import Detail
    from migrator.reports.subject import Subject

_EXCERPT = 80


def lines(subject: Subject, detail: Detail) -> Iterator[str]:
    """Give the lines; none where everything was analysed."""
    notes = [f"- {text(note, detail.width)}" for note in subject.notes]
    yield from _section("Not analysed", list(_items(subject, detail)), detail)
    yield from _section("Notes", notes, detail)


def _section(title: str, items: Sequence[str], detail: Detail) -> Iterator[str]:
    if items:
        yield from ("", f"### {title}", "", *items[: detail.items])
    if len(items) > detail.items:
        yield f"- … and {len(items) - detail.items:,} more"


def _items(subject: Subject, detail: Detail) -> Iterator[str]:
    plan = subject.plan
    if plan.migrations and plan.facts == "nothing":
        yield "- Nothing is known of the database: columns, dependents and sizes were not looked at."
    for statement in plan.statements:
        if statement.effect.unknown:
            yield f"- {_place(statement, subject)} is not understood: {code(statement.text, _EXCERPT)}"
    understood = {each.migration for each in plan.statements if not each.effect.unknown}
    for migration in plan.migrations:
        if migration.touches_everything and migration.version in understood:
            path = code(subject.path(migration.file), 200)
            yield f"- {path} runs code that may touch anything; what it does to other tables is not known."
    unknown = _without_size(subject)
    if unknown and plan.facts != "nothing":
        named = ", ".join(code(name) for name in unknown[: detail.items])
        more = f" and {len(unknown) - detail.items:,} more" if len(unknown) > detail.items else ""
        yield f"- The size of {named}{more} is not known, and taken to be large."
    held = [relation.name for relation in subject.facts.relations if relation.unread]
    touched = [name for name in held if any(name in migration.touches for migration in plan.migrations)]
    if touched:
        number = counted(len(touched), "table")
        named = text(", ".join(map(str, touched)), detail.width)
        yield f"- Another session held {number} in ACCESS EXCLUSIVE mode: {named}"


def _place(statement: SourceStatement, subject: Subject) -> str:
    return code(f"{subject.path(statement.file)}:{statement.line}:{statement.column}", 200)


def _without_size(subject: Subject) -> list[QualifiedName]:
    """Return the tables that steps work on, whose size the facts do not have."""
    named = dict.fromkeys(name for step in subject.plan.steps for name in worked_on(step))
    known = [(name, subject.facts.relation(name)) for name in named]
    return [name for name, relation in known if relation is not None and relation.rows is None]
