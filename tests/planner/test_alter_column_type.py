"""The matrix of the documentation, and what a change of type depends on, without a server."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from migrator.plan.hazard import HazardKind, Severity
from migrator.plan.plan import Plan
from migrator.plan.step import BuildIndex, Phase
from migrator.planner import fold, plan
from migrator.policy import Policy
from migrator.postgres.column_users import ColumnUser, UserKind
from migrator.postgres.data_types import DataType, parse
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.type_changes import Work
from migrator.sql.casts import column_cast
from tests.facts import type_pairs
from tests.planner.planning import EMPTY, facts, migration

PAGE = Path(__file__).parent.parent.parent / "docs" / "operations" / "alter-column-type.md"

ROW = re.compile(r"^\| `(?P<old>[^`]+)` \| `(?P<new>[^`]+)` \| (?P<work>[a-z ]+) \|$", re.MULTILINE)

ROWS = [found.groups() for found in ROW.finditer(PAGE.read_text(encoding="utf-8"))]

USERS = QualifiedName("public", "users")


def planned(known: Facts, *texts: str) -> Plan:
    files = [migration(text, f"{number:04}") for number, text in enumerate(texts, start=1)]
    return plan(files, known, Policy(), tool_version="test")


def large(schema: str) -> Facts:
    return replace(facts(schema), settings=(("TimeZone", "'UTC'"),))


def users(user: ColumnUser, *more: Relation) -> Facts:
    """Facts in which something uses the column `name` of `users`."""
    known = large("CREATE TABLE users (id int PRIMARY KEY, name varchar(10)); CREATE TABLE o (id int)")
    known = known.changed(USERS, lambda relation: replace(relation, column_users=(user,)))
    for relation in more:
        known = known.with_relation(relation)
    return known


def kinds(made: Plan) -> list[tuple[Severity, HazardKind]]:
    return [(hazard.severity, hazard.kind) for hazard in made.hazards]


TO_TEXT = "ALTER TABLE users ALTER COLUMN name TYPE text;"

VIEW = QualifiedName("public", "v")


def test_the_page_has_rows() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize(("old", "new", "work"), ROWS)
def test_the_matrix_of_the_page_is_what_plans_say(old: str, new: str, work: str) -> None:
    known = large(f"{type_pairs.TYPES}; CREATE TYPE citext; CREATE TABLE t (c {old}); CREATE INDEX ON t (c);")
    effect = planned(known, f"ALTER TABLE t ALTER c TYPE {new}").statements[0].effect
    said = Work.REWRITE if effect.rewrites else Work.INDEXES if effect.index_builds else Work.NOTHING

    assert work == said.value


@pytest.mark.parametrize(("old", "new", "_"), ROWS)
def test_the_matrix_of_the_page_is_measured(old: str, new: str, _: str) -> None:
    assert (old, new) in {*type_pairs.pairs(type_pairs.PAIRS), *type_pairs.pairs(type_pairs.STAMPS)}


@pytest.mark.parametrize(
    ("text", "column", "type_name"),
    [
        ("c", "c", None),
        ('("C d")', "C d", None),
        ("t.c", "c", None),
        ("c::text", "c", "text"),
        ("((c)::varchar(20))", "c", "varchar(20)"),
        ("CAST ( c AS double precision )", "c", "double precision"),
        ("c /* all */ :: int[]", "c", "int[]"),
    ],
)
def test_a_column_and_one_cast_are_understood(text: str, column: str, type_name: str | None) -> None:
    found = column_cast(text)
    assert found is not None

    assert column == found.column
    assert type_name == (found.type and found.type.text.text)


@pytest.mark.parametrize(
    "text", ["c + 1", "c::text::int", "lower(c)", "c COLLATE x", "'c'", "c::text || ''", "", "(c", "-c"]
)
def test_anything_else_is_not(text: str) -> None:
    assert column_cast(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("character varying(20)", DataType(name="character varying", modifiers=("20",))),
        ("character(3)", DataType(name="bpchar", modifiers=("3",))),
        (
            "timestamp(3) with time zone[]",
            DataType(name="timestamp with time zone", modifiers=("3",), array=True),
        ),
        ("interval day to second(3)", DataType(name="interval", modifiers=("3",), fields="day to second")),
        ('"My S".t', DataType(name="My S.t")),
        ("public.geometry(Point,4326)", DataType(name="public.geometry", modifiers=("Point", "4326"))),
        ("what (is) this", DataType(name="what (is) this")),
    ],
)
def test_the_text_of_a_type_is_read(text: str, expected: DataType) -> None:
    assert expected == parse(text)


def test_a_later_statement_sees_the_new_type() -> None:
    known = large("CREATE TABLE users (id int PRIMARY KEY, name varchar(10))")
    made = planned(known, TO_TEXT, "ALTER TABLE users ALTER COLUMN name TYPE varchar(20)")

    assert kinds(made) == [(Severity.ERROR, HazardKind.TABLE_REWRITE)]


def test_nothing_is_known_without_facts() -> None:
    made = planned(Facts(), TO_TEXT)

    assert kinds(made) == [(Severity.ERROR, HazardKind.TABLE_REWRITE)]


def test_free_changes_raise_nothing() -> None:
    known = large("CREATE TABLE users (id int PRIMARY KEY, name varchar(10) UNIQUE, c cidr)")

    assert kinds(planned(known, TO_TEXT, "ALTER TABLE users ALTER c TYPE inet")) == []


def test_nothing_live_raises_nothing() -> None:
    known = replace(large("CREATE TABLE users (id int PRIMARY KEY, name varchar(10))"), live=False)
    made = planned(known, "ALTER TABLE users ALTER id TYPE bigint")

    assert kinds(made) == []
    assert len(made.steps) == 1


def test_a_collation_that_is_left_out_is_another_one() -> None:
    known = large('CREATE TABLE users (id int, name varchar(10) COLLATE "C"); CREATE INDEX i ON users (name)')
    made = planned(known, TO_TEXT)

    assert kinds(made) == [
        (Severity.INFO, HazardKind.INDEX_BUILD_BLOCKS_WRITES),
        (Severity.WARNING, HazardKind.BREAKS_RUNNING_CODE),
    ]


def test_a_view_over_the_column_is_an_error() -> None:
    view = Relation(name=VIEW, kind=RelationKind.VIEW)
    known = users(ColumnUser(column="name", kind=UserKind.VIEW, relation=VIEW), view)
    (hazard,) = planned(known, TO_TEXT).hazards

    assert hazard.kind is HazardKind.NO_SAFE_SEQUENCE
    assert "the view public.v uses it" in hazard.message


def test_a_view_that_was_dropped_before_is_none() -> None:
    view = Relation(name=VIEW, kind=RelationKind.VIEW)
    known = users(ColumnUser(column="name", kind=UserKind.VIEW, relation=VIEW), view)
    text = f"DROP VIEW v; {TO_TEXT} CREATE VIEW v AS SELECT name FROM users;"
    made = planned(known, text)

    assert [hazard.kind for hazard in made.hazards] == [HazardKind.BREAKS_RUNNING_CODE]


def test_the_change_waits_for_the_drop_of_what_uses_the_column() -> None:
    view = Relation(name=VIEW, kind=RelationKind.VIEW)
    known = users(ColumnUser(column="name", kind=UserKind.VIEW, relation=VIEW), view)
    made = planned(known, f"DROP VIEW v; {TO_TEXT} CREATE VIEW v AS SELECT name FROM users;")

    assert [(step.statement, step.phase) for step in made.steps] == [
        (1, Phase.CONTRACT),
        (2, Phase.CONTRACT),
        (2, Phase.CONTRACT),
        (3, Phase.CONTRACT),
    ]


@pytest.mark.parametrize(
    ("kind", "drop"),
    [
        (UserKind.POLICY, "DROP POLICY p ON users;"),
        (UserKind.RULE, "DROP RULE p ON users;"),
        (UserKind.PUBLICATION, "DROP PUBLICATION p;"),
    ],
)
def test_other_users_that_were_dropped_before_are_none(kind: UserKind, drop: str) -> None:
    known = users(ColumnUser(column="name", kind=kind, relation=USERS, name="p"))
    refused = [h for h in planned(known, TO_TEXT).hazards if "refuses" in h.message]
    after = [h for h in planned(known, f"{drop} {TO_TEXT}").hazards if "refuses" in h.message]

    assert len(refused) == 1
    assert after == []


def test_another_column_of_the_view_is_free() -> None:
    view = Relation(name=VIEW, kind=RelationKind.VIEW)
    known = users(ColumnUser(column="id", kind=UserKind.VIEW, relation=VIEW), view)

    assert kinds(planned(known, TO_TEXT)) == []


def test_the_facts_keep_the_domain() -> None:
    text = (
        "CREATE DOMAIN label AS varchar(20); CREATE TABLE t (c varchar(10)); ALTER TABLE t ALTER c TYPE label"
    )
    folded = fold([migration(text)], EMPTY, Policy())
    (relation,) = folded.relations

    assert relation.columns[0].type == "label"
    assert [domain.type for domain in folded.domains] == ["character varying(20)"]


def test_a_domain_of_the_same_name_may_be_another_one() -> None:
    known = large("CREATE DOMAIN code AS int; CREATE TABLE users (id int PRIMARY KEY, c code)")
    text = "CREATE DOMAIN code AS bigint; ALTER TABLE users ALTER c TYPE code"
    made = planned(known, f"ALTER DOMAIN code RENAME TO old; {text}")
    rewrites = [hazard for hazard in made.hazards if hazard.kind is HazardKind.TABLE_REWRITE]

    assert len(rewrites) == 1


@pytest.mark.parametrize(
    ("zone", "using", "words"),
    [
        ("Europe/Oslo", "", "put SET TimeZone TO 'UTC' before it and write timestamp with time zone; else"),
        ("Europe/Oslo", " USING at AT TIME ZONE 'UTC'", "write timestamp with time zone without USING; else"),
        ("UTC", " USING at AT TIME ZONE 'UTC'", "without USING: then the rows stay"),
        ("UTC", " USING at AT TIME ZONE 'Europe/Oslo'", "add a column of the new type"),
    ],
)
def test_the_way_to_a_time_zone(zone: str, using: str, words: str) -> None:
    known = replace(large("CREATE TABLE users (at timestamp)"), settings=(("TimeZone", f"'{zone}'"),))
    (hazard,) = planned(known, f"ALTER TABLE users ALTER at TYPE timestamptz{using}").hazards

    assert hazard.instead is not None
    assert words in hazard.instead


def test_the_sequence_of_a_serial_column_keeps_its_end() -> None:
    known = replace(large("CREATE TABLE users (id serial PRIMARY KEY)"), live=True)
    hazards = planned(known, "ALTER TABLE users ALTER id TYPE bigint").hazards
    text = "ALTER TABLE users ALTER id TYPE bigint; ALTER SEQUENCE users_id_seq AS bigint"

    assert [h.message for h in hazards if h.kind is HazardKind.MAY_BREAK_WRITERS] == [
        "public.users_id_seq numbers id, and still ends at 2147483647"
    ]
    assert HazardKind.MAY_BREAK_WRITERS not in [h.kind for h in planned(known, text).hazards]


def test_the_sequence_of_an_identity_goes_along() -> None:
    known = large("CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY)")
    made = planned(known, "ALTER TABLE users ALTER id TYPE bigint")

    assert kinds(made) == [(Severity.ERROR, HazardKind.TABLE_REWRITE)]


def test_tables_that_refer_to_a_rewritten_column_are_named() -> None:
    known = large("CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE o (u int REFERENCES users)")
    (hazard,) = planned(known, "ALTER TABLE users ALTER id TYPE bigint").hazards

    assert hazard.message.endswith("; public.o is read too, to verify its foreign key")


def test_a_renamed_column_keeps_what_hangs_on_it() -> None:
    known = large(
        "CREATE TABLE users (id int PRIMARY KEY, name varchar(10) CHECK (name <> ''));"
        "CREATE INDEX i ON users (lower(name))"
    )
    made = planned(
        known, "ALTER TABLE users RENAME name TO called", "ALTER TABLE users ALTER called TYPE text"
    )
    effect = made.statements[-1].effect

    assert effect.scans == (USERS,)
    assert effect.index_builds == (USERS,)


def test_a_renamed_column_keeps_its_users() -> None:
    view = Relation(name=VIEW, kind=RelationKind.VIEW)
    known = users(ColumnUser(column="name", kind=UserKind.VIEW, relation=VIEW), view)
    made = planned(known, "ALTER TABLE users RENAME name TO called; ALTER TABLE users ALTER called TYPE text")

    assert "the server refuses" in made.hazards[-1].message


def test_a_renamed_reference_is_followed() -> None:
    known = large("CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE o (u int REFERENCES users)")
    made = planned(known, "ALTER TABLE users RENAME id TO key", "ALTER TABLE users ALTER key TYPE bigint")

    assert QualifiedName("public", "o") in made.statements[-1].effect.scans


@pytest.mark.parametrize("text", ["ALTER TABLE o ALTER c TYPE text", "ALTER TABLE users ALTER c TYPE text"])
def test_what_does_not_exist_is_said_once(text: str) -> None:
    known = large("CREATE TABLE users (id int PRIMARY KEY)")

    assert kinds(planned(known, text)) == [(Severity.ERROR, HazardKind.MISSING_OBJECT)]


def test_an_index_of_the_files_is_built_again_in_their_words() -> None:
    known = large(
        "CREATE TABLE users (id int PRIMARY KEY, name varchar(10));"
        "CREATE INDEX by_name ON users USING btree (lower(name) text_pattern_ops) WHERE id > 1"
    )
    made = planned(known, TO_TEXT)
    builds = [step.work for step in made.steps if isinstance(step.work, BuildIndex)]

    assert [work.definition for work in builds] == ["USING btree (lower(name) text_pattern_ops) WHERE id > 1"]
    assert [work.sql for work in builds] == [
        f'CREATE INDEX CONCURRENTLY "by_name" ON "public"."users" {builds[0].definition}'
    ]
