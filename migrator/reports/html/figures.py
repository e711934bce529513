"""The timelines of both runs, and what their colours mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.lock_modes import LockMode
from migrator.reports.amounts import seconds
from migrator.reports.html.markup import Markup, element, joined
from migrator.reports.html.picture import Picture, of_measurements, of_traffic
from migrator.reports.html.timeline import HEIGHTS, mode_class, timeline
from migrator.reports.words import blocked

if TYPE_CHECKING:
    from migrator.plan.proof import Proof

_SAME_AXIS = 5.0
"""Runs whose lengths differ more than this many times have an axis each."""


def figures(proof: Proof) -> Markup:
    """Return the timelines, one under the other, with a legend."""
    pictures = _pictures(proof)
    if not pictures:
        return Markup("")
    ends = [picture.end_s for picture in pictures]
    same = max(ends) <= _SAME_AXIS * min(ends)
    longest = max((a.longest_ms for p in pictures for a in p.answers), default=0.0)
    drawn = [
        element(
            "figure",
            element("figcaption", picture.name, " ", element("span", f"({seconds(picture.seconds)})")),
            element(
                "div",
                timeline(picture, until_s=max(ends) if same else picture.end_s, longest_ms=longest),
                class_="wide",
            ),
        )
        for picture in pictures
    ]
    note = None
    if len(pictures) > 1:
        scale = "Both have the same scale of time." if same else "Each has a scale of time of its own."
        note = element("p", scale, class_="quiet")
    return joined(element("h2", _heading(pictures)), note, _legend(pictures), *drawn)


def _heading(pictures: list[Picture]) -> str:
    answered = any(picture.answers for picture in pictures)
    return "Locks and latency over time" if answered else "Locks over time"


def _pictures(proof: Proof) -> list[Picture]:
    found = [
        of_measurements("With migrate", proof.steps)
        if proof.traffic is None
        else of_traffic("With migrate", proof.traffic),
        of_measurements("As written", proof.statements)
        if proof.naive_traffic is None
        else of_traffic("As written", proof.naive_traffic),
    ]
    return [picture for picture in found if picture is not None]


def _legend(pictures: list[Picture]) -> Markup:
    """Return what the colours mean, of the modes that are there."""
    seen = {span.mode for picture in pictures for lane in picture.lanes for span in lane.spans}
    items = [
        _item(mode_class(mode), HEIGHTS[mode], f"{mode}: {blocked(mode)}")
        for mode in reversed(LockMode)
        if mode in seen
    ]
    if any(picture.answers for picture in pictures):
        items.append(_item("wait", 12.0, "a request of the application waited for a lock"))
        line = element(
            "svg",
            element("line", class_="range", x1=14, x2=14, y1=2, y2=16),
            element("line", class_="median", x1=8, x2=20, y1=16, y2=16),
            view_box="0 0 28 20",
        )
        items.append(element("li", line, "requests: from the median to the longest"))
        stall = element("line", class_="stall", x1=2, x2=26, y1=10, y2=10)
        items.append(
            element("li", element("svg", stall, view_box="0 0 28 20"), "how long the longest was under way")
        )
    if any(answer.errors for picture in pictures for answer in picture.answers):
        dot = element("circle", class_="error", cx=14, cy=10, r=3)
        items.append(element("li", element("svg", dot, view_box="0 0 28 20"), "errors of the application"))
    return element("ul", *items, class_="legend")


def _item(class_: str, height: float, words: str) -> Markup:
    bar = element("rect", class_=class_, x=2, y=10 - height / 2, width=24, height=height)
    return element("li", element("svg", bar, view_box="0 0 28 20"), words)
