from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.errors import SqlSyntaxError
from migrator.sql.grammar import read_command
from migrator.sql.split import split
from migrator.sql.tokens import TokenKind, scan

PARTS = st.sampled_from(
    [
        "select",
        "create function f() begin atomic",
        "case",
        "end",
        "E'a\\'b'",
        "'it''s'",
        '"a""b"',
        "U&'\\0061'",
        "$$ ; $$",
        "$x$ $$ ; $x$",
        "$1",
        "/* a /* ; */ b */",
        "-- ; x\n",
        "(",
        ")",
        ";",
        "\r\n",
        "\n",
        " ",
        "->>",
        "::",
        "1e5",
        "0x1F",
        "1_000",
        "1..5",
        "é",
        "'",
        '"',
        "$$",
        "/*",
        "*/",
        "\\",
        "copy t from stdin",
        "alter table t add c int",
        ",",
        "begin",
    ]
)
TEXTS = (
    st.lists(PARTS, max_size=12).map(" ".join)
    | st.lists(PARTS, max_size=12).map("".join)
    | st.text(max_size=30)
)


def pieces(text: str) -> list[str]:
    return [piece.text for piece in split(text, file="f.sql").pieces]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a; b", ["a", "b"]),
        (";; a ;; ", ["a"]),
        ("-- x;\na /* ; /* ; */ */ b -- c\n;", ["a /* ; /* ; */ */ b"]),
        ("select 'a;''b'; c", ["select 'a;''b'", "c"]),
        (r"select E'a\';b'; c", [r"select E'a\';b'", "c"]),
        (r"select 'a\'; c", [r"select 'a\'", "c"]),
        ('select "a;""b"; c', ['select "a;""b"', "c"]),
        ("select $$a;b$$; c", ["select $$a;b$$", "c"]),
        ("select $x$a;$$b$x$; c", ["select $x$a;$$b$x$", "c"]),
        ("prepare p as select $1,$2; c", ["prepare p as select $1,$2", "c"]),
        ("select a$1; b", ["select a$1", "b"]),
        (
            "create rule r as on update to t do (delete from a; delete from b); c",
            ["create rule r as on update to t do (delete from a; delete from b)", "c"],
        ),
        (
            "create or replace function f() returns int begin atomic select case when a then 1 end; end; c",
            [
                "create or replace function f() returns int begin atomic select case when a then 1 end; end",
                "c",
            ],
        ),
        (
            "begin; select case when a then 1 end; end; c",
            ["begin", "select case when a then 1 end", "end", "c"],
        ),
        ("a\r\n;\r\nb", ["a", "b"]),
        ("\ufeffselect 1", ["select 1"]),
        ("select 'a'\n  'b;c'; d", ["select 'a'\n  'b;c'", "d"]),
    ],
)
def test_statements_end_where_psql_ends_them(text: str, expected: list[str]) -> None:
    assert expected == pieces(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;\n  'b", "f.sql:2:3: a string is not closed"),
        ('a "b', "f.sql:1:3: a quoted identifier is not closed"),
        ("a /* /* */", "f.sql:1:3: a comment is not closed"),
        ("a\r\n$x$ $$", "f.sql:2:1: a dollar-quoted string $x$ is not closed"),
        (r"select E'a''\'", "f.sql:1:8: a string is not closed"),
        ("select E'a'\n'b\\'", "f.sql:1:8: a string is not closed"),
        ("\\i x.sql", "f.sql:1:1: a backslash command is not SQL"),
        ("a (b; c", "f.sql:1:3: a parenthesis is not closed"),
        (
            "create function f() begin atomic select 1;",
            "f.sql:1:21: BEGIN of a function body has no END",
        ),
        (
            "copy t (a) from stdin;\n1\n\\.",
            "f.sql:1:1: COPY … FROM STDIN with data is not supported in a migration",
        ),
    ],
)
def test_what_cannot_be_cut_is_an_error_at_its_place(text: str, message: str) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        pieces(text)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a->>'b'", ["a", "->>", "'b'"]),
        ("a@>b ?| c", ["a", "@>", "b", "?|", "c"]),
        ("a::int:=b=>c", ["a", "::", "int", ":=", "b", "=>", "c"]),
        ("a=-1", ["a", "=", "-", "1"]),
        ("a@-1", ["a", "@-", "1"]),
        ("a<=/*x*/b--c", ["a", "<=", "b"]),
        ("1e5 1_000 0x1F .5 1.", ["1e5", "1_000", "0x1F", ".5", "1."]),
        ("[1..5]", ["[", "1", "..", "5", "]"]),
        ("U&\"d\\0061t\" U&'x' b'01' X'1F' n'a'", ['U&"d\\0061t"', "U&'x'", "b'01'", "X'1F'", "n'a'"]),
        ("a\u00a0b", ["a\u00a0b"]),
        ("foo$$bar$$", ["foo$$bar$$"]),
        ("$é$x$é$", ["$é$x$é$"]),
        ("x.y.*", ["x", ".", "y", ".", "*"]),
    ],
)
def test_tokens_are_the_servers(text: str, expected: list[str]) -> None:
    tokens = [token for token in scan(text) if token.kind is not TokenKind.COMMENT]

    assert expected == [text[token.start : token.end] for token in tokens]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_pieces_and_gaps_are_the_text(text: str) -> None:
    try:
        script = split(text, file="f.sql")
    except SqlSyntaxError:
        return
    end = 0
    for piece in script.pieces:
        assert piece.span.start >= end
        assert text[piece.span.start : piece.span.end] == piece.text == piece.text.strip(" \t\r\n\f\v")
        end = piece.span.end


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_tokens_and_white_space_are_the_text(text: str) -> None:
    try:
        tokens = list(split_tokens(text))
    except SqlSyntaxError:
        return
    rest = list(text)
    for start, end in tokens:
        rest[start:end] = [" "] * (end - start)

    assert "".join(rest).removeprefix("\ufeff").strip(" \t\r\n\f\v") == ""


def split_tokens(text: str) -> list[tuple[int, int]]:
    split(text, file="f.sql")
    return [(token.start, token.end) for token in scan(text)]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_no_text_makes_the_grammar_fail(text: str) -> None:
    try:
        script = split(text, file="f.sql")
    except SqlSyntaxError:
        return
    for piece in script.pieces:
        read_command(text, piece.tokens)
