from __future__ import annotations

from typing import Any

import pytest

from migrator.postgres.identifiers import QualifiedName
from migrator.sql import syntax
from migrator.sql.migration import read_migration


def read(text: str) -> Any:  # noqa: ANN401  # a test knows which command it wrote
    (statement,) = read_migration(text, file="-").statements
    return statement.command


def column(definition: str) -> syntax.ColumnDefinition:
    (action,) = read(f"alter table t add column {definition}").actions
    found: syntax.ColumnDefinition = action.column
    return found


@pytest.mark.parametrize(
    ("written", "name", "modifiers", "array"),
    [
        ("int", "int4", (), 0),
        ("INTEGER", "int4", (), 0),
        ("bigint", "int8", (), 0),
        ("double precision", "float8", (), 0),
        ("float(24)", "float4", (), 0),
        ("real", "float4", (), 0),
        ("character varying(20)", "varchar", ("20",), 0),
        ("national character varying(3)", "varchar", ("3",), 0),
        ("char", "bpchar", ("1",), 0),
        ('"char"', "char", (), 0),
        ("bit varying(5)", "varbit", ("5",), 0),
        ("dec(10, 2)", "numeric", ("10", "2"), 0),
        ("timestamp(3) with time zone", "timestamptz", ("3",), 0),
        ("timestamp without time zone", "timestamp", (), 0),
        ("time with time zone", "timetz", (), 0),
        ("interval day to second(3)", "interval", ("3",), 0),
        ("text[][3]", "text", (), 2),
        ("int array[4]", "int4", (), 1),
        ("geometry(Point, 4326)", "geometry", ("Point", "4326"), 0),
    ],
)
def test_types_get_the_names_of_the_catalogue(
    written: str, name: str, modifiers: tuple[str, ...], array: int
) -> None:
    found = column(f"c {written}").type

    assert (found.name, found.modifiers, found.array) == (
        QualifiedName(schema=None, name=name),
        modifiers,
        array,
    )
    assert found.text.text == written


def test_serial_is_an_integer_that_is_serial() -> None:
    found = column("c bigserial primary key").type

    assert (found.name.name, found.serial) == ("int8", True)


def test_a_default_ends_where_a_constraint_begins() -> None:
    found = column("c int default 1 + f(a, b) not null check (c is not null)")
    default, not_null, check = found.constraints

    assert isinstance(default, syntax.DefaultConstraint)
    assert default.expression.text == "1 + f(a, b)"
    assert isinstance(not_null, syntax.NotNullConstraint)
    assert isinstance(check, syntax.CheckConstraint)
    assert check.expression.text == "c is not null"


def test_the_head_of_a_column_is_without_its_constraints() -> None:
    found = column('"C" text collate "de-x" not null')

    assert (found.name, found.head.text) == ("C", '"C" text collate "de-x"')


def test_not_valid_belongs_to_its_own_constraint() -> None:
    text = (
        "alter table t add constraint a check (x > 0) not valid, add constraint b foreign key (x)"
        " references u deferrable initially deferred not valid, add constraint c check (y > 0)"
    )
    first, second, third = (action.constraint for action in read(text).actions)

    assert [first.not_valid, second.not_valid, third.not_valid] == [True, True, False]
    assert first.text.text == "check (x > 0)"
    assert second.text.text == "foreign key (x) references u deferrable initially deferred"
    assert (second.deferrable, second.initially_deferred) == (True, True)


def test_rename_of_a_column_needs_no_word() -> None:
    (action,) = read("alter table t rename a to b").actions

    assert isinstance(action, syntax.RenameColumn)
    assert (action.old, action.new) == ("a", "b")


def test_an_update_is_cut_into_its_clauses() -> None:
    text = (
        "update only s.t as x set a = case when b is distinct from c then substring(d from 2) else 'w' end,"
        " e = default from u join v using (k) where x.a is distinct from u.from_id or"
        " extract(year from x.z) = 1 returning x.a"
    )
    found = read(text)

    assert (found.table, found.only, found.alias, found.target.text) == (
        QualifiedName(schema="s", name="t"),
        True,
        "x",
        "s.t as x",
    )
    assert [a.value.text for a in found.assignments] == [
        "case when b is distinct from c then substring(d from 2) else 'w' end",
        "default",
    ]
    assert found.from_clause.text == "u join v using (k)"
    assert found.where.text == "x.a is distinct from u.from_id or extract(year from x.z) = 1"
    assert found.returning


@pytest.mark.parametrize("text", ["update t set (a, b) = (1, 2)", "update t set a[1] = 2"])
def test_assignments_that_are_not_simple_are_left_out(text: str) -> None:
    assert read(text).assignments == ()


def test_an_index_keeps_what_stands_behind_its_table() -> None:
    found = read("create unique index i on s.t (lower(a) desc, b) include (c) where d > 0")

    assert found.body.text == "(lower(a) desc, b) include (c) where d > 0"
    assert found.tail.text == "on s.t (lower(a) desc, b) include (c) where d > 0"
    assert [element.column for element in found.elements] == [None, "b"]
    assert found.where.text == "d > 0"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("create policy p on t using (a)", "CREATE POLICY"),
        ("reindex (verbose) index concurrently i", "REINDEX INDEX CONCURRENTLY"),
        ("truncate a, b", "TRUNCATE"),
        ("alter type e rename value 'a' to 'b'", "ALTER TYPE RENAME VALUE"),
        ("do $$ begin end $$", "DO"),
        ("set constraints all deferred", "SET CONSTRAINTS DEFERRED"),
    ],
)
def test_known_forms_say_what_they_are(text: str, kind: str) -> None:
    assert read(text).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "alter table t add column a int foo",
        "alter table t add column a int,",
        "alter table t frobnicate",
        "alter table a.b.c add d int",
        "alter table all in tablespace x set tablespace y",
        "alter table t add constraint c check (a > 0) not valid no inherit",
        "alter table t add column a int not null collate x",
        "create schema s create table t (a int)",
        "select 1 into t",
        "with a as (delete from t returning *) select * from a",
        "with a as (select 1) insert into t with b as (update u set v = 1 returning 1) select 1 from b",
        "drop table if exists",
        "drop function f(",
        "create table t (a int default)",
        "create table t (a int check (a = b = c))",
        'alter table t add column U&"a" int',
        "explain select 1",
        "copy t from '/x'",
        "{}",
    ],
)
def test_what_is_not_understood_is_opaque(text: str) -> None:
    if text.count("(") == text.count(")"):
        assert isinstance(read(text), syntax.Opaque)


def test_an_opaque_statement_says_where_reading_stopped() -> None:
    text = "alter table t add column a int, frobnicate"
    found = read(text)

    assert isinstance(found, syntax.Opaque)
    assert found.reason == "no such action, found 'frobnicate'"
    assert text[found.offset :] == "frobnicate"
