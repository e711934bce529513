"""Statements without their constants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.sql.masking import masked

SECRET = "geheim"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SELECT * FROM t WHERE a = 'geheim'", "SELECT * FROM t WHERE a = ?"),
        ("SELECT 'it''s geheim', E'\\'geheim', U&'\\0067geheim'", "SELECT ?, ?, ?"),
        ("SELECT $$geheim$$, $a$ $$geheim $a$, $1", "SELECT ?, ?, $1"),
        (
            'UPDATE t SET a1 = 12, b = -3.5e10, c = 0xFF WHERE "Nr. 1" = 4',
            'UPDATE t SET a1 = ?, b = -?, c = ? WHERE "Nr. 1" = ?',
        ),
        ("SELECT 1 -- geheim\n/* geheim /* too */ */ FROM t", "SELECT ?  \n  FROM t"),
        ("SELECT B'101', X'1F', N'geheim'", "SELECT ?, ?, ?"),
        ("SELECT 'cut short, geheim", "SELECT ?"),
        ("SELECT E'cut short, geheim", "SELECT ?"),
        ("SELECT $a$ cut short, geheim", "SELECT ?"),
        ("SELECT 1 /* cut short, geheim", "SELECT ? ?"),
        (r"SELECT 'a\' || geheim || 'b'", "SELECT ?"),
        (r"SELECT \geheim", "SELECT ?"),
        ("", ""),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


FORMS = {
    "'{}'": {"'": "''"},
    "E'{}'": {"'": "''", "\\": "\\\\"},
    "U&'{}'": {"'": "''", "\\": "\\\\"},
    "N'{}'": {"'": "''"},
    "$${}$$": {"$": ""},
    "$tag$ {} $tag$": {"$": ""},
    "/* {} */": {"*/": "", "/*": ""},
    "-- {}\n": {"\n": ""},
}
"""Ways to write what must not come out, and what cannot stand in each as it is."""


@given(
    st.lists(st.sampled_from(list(FORMS)), min_size=1, max_size=4),
    st.sampled_from(["'", "''", "\\", "$", "/*", "*/", "\n", "--", ""]),
    st.integers(0, 120),
)
def test_nothing_that_is_quoted_comes_out_wherever_the_statement_was_cut(
    forms: list[str], junk: str, cut: int
) -> None:
    written = []
    for form in forms:
        content = junk + SECRET + junk
        for found, replacement in FORMS[form].items():
            content = content.replace(found, replacement)
        written.append(form.format(content))
    text = "SELECT a, " + ", ".join(written) + " FROM t"

    for end in (cut, len(text)):
        assert SECRET not in masked(text[:end])
