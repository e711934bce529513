"""The figures as a table, as JSON and as a picture, and where they stand in the documentation."""

from collections.abc import Sequence
from math import log10
from pathlib import Path
from string import Template

import msgspec

from benchmarks.locks.holders import SCENARIOS
from benchmarks.locks.measure import BUDGET_S, Measured
from benchmarks.locks.ways import WAYS

BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"

COLUMNS = (
    "in the way",
    "way",
    "attempts",
    "longest wait, seen by the server",
    "longest statement, at the client",
    "statements over 100 ms",
    "done",
)

HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"

WIDTH, LEFT, TOP, ROW, GAP = 860, 210, 64, 24, 34

FLOOR_S, CEILING_S = 0.001, 60.0

COLORS = ("#1f6f54", "#c98a2b", "#b8552f", "#8f2436")

SVG = Template("""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" role="img"
 aria-label="$title" font-family="sans-serif" font-size="12">
<rect width="$width" height="$height" fill="#ffffff"/>
<text x="16" y="24" font-size="15" font-weight="bold" fill="#1d1d1d">$title</text>
<text x="16" y="42" fill="#555555">$subtitle</text>
$body</svg>
""")

LINE = Template('<line x1="$x" y1="$y1" x2="$x" y2="$y2" stroke="$color"$dash/>\n')

TEXT = Template('<text x="$x" y="$y" text-anchor="$anchor" fill="$color">$text</text>\n')

BAR = Template('<rect x="$x" y="$y" width="$width" height="16" fill="$color"/>\n')


def shown(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def table(found: Sequence[Measured]) -> str:
    rows = []
    for one in found:
        since = "after the first attempt" if one.scenario == "stream" else "after the table was free"
        rows.append(
            f"| {SCENARIOS[one.scenario]} | {one.way} | {one.attempts} | {shown(one.felt_by_server)} "
            f"| {shown(one.felt_by_client)} | {one.over_budget} of {one.statements:,} "
            f"| {shown(max(0.0, one.done_after))} {since} |"
        )
    return HEAD + "\n".join(rows) + "\n"


def chart(found: Sequence[Measured], hold_s: float) -> str:
    """The longest wait of each way, on a logarithmic scale."""
    body, y = [], TOP
    bottom = TOP + len(SCENARIOS) * (GAP + len(WAYS) * ROW)
    for mark in (0.001, 0.01, 0.1, 1.0, 10.0):
        body.append(LINE.substitute(x=_x(mark), y1=TOP - 4, y2=bottom, color="#dddddd", dash=""))
        body.append(
            TEXT.substitute(x=_x(mark), y=bottom + 16, anchor="middle", color="#555555", text=shown(mark))
        )
    dash = ' stroke-dasharray="5 4"'
    body.append(LINE.substitute(x=_x(BUDGET_S), y1=TOP - 4, y2=bottom, color="#1f6f54", dash=dash))
    for scenario, words in SCENARIOS.items():
        body.append(TEXT.substitute(x=16, y=y + 16, anchor="start", color="#1d1d1d", text=words))
        y += GAP - 6
        for way, color in zip(WAYS, COLORS, strict=True):
            body += _bar(found, scenario, way, color, y)
            y += ROW
        y += 6
    return SVG.substitute(
        width=WIDTH,
        height=bottom + 30,
        title="How long the application waits because of one ALTER TABLE",
        subtitle=f"the longest wait for the lock, seen by the server; who is in the way stays {hold_s:g} s; "
        "dashed: the lock budget; logarithmic scale",
        body="".join(body),
    )


def _bar(found: Sequence[Measured], scenario: str, way: str, color: str, y: int) -> list[str]:
    one = next((m for m in found if m.scenario == scenario and m.way == way), None)
    if one is None:
        return []
    end = _x(one.felt_by_server)
    return [
        TEXT.substitute(x=LEFT - 8, y=y + 12, anchor="end", color="#333333", text=way),
        BAR.substitute(x=LEFT, y=y, width=max(1, end - LEFT), color=color),
        TEXT.substitute(x=end + 6, y=y + 12, anchor="start", color="#1d1d1d", text=shown(one.felt_by_server)),
    ]


def _x(seconds: float) -> int:
    place = log10(max(seconds, FLOOR_S) / FLOOR_S) / log10(CEILING_S / FLOOR_S)
    return LEFT + round((WIDTH - LEFT - 70) * place)


def write(page: Path, found: Sequence[Measured], said: str, hold_s: float) -> None:
    """Put the table between the marks of the page, picture and JSON into `images` beside it."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    picture = "![The longest wait of each way](images/locks.svg)"
    page.write_text(f"{before}{BEGIN}\n{said}\n\n{picture}\n\n{table(found)}{END}{after}", encoding="utf-8")
    images = page.parent / "images"
    images.mkdir(exist_ok=True)
    (images / "locks.svg").write_text(chart(found, hold_s), encoding="utf-8")
    document = {"said": said, "hold_s": hold_s, "measured": list(found)}
    (images / "locks.json").write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
