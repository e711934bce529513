"""The HTML report: complete by itself, well formed, the same for the same proof, safe from any name."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from migrator.plan.proof import Answer, LockSpan, Measurement, Proof, Stretch, Traffic, Wait
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.reports.amounts import milliseconds, size
from migrator.reports.html import render
from migrator.reports.html.axis import LEFT, RIGHT, Latency, Time
from migrator.reports.html.markup import element, text

COMMAND = "migrate verify --traffic --report html=report.html"

USERS, ORDERS = QualifiedName("public", "users"), QualifiedName("public", "orders")

EMPTY = frozenset({"meta", "br", "hr", "wbr"})


def span(relation: QualifiedName, mode: LockMode, began: float, ended: float) -> LockSpan:
    return LockSpan(relation=relation, mode=mode, began_s=began, ended_s=ended)


def answers(longest: float) -> tuple[Answer, ...]:
    slices = [
        Answer(at_s=n / 10, longest_ms=2.0, median_ms=0.5, requests=20, errors=0) for n in range(-5, 25)
    ]
    return (*slices, Answer(at_s=2.5, longest_ms=longest, median_ms=0.5, requests=20, errors=1))


def traffic(longest: float, mode: LockMode) -> Traffic:
    return Traffic(
        seconds=2.5,
        readers=2,
        writers=2,
        requests=600,
        errors=("1 × read public.users: 42703: no such column",),
        answers=answers(longest),
        longest_ms=longest,
        median_ms=0.5,
        waits=(Wait(relation=USERS, mode=LockMode.ACCESS_SHARE, began_s=0.5, seconds=longest / 1000),),
        spans=(span(USERS, mode, 0.5, 0.5 + longest / 1000), span(ORDERS, LockMode.SHARE, 0.1, 0.2)),
        stretches=(Stretch(id="1.1", title="ADD COLUMN", began_s=0.4, ended_s=1.0),),
        resolution_ms=2.0,
    )


STEP = Measurement(
    migration="0001",
    id="1.1",
    title="ADD COLUMN token to public.users",
    began_s=0.0,
    seconds=0.004,
    locks=(span(USERS, LockMode.ACCESS_EXCLUSIVE, 0.0, 0.003),),
    rewrites=(ORDERS,),
    wal_bytes=2048,
)

PROOF = Proof(server="18.4", shadow="embedded", rows=1000, steps=(STEP,), statements=(STEP,))

WATCHED = replace(
    PROOF,
    traffic=traffic(4.0, LockMode.SHARE_UPDATE_EXCLUSIVE),
    naive_traffic=traffic(1900.0, LockMode.ACCESS_EXCLUSIVE),
)

PROOFS = {
    "without traffic": PROOF,
    "with traffic": WATCHED,
    "not proved": replace(
        WATCHED,
        schema_differences=("- a", "+ b"),
        row_differences=("public.users",),
        unproved=("public.orders has no key",),
        unfilled=("public.orders: 3 rows missing",),
        steps=(replace(STEP, differences=("undeclared scan of public.users",), error="no"),),
    ),
    "nothing was done": Proof(server="18.4", shadow="embedded", rows=0),
}


class Page(HTMLParser):
    """Parses strictly: everything that is opened is closed, in the right order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.texts.append(data)


def page_of(proof: Proof) -> Page:
    return Page(render(proof, command=COMMAND))


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_page_is_well_formed_and_needs_nothing_else(proof: Proof) -> None:
    rendered = render(proof, command=COMMAND)
    page = Page(rendered)

    assert page.open == []
    assert rendered == render(proof, command=COMMAND)
    for reference in ("http:", "https:", "src=", "href=", "url(", "@import", "<script", " on", "javascript:"):
        attributes = " ".join(f" {name}=" for _, attrs in page.tags for name in attrs)
        assert reference not in (attributes if reference == " on" else rendered)
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "base"}
    )
    assert not any("style" in attrs for _, attrs in page.tags)


def test_policy_names_the_style_sheet_and_nothing_else() -> None:
    rendered = render(WATCHED, command=COMMAND)
    style = re.search(r"<style>(.*)</style>", rendered, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policies = [a["content"] for tag, a in Page(rendered).tags if a.get("http-equiv")]

    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]


def test_content() -> None:
    said = " ".join(" ".join(page_of(WATCHED).texts).split())

    assert "Proved, with reservations" in said
    assert "longest wait for a lock as the server saw it 4 ms 1.9 s" in said
    assert "under ACCESS EXCLUSIVE held or queued for, in all < 2 ms 1.9 s" in said
    assert "ACCESS EXCLUSIVE on public.users: 1.9 s, from 0.500 s" in said
    assert "waited 1.9 s for ACCESS SHARE on public.users, from 0.500 s" in said
    assert "1 × read public.users: 42703: no such column" in said
    assert "rewrites public.orders" in said
    assert "2 kB" in said
    assert COMMAND in said


def test_what_does_not_hold_is_said_first() -> None:
    page = page_of(PROOFS["not proved"])
    verdict = next(attrs["class"] for tag, attrs in page.tags if tag == "section")
    said = " ".join(page.texts)

    assert verdict == "verdict bad"
    assert "step 1.1, ADD COLUMN token to public.users: undeclared scan of public.users; no" in said
    assert "public.orders has no key" in said
    assert {"- a", "+ b", "public.users"} <= set(page.texts)


def test_run_that_was_stopped_beside_traffic_is_not_proved() -> None:
    stopped = replace(traffic(4.0, LockMode.SHARE), stopped="deadlock detected")
    page = page_of(replace(WATCHED, traffic=stopped))

    assert "Not proved" in page.texts
    assert "beside the application the plan ended early: deadlock detected" in page.texts


HOSTILE = [
    "</title><script>alert(1)</script>",
    "\" onload='alert(1)' x=\"",
    "]]><!-- &lt; &#60; ${digest} $style %s {0}",
    "ü" * 31,
    "a\u202e\x00\x1b\ud800\u2066b",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_text(name: str) -> None:
    relation = QualifiedName(name, name)
    step = replace(STEP, id=name, title=name, rewrites=(relation,), error=name, locks=())
    locked = replace(STEP, locks=(span(relation, LockMode.SHARE, 0, 1),))
    run = replace(
        traffic(4.0, LockMode.SHARE),
        errors=(name,),
        spans=(span(relation, LockMode.SHARE, 0, 1),),
        stretches=(Stretch(id=name, title=name, began_s=0, ended_s=1),),
        waits=(Wait(relation=relation, mode=None, began_s=0, seconds=1),),
    )
    proof = replace(PROOF, steps=(step, locked), unproved=(name,), shadow=name, server=name, traffic=run)
    page = Page(render(proof, command=name))
    plain = page_of(replace(PROOFS["not proved"], naive_traffic=None))

    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags}
    assert {key for _, attrs in page.tags for key in attrs} <= {
        key for _, attrs in plain.tags for key in attrs
    }
    shown = re.sub("[\x00\x1b\u202e\u2066\ud800]", "\ufffd", name)
    assert shown in "".join(page.texts)


def test_markup_escapes_what_is_not_markup() -> None:
    assert element("p", "<b>", element("br"), title='"', hidden=True, id=None) == (
        '<p title="&quot;" hidden>&lt;b&gt;<br></p>'
    )
    assert text(element("b", "&")) == "<b>&amp;</b>"


def test_axis_marks_round_moments_and_keeps_inside() -> None:
    axis = Time(begin_s=-0.5, end_s=2.5)

    assert [axis.label(tick) for tick in axis.ticks()] == [
        "-0.5 s",
        "0.0 s",
        "0.5 s",
        "1.0 s",
        "1.5 s",
        "2.0 s",
        "2.5 s",
    ]
    assert (axis.x(-9), axis.x(9)) == (LEFT, RIGHT)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 ms"),
        (0.4237, "0.424 ms"),
        (99.96, "100 ms"),
        (999.6, "1000 ms"),
        (1250, "1.25 s"),
        (200_000, "3 min 20 s"),
    ],
)
def test_times_have_three_digits(value: float, shown: str) -> None:
    assert milliseconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(812, "812 bytes"), (16_384, "16 kB"), (1_040_000, "1016 kB"), (1_258_291, "1.2 MB"), (2**31, "2 GB")],
)
def test_sizes_are_written_as_the_server_does(value: int, shown: str) -> None:
    assert size(value) == shown


def test_latency_is_shown_by_powers_of_ten() -> None:
    scale = Latency(highest=3, top=0, bottom=100)

    assert [scale.y(tick) for tick in scale.ticks()] == pytest.approx([100, 75, 50, 25, 0])
