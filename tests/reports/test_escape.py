"""No text can become markup, and each is shown as it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.reports.characters import one_line, visible
from migrator.reports.markdown.escape import code, comment, fence, fold, html_code, table, text
from tests.reports.markdown_reader import ALLOWED, shown

HOSTILE = [
    "a|b", "`", "``` x ```", "<script>alert(1)</script>", "<!-- x -->", "-->", "</details>",
    "![x](http://e.org/p.png)", "[x](javascript:alert(1))", "@everyone", "@org/team", "#12",
    "org/repo#12", "GH-12", "!12", "%12", "~label", "$x$", "$`x`$", "http://e.org", "https://e.org/a_b",
    "www.e.org", "a@b.org", "&amp;", "&#64;x", "\\", "\\|", "a\\", "*x*", "_x_", "__x__", "a_b_c",
    "~~x~~", "# x", "- x", "+ x", "1. x", "> x", "===", "---", "    x", "\tx", "a\nb", "a\r\n\r\nb",
    "\u202ex", "\x00", "\x1b[31m", "\u2028", ":tada:", "[^1]", "[ ] x", "{{ x }}", "{% x %}",
    "%%{init: {}}%%", "`a|b`", "|", "||", "::error::x", "/close", "é😀", "<br>", "<b", "&lt", "]]>",
    "[[x]]",
]  # fmt: skip

# Shorter than any limit: what is longer is cut.
anything = st.one_of(
    st.text(max_size=60),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=9).map(" ".join),
)

MENTION = re.compile(r"(?<![\w`])(?:@[\w-]|#\d|GH-\d|!\d)", re.IGNORECASE)


def normal(value: str) -> str:
    """What is shown of a text: in one line, without the space that has no width."""
    return one_line(value.replace("\u200b", ""))


@given(anything)
def test_text_in_a_paragraph(value: str) -> None:
    page = shown(f"word {text(value)} word")

    assert {tag for tag, _ in page.elements} <= {"p", "span"}
    assert normal(f"word {value} word") == normal("".join(page.plain))
    assert not MENTION.search("".join(page.plain).replace("word ", ""))
    assert page.comments == []


@given(anything)
def test_nothing_becomes_a_link(value: str) -> None:
    assert not re.search(r"://|www\.", text(value), re.IGNORECASE)


@given(anything)
def test_text_alone_is_one_paragraph(value: str) -> None:
    page = shown(text(value))

    assert {tag for tag, _ in page.elements} <= {"p", "span"}


@given(anything, anything)
def test_cells_of_a_table(first: str, second: str) -> None:
    page = shown("\n".join(table(("A", "B"), [(text(first), code(second)), (code(first), text(second))])))

    tags = [tag for tag, _ in page.elements]
    assert (tags.count("tr"), tags.count("td"), tags.count("th")) == (3, 4, 2)
    assert set(tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code", "span"}
    assert normal(f"AB{first}{second}{first}{second}").replace(" ", "") == normal(
        "".join(page.whole)
    ).replace(" ", "")


def test_what_is_too_long_is_cut_and_says_so() -> None:
    long = "a|b " * 300

    assert "".join(shown(code(long, 300)).whole).strip() == long[:299] + "…"
    assert "".join(shown(text(long, 1_000)).whole).strip() == long[:999] + "…"


@given(anything)
def test_code_in_a_paragraph(value: str) -> None:
    page = shown(f"x {code(value)} y")

    assert [tag for tag, _ in page.elements] == ["p", "code"]
    assert normal("".join(page.plain)) == "x y"
    assert normal(value) == normal("".join(page.whole).strip("\n").removeprefix("x ").removesuffix(" y"))


@given(anything)
def test_summary_of_a_fold(value: str) -> None:
    page = shown("\n".join(fold(html_code(value), ["inside"])))

    assert [tag for tag, _ in page.elements] == ["details", "summary", "code", "p"]


@given(st.one_of(anything, st.text(alphabet="`~\n\r x", max_size=80)))
def test_fence_ends_where_it_should(value: str) -> None:
    page = shown("\n".join([*fold("s", fence("sql", value)), "", "after"]))

    assert [tag for tag, _ in page.elements] == ["details", "summary", "pre", "code", "p"]
    assert "".join(page.plain).split() == ["s", "after"]
    expected = re.sub(r"\r\n|\r", "\n", visible(value))
    assert "".join(page.whole).strip("\n").removeprefix("s").removesuffix("after").strip(
        "\n"
    ) == expected.strip("\n")


@given(anything)
def test_comment_is_one_comment(value: str) -> None:
    page = shown(comment(f"migrator:plan {value}"))

    assert page.elements == []
    assert len(page.comments) == 1
    assert page.comments[0].startswith(" migrator:plan")
    assert "".join(page.whole).strip() == ""


@pytest.mark.parametrize("value", HOSTILE)
def test_only_allowed_elements(value: str) -> None:
    page = shown("\n".join(["## " + text(value), "", "- x " + text(value), "- x " + code(value)]))

    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert all(attributes == () for _, attributes in page.elements)


def test_long_text_is_cut() -> None:
    assert text("x" * 50, 10) == "x" * 9 + "…"
    assert code("x" * 50, 10) == "`" + "x" * 9 + "…`"
