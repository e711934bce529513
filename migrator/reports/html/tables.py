"""The steps, the statements as written, and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.amounts import seconds, size
from migrator.reports.html.markup import Markup, element, joined
from migrator.reports.text import work_sql
from migrator.reports.words import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from migrator.plan.plan import Plan
    from migrator.plan.proof import LockSpan, Measurement, Proof

_HEAD = ("", "step", "locks", "took", "work", "WAL")

Text = tuple[str, ...]
"""The statements of a step."""


def steps(proof: Proof, plan: Plan | None) -> Markup:
    """Return what each step of the plan was measured to do."""
    known: dict[tuple[str, str], Text] = {}
    phases: dict[tuple[str, str], str] = {}
    for step in () if plan is None else plan.steps:
        known[step.migration, step.id] = work_sql(step.work)
        phases[step.migration, step.id] = str(step.phase)
    return _table("The plan, step by step", proof.steps, known, phases)


def statements(proof: Proof, plan: Plan | None) -> Markup:
    """Return what each statement of the user's was measured to do."""
    source = () if plan is None else plan.statements
    known: dict[tuple[str, str], Text] = {(s.migration, str(s.index)): (s.text,) for s in source}
    return _table("The text as written, statement by statement", proof.statements, known, {})


def lines(title: str, entries: Iterable[str]) -> Markup:
    """Return a list under a heading; nothing where there is nothing to tell."""
    items = [element("li", entry) for entry in entries]
    return joined(element("h2", title), element("ul", *items)) if items else Markup("")


def _table(
    title: str,
    measurements: tuple[Measurement, ...],
    known: Mapping[tuple[str, str], Text],
    phases: Mapping[tuple[str, str], str],
) -> Markup:
    if not measurements:
        return Markup("")
    numbers = {"took", "WAL"}
    head = [element("th", word, scope="col", class_="number" if word in numbers else None) for word in _HEAD]
    several = len({each.migration for each in measurements}) > 1
    rows = [
        _row(
            each,
            known.get((each.migration, each.id), ()),
            (each.migration if several else "", phases.get((each.migration, each.id), "")),
        )
        for each in measurements
    ]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows), class_="steps")
    return joined(element("h2", title), element("div", table, class_="wide"))


def _row(measured: Measurement, text: Text, about: tuple[str, ...]) -> Markup:
    wrong = [*measured.differences, *([measured.error] if measured.error else [])]
    title = element("span", measured.title)
    if text:
        shown = "\n".join(f"{statement};" for statement in text)
        title = element("details", element("summary", measured.title), element("pre", shown))
    locks = [_lock(span) for span in _strongest(measured)]
    return element(
        "tr",
        element("td", element("code", measured.id), class_="id"),
        element(
            "td",
            title,
            element("small", ", ".join(filter(None, about)), class_="quiet") if any(about) else None,
            *(element("p", line, class_="bad-text") for line in wrong),
        ),
        _cell("locks:", element("ul", *locks, class_="locks") if locks else ""),
        _cell("took:", seconds(measured.seconds), class_="number"),
        _cell("work:", _work(measured)),
        _cell("WAL:", size(measured.wal_bytes) if measured.wal_bytes else "", class_="number"),
    )


def _cell(label: str, content: str, *, class_: str = "") -> Markup:
    """Return a cell, which on a narrow screen stands under the others with a label of its own."""
    if not content:
        return element("td", class_=f"{class_} none".strip())
    return element("td", content, class_=class_ or None, data_label=label)


def _strongest(measured: Measurement) -> list[LockSpan]:
    """Return the longest span of each mode on each relation, the strongest mode first."""
    longest: dict[tuple[object, object], LockSpan] = {}
    for span in measured.locks:
        place = (span.relation, span.mode)
        if place not in longest or span.seconds > longest[place].seconds:
            longest[place] = span
    return sorted(longest.values(), key=lambda span: (-span.mode.strength, str(span.relation)))


def _lock(span: LockSpan) -> Markup:
    relation = element("span", span.relation, class_="name")
    time = element("span", seconds(span.seconds), class_="together")
    return element("li", f"{span.mode} on ", relation, ", ", time)


def _work(measured: Measurement) -> str:
    parts = [
        f"rewrites {names(measured.rewrites)}" if measured.rewrites else "",
        f"builds an index on {names(measured.index_builds)}" if measured.index_builds else "",
        f"scans {names(measured.scans)}" if measured.scans else "",
        f"{measured.transactions:,} transactions" if measured.transactions > 1 else "",
    ]
    return ", ".join(part for part in parts if part)
