"""The timeline as SVG: what the run was at, a lane per relation, waits of the application, its latency.

How strong a lock is shows twice, by colour and by height, so that it is told without seeing colours too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.lock_modes import LockMode
from migrator.reports.amounts import milliseconds, seconds
from migrator.reports.html.axis import LEFT, RIGHT, WIDTH, Latency, Time, highest_power
from migrator.reports.html.markup import Markup, element, joined

if TYPE_CHECKING:
    from migrator.plan.proof import Answer, LockSpan, Stretch, Wait
    from migrator.reports.html.picture import Lane, Picture

_LANE = 24.0
_LATENCY = 150.0
_AXIS = 26.0
_GAP = 10.0

_THINNEST = 2.0
"""Width of what took less than can be seen."""

_STALL_MS = 100.0
"""From here on it is shown for how long a request was under way."""

_LETTER = 6.4
"""Width of a character, about."""

_NAME = 24
"""Characters of a name that there is room for."""

HEIGHTS = {
    LockMode.ACCESS_EXCLUSIVE: 20.0,
    LockMode.EXCLUSIVE: 15.0,
    LockMode.SHARE_ROW_EXCLUSIVE: 15.0,
    LockMode.SHARE: 15.0,
    LockMode.SHARE_UPDATE_EXCLUSIVE: 8.0,
    LockMode.ROW_EXCLUSIVE: 5.0,
    LockMode.ROW_SHARE: 3.0,
    LockMode.ACCESS_SHARE: 2.0,
}


def mode_class(mode: LockMode) -> str:
    """Return the class that gives a lock its colour."""
    return f"lock-{mode.name.lower().replace('_', '-')}"


def timeline(picture: Picture, *, until_s: float, longest_ms: float) -> Markup:
    """Draw a run on an axis that ends at `until_s`; latencies up to `longest_ms` have room."""
    time = Time(begin_s=picture.begin_s, end_s=max(until_s, picture.end_s))
    parts: list[Markup] = []
    y = 4.0
    parts.append(_stretches(picture.stretches, time, y))
    y += _LANE + 4
    for lane in picture.lanes:
        parts.append(_lane(lane, time, y))
        y += _LANE
    if picture.left_out:
        parts.append(_label(f"{picture.left_out} more relations", y, class_="quiet"))
        y += _LANE
    bottom = y
    if picture.answers:
        parts.append(_waits(picture.waits, time, y))
        y += _LANE + _GAP
        scale = Latency(highest=highest_power(longest_ms), top=y, bottom=y + _LATENCY)
        parts.append(_latencies(picture, time, scale))
        bottom = y + _LATENCY
    parts.insert(0, _grid(picture, time, bottom))
    height = bottom + _AXIS
    return element(
        "svg",
        element("title", f"Timeline: {picture.name}"),
        *parts,
        view_box=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        class_="timeline",
    )


def _grid(picture: Picture, time: Time, bottom: float) -> Markup:
    """Return marks of time, and what was before and after the run."""
    parts = []
    for begin, end, words in (
        (picture.begin_s, 0.0, "before the run"),
        (picture.seconds, picture.end_s, "after the run"),
    ):
        if end > begin:
            parts.append(
                element(
                    "rect",
                    element("title", words),
                    class_="outside",
                    x=time.x(begin),
                    y=0,
                    width=time.x(end) - time.x(begin),
                    height=bottom,
                )
            )
    for moment in time.ticks():
        x = time.x(moment)
        parts.append(element("line", class_="grid", x1=x, x2=x, y1=0, y2=bottom))
        parts.append(
            element("text", time.label(moment), class_="tick", x=x, y=bottom + 16, text_anchor="middle")
        )
    return joined(*parts)


def _label(words: str, y: float, *, class_: str = "name") -> Markup:
    cut = words if len(words) <= _NAME else f"{words[: _NAME - 1]}…"
    return element(
        "text",
        element("title", words),
        cut,
        class_=class_,
        x=LEFT - 8,
        y=y + _LANE / 2 + 4,
        text_anchor="end",
    )


def _bar(class_: str, words: str, across: tuple[float, float], y: float, height: float) -> Markup:
    """Return a bar around the middle of a lane, wide enough to be seen."""
    left, right = across
    width = max(right - left, _THINNEST)
    return element(
        "rect",
        element("title", words),
        class_=class_,
        x=min(left, RIGHT - width),
        y=y + (_LANE - height) / 2,
        width=width,
        height=height,
    )


def _stretches(stretches: tuple[Stretch, ...], time: Time, y: float) -> Markup:
    parts = [_label("step", y, class_="quiet")]
    free = LEFT
    for number, each in enumerate(sorted(stretches, key=lambda s: (s.began_s, s.ended_s))):
        left, right = time.x(each.began_s), time.x(each.ended_s)
        words = f"{each.id} {each.title}: {seconds(each.ended_s - each.began_s)}"
        parts.append(_bar(f"stretch stretch-{number % 2}", words, (left, right), y, 20.0))
        if right - left > _LETTER * len(each.id) + 6 and left >= free:
            free = right
            parts.append(
                element(
                    "text",
                    element("title", words),
                    each.id,
                    class_="step",
                    x=(left + right) / 2,
                    y=y + _LANE / 2 + 4,
                    text_anchor="middle",
                )
            )
    return joined(*parts)


def _lane(lane: Lane, time: Time, y: float) -> Markup:
    """Return a relation's locks, the weak ones behind the strong ones."""
    line = element("line", class_="lane", x1=LEFT, x2=RIGHT, y1=y + _LANE, y2=y + _LANE)
    weak_first = sorted(lane.spans, key=lambda span: (span.mode.strength, span.began_s))
    return joined(line, _label(str(lane.relation), y), *(_lock(span, time, y) for span in weak_first))


def _lock(span: LockSpan, time: Time, y: float) -> Markup:
    words = f"{span.mode} on {span.relation}: {seconds(span.seconds)}, from {span.began_s:.3f} s"
    across = time.x(span.began_s), time.x(span.ended_s)
    return _bar(mode_class(span.mode), words, across, y, HEIGHTS[span.mode])


def _waits(waits: tuple[Wait, ...], time: Time, y: float) -> Markup:
    line = element("line", class_="lane", x1=LEFT, x2=RIGHT, y1=y + _LANE, y2=y + _LANE)
    bars = []
    for wait in sorted(waits, key=lambda wait: (-wait.seconds, wait.began_s)):
        what = f"{wait.mode or 'a row'} on {wait.relation}" if wait.relation else "a row"
        words = f"waited {seconds(wait.seconds)} for {what}, from {wait.began_s:.3f} s"
        across = time.x(wait.began_s), time.x(wait.began_s + wait.seconds)
        bars.append(_bar("wait", words, across, y, 12.0))
    return joined(line, _label("application waits", y, class_="quiet"), *bars)


def _latencies(picture: Picture, time: Time, scale: Latency) -> Markup:
    parts = []
    for tick in scale.ticks():
        y = scale.y(tick)
        parts.append(element("line", class_="grid", x1=LEFT, x2=RIGHT, y1=y, y2=y))
        parts.append(
            element("text", milliseconds(tick), class_="tick", x=LEFT - 8, y=y + 4, text_anchor="end")
        )
    parts += [_answer(answer, time, scale, _width(picture, time)) for answer in picture.answers]
    return joined(*parts)


def _width(picture: Picture, time: Time) -> float:
    """Return how wide a slice is, in units of the picture."""
    return max(time.x(time.begin_s + picture.slice_s) - LEFT, 1.0)


def _answer(answer: Answer, time: Time, scale: Latency, width: float) -> Markup:
    """Return a slice: from the median to the longest, and back to where the longest one began."""
    x = time.x(answer.at_s) + width / 2
    top, middle = scale.y(answer.longest_ms), scale.y(answer.median_ms)
    words = (
        f"{answer.at_s:.2f} s: {answer.requests} requests, median {milliseconds(answer.median_ms)}, "
        f"longest {milliseconds(answer.longest_ms)}{f', {answer.errors} errors' if answer.errors else ''}"
    )
    began = time.x(answer.at_s - answer.longest_ms / 1000)
    parts = [
        element("title", words),
        element("line", class_="range", x1=x, x2=x, y1=top, y2=middle),
        element("line", class_="median", x1=x - width / 2, x2=x + width / 2, y1=middle, y2=middle),
    ]
    if answer.longest_ms >= _STALL_MS and x - began > 2 * width:
        parts.append(element("line", class_="stall", x1=began, x2=x, y1=top, y2=top))
    if answer.errors:
        parts.append(element("circle", class_="error", cx=x, cy=scale.top - 3, r=3))
    return element("g", *parts)
