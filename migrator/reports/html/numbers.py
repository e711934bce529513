"""The two runs side by side in numbers."""

from collections.abc import Callable

import msgspec

from migrator.plan.proof import Proof, Traffic
from migrator.reports.amounts import milliseconds, seconds
from migrator.reports.html.markup import Markup, element, joined
from migrator.reports.proof_traffic import exclusive, longest_wait
from migrator.reports.words import counted

_MUCH = 2.0
"""How many times as much is worth a colour."""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    words: str
    note: str
    value: Callable[[Traffic], float]
    shown: Callable[[Traffic], str]
    judged: bool = True
    least: float = 1.0
    """Below it nothing is judged."""


def _errors(traffic: Traffic) -> int:
    return sum(answer.errors for answer in traffic.answers)


_ROWS = (
    _Row(
        words="longest wait for a lock",
        note="as the server saw it",
        value=lambda traffic: traffic.longest_wait_ms,
        shown=longest_wait,
        least=20.0,
    ),
    _Row(
        words="longest request",
        note="as the application saw it",
        value=lambda traffic: traffic.longest_ms,
        shown=lambda traffic: milliseconds(traffic.longest_ms),
        least=20.0,
    ),
    _Row(
        words="median request",
        note="of those that were answered",
        value=lambda traffic: traffic.median_ms,
        shown=lambda traffic: milliseconds(traffic.median_ms),
        judged=False,
    ),
    _Row(
        words="errors",
        note="that the application got",
        value=lambda traffic: float(_errors(traffic)),
        shown=lambda traffic: f"{_errors(traffic):,}",
    ),
    _Row(
        words="under ACCESS EXCLUSIVE",
        note="held or queued for, in all",
        value=lambda traffic: traffic.exclusive_s * 1000,
        shown=exclusive,
        least=20.0,
    ),
    _Row(
        words="requests a second",
        note="answered during the run",
        value=lambda traffic: traffic.requests / max(traffic.seconds, 1e-9),
        shown=lambda traffic: f"{traffic.requests / max(traffic.seconds, 1e-9):,.0f}",
        judged=False,
    ),
    _Row(
        words="the run took",
        note="contract steps are not counted",
        value=lambda traffic: traffic.seconds,
        shown=lambda traffic: seconds(traffic.seconds),
        judged=False,
    ),
)


def section(proof: Proof) -> Markup:
    """Return the table; nothing where there was no traffic."""
    runs = [run for run in (proof.traffic, proof.naive_traffic) if run is not None]
    if proof.traffic is None or not runs:
        return Markup("")
    heads = ["with migrate", "as written"][: len(runs)]
    head = element(
        "tr", element("th"), *(element("th", words, scope="col", class_="number") for words in heads)
    )
    rows = [
        element(
            "tr",
            element("th", row.words, element("small", row.note), scope="row"),
            *_cells(row, runs),
        )
        for row in _ROWS
    ]
    traffic = runs[0]
    load = f"{counted(traffic.readers, 'reader')} and {counted(traffic.writers, 'writer')}"
    return joined(
        element("h2", "What the application noticed"),
        element("table", element("thead", head), element("tbody", *rows), class_="numbers"),
        element(
            "p",
            f"{load} used the touched tables as the application of the schema before the change does. "
            "99 of 100 looks at the locks of the server came within "
            f"{milliseconds(max(run.resolution_ms for run in runs))} of the one before; what is shorter may "
            "be missed. Contract steps, if any, ran without traffic.",
            class_="quiet",
        ),
    )


def _cells(row: _Row, runs: list[Traffic]) -> list[Markup]:
    values = [row.value(run) for run in runs]
    return [
        element("td", row.shown(run), class_=f"number {_judgement(row, value, values)}".strip())
        for run, value in zip(runs, values, strict=True)
    ]


def _judgement(row: _Row, value: float, values: list[float]) -> str:
    low, high = min(values), max(values)
    if not row.judged or high < row.least or high < low * _MUCH or len(values) == 1:
        return ""
    return "worse" if value == high else "better"
