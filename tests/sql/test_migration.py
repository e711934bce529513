from __future__ import annotations

import pytest

from migrator.errors import DirectiveError, InputError, Location
from migrator.sql.migration import Allow, BackfillChoice, Migration, read_migration


def read(text: str) -> Migration:
    return read_migration(text, file="migrations/20260131_add_price.sql")


def place(line: int, column: int = 1) -> Location:
    return Location(file="migrations/20260131_add_price.sql", line=line, column=column)


def test_version_and_name_come_from_the_file() -> None:
    migration = read("select 1")

    assert migration.version == "20260131"
    assert migration.name == "add_price"


def test_standard_input_has_the_version_dash() -> None:
    assert read_migration("select 1", file="-").version == "-"


def test_a_file_without_a_version_is_refused() -> None:
    with pytest.raises(InputError, match="not the name of a migration"):
        read_migration("select 1", file="schema.sql")


def test_statements_know_their_place_after_crlf() -> None:
    first, second = read("select 1;\r\n  -- x\r\n  select 2").statements

    assert first.at == place(1)
    assert second.at == place(3, 3)


def test_a_directive_before_a_statement_is_its_own() -> None:
    text = (
        'select 1;\n\n-- migrate: allow drop-column reason="it is \\"unused\\"" until=2026-05-01\n\nselect 2;'
    )
    migration = read(text)
    expected = Allow(hazard="drop-column", reason='it is "unused"', until="2026-05-01", at=place(3))

    assert migration.directives == ()
    assert migration.statements[0].directives == ()
    assert migration.statements[1].directives == (expected,)


def test_a_directive_at_the_head_belongs_to_the_file_if_a_blank_line_follows() -> None:
    migration = read("-- migrate: allow a\n-- about it\n\n-- migrate: backfill keep-filled\nselect 1")

    assert migration.directives == (Allow(hazard="a", reason=None, until=None, at=place(1)),)
    assert migration.statements[0].directives == (BackfillChoice(keep_filled=True, at=place(4)),)


@pytest.mark.parametrize(
    "text", ["select '-- migrate: x'", "select $$\n-- migrate: x\n$$", "-- we migrate: x\nselect 1"]
)
def test_text_that_is_no_directive_is_left_alone(text: str) -> None:
    assert read(text).directives == ()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("-- migrate: alow x\nselect 1", "unknown directive 'alow x'", "did you mean 'allow'?"),
        ("-- migrate: allow\nselect 1", "`allow` needs the name of a hazard", None),
        ('-- migrate: allow x reson="y"\nselect 1', "unknown option 'reson'", "did you mean 'reason'?"),
        ('-- migrate: allow x reason="y\nselect 1', "cannot read 'reason=\"y' after `allow x`", None),
        ('-- migrate: allow x reason=" "\nselect 1', "the reason is empty", None),
        ("-- migrate: allow x until=soon\nselect 1", "until=soon is not a day; write YYYY-MM-DD", None),
        (
            "-- migrate: backfill existing\nselect 1",
            "`backfill` is followed by existing-rows or keep-filled, not 'existing'",
            "did you mean 'existing-rows'?",
        ),
        ("/* migrate: allow x */ select 1", "a directive cannot stand in a block comment", None),
        (
            "select 1; -- migrate: allow x\nselect 2",
            "a directive must stand on a line of its own, before its statement",
            None,
        ),
        (
            "select\n-- migrate: allow x\n1",
            "a directive cannot stand inside a statement; write it before the statement",
            None,
        ),
        ("select 1;\n-- migrate: allow x\n", "no statement follows this directive", None),
    ],
)
def test_a_directive_that_is_not_understood_is_an_error(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(DirectiveError) as caught:
        read(text)

    assert caught.value.message == message
    assert caught.value.at is not None
    assert hint is None or caught.value.hint == hint


@pytest.mark.parametrize(
    ("directive", "column"),
    [
        ("-- migrate: allow x until=soon", 21),
        ('  --migrate:allow x reason="é" until=2026-02-30 ', 32),
        ("-- migrate: allow x until=20260101", 21),
        ("-- migrate: allow x until=2026-W01-1", 21),
        ('-- migrate: allow x reason=""', 21),
        ('-- migrate: allow x until=2026-01-01 reason="a" until=2026-01-01', 49),
        ("-- migrate: allow x reson=y", 21),
        ("-- migrate: allow x  what", 22),
        ("-- migrate: alow x", 1),
    ],
)
def test_an_error_in_an_option_has_its_line_and_column(directive: str, column: int) -> None:
    with pytest.raises(DirectiveError) as caught:
        read(f"select 1;\n{directive}\nselect 2")

    assert caught.value.at is not None
    assert (caught.value.at.line, caught.value.at.column) == (2, column)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t", "select /* x */ A\n from T -- y"),
        ('alter table "t" add a int', "ALTER TABLE t ADD a int"),
    ],
)
def test_a_checksum_ignores_what_does_not_count(one: str, other: str) -> None:
    assert read(one).statements[0].checksum == read(other).statements[0].checksum


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 'a'", "select 'A'"),
        ('select "A"', "select A"),
        ("select ab", "select a b"),
        ("select a - -1", "select a - - 1 + 0"),
        ('alter table t add a "char"', "alter table t add a char"),
        ("select 'a b'", "select 'a  b'"),
        ("select 'a'", 'select "a"'),
    ],
)
def test_a_checksum_tells_statements_apart(one: str, other: str) -> None:
    assert read(one).statements[0].checksum != read(other).statements[0].checksum
