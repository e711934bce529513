"""A proof as one HTML page that needs nothing else: no script, no font, no picture, no network.

`render(proof, command=…)` is pure: the same proof gives the same page. Names and statements of the user's are
escaped, whatever they hold; the page's own policy (CSP) forbids everything but its style sheet, which is
named there by its digest.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from migrator import __version__
from migrator.reports.html import numbers, tables, verdict
from migrator.reports.html.figures import figures
from migrator.reports.html.markup import Markup, element, joined, text

if TYPE_CHECKING:
    from migrator.plan.plan import Plan
    from migrator.plan.proof import Proof

_PACKAGE = files("migrator.reports.html")


def render(proof: Proof, *, command: str, plan: Plan | None = None) -> str:
    """Return the page; `command` is the line that made it, `plan` gives the SQL of the steps."""
    style = _PACKAGE.joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = Template(_PACKAGE.joinpath("page.html").read_text(encoding="utf-8"))
    return page.substitute(
        digest=digest,
        version=text(__version__),
        title=text(f"{verdict.sentence(proof)} on PostgreSQL {proof.server} · migrate verify"),
        style=style,
        body=_body(proof, command, plan),
    )


def _body(proof: Proof, command: str, plan: Plan | None) -> Markup:
    return joined(
        verdict.section(proof),
        tables.lines("Where the schemas differ", proof.schema_differences),
        tables.lines("Where the rows differ", proof.row_differences),
        numbers.section(proof),
        figures(proof),
        tables.steps(proof, plan),
        tables.statements(proof, plan),
        tables.lines("Errors of the application beside the plan", _errors(proof, planned=True)),
        tables.lines("Errors of the application beside the text as written", _errors(proof, planned=False)),
        tables.lines("Not proved", (*proof.unproved, *proof.unfilled)),
        _footer(proof, command),
    )


def _errors(proof: Proof, *, planned: bool) -> tuple[str, ...]:
    traffic = proof.traffic if planned else proof.naive_traffic
    return () if traffic is None else traffic.errors


def _footer(proof: Proof, command: str) -> Markup:
    return element(
        "footer",
        element("p", "Made by ", element("code", command), f", migrator {__version__}."),
        element(
            "p",
            f"PostgreSQL {proof.server} ({proof.shadow}), {proof.rows:,} rows in each touched table. "
            "Times are those of this scratch server: they tell which step holds a lock for a moment and "
            "which for as long as its table is large, not how long production will take.",
        ),
    )
