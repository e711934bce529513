"""Diagrams in a grammar that Mermaid 10.5 and newer reads; `tests.reports.picture` asks Mermaid itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from migrator.postgres.facts import Column, Constraint, ConstraintKind, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.reports import markdown
from migrator.reports.markdown.diagrams import lines
from migrator.reports.markdown.mermaid import label, quoted, short_type, type_word, word
from tests.reports.samples import sample_history, shop, subject, written

WORD = r"(?!(?i:pk|fk|uk)\b)[A-Za-z_\u00c0-\U0010ffff][\w\u00c0-\U0010ffff]*"
TYPE = rf"{WORD}(?:\(\d+\))?(?:\[\])*"
QUOTED = r'"[^"%\r\n\v\b\\`*#;{}<>&\[\]~|]+"'
LABEL = r'"[^"%\s\\`*#;{}<>&\[\]~|]+(?: \(\w+\))?"'

LINE = re.compile(
    rf"erDiagram|  t\d+\[{LABEL}\] {{|  }}"
    rf"|    {TYPE} {WORD}(?: (?:PK|FK|UK)(?:, (?:PK|FK|UK))*)?(?: {QUOTED})?"
    rf"|  t\d+ (?:\|o|}}o)--(?:\|\||o\|) t\d+ : {QUOTED}"
)

names = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
)

KEYWORDS = [
    "pk",
    "FK",
    "uk x",
    "direction LR",
    "style",
    "erDiagram",
    "%%{init: {}}%%",
    '"',
    "`",
    "}",
    "1",
    "_",
    "one or more",
    "é 😀",
]

anything = st.one_of(names, st.sampled_from(KEYWORDS))


def diagram(report: list[str]) -> list[str]:
    """The lines of all diagrams."""
    inside, found = False, []
    for line in report:
        if line.startswith("```"):
            inside = line == "```mermaid"
        elif inside:
            found.append(line)
    return found


def assert_valid(found: list[str]) -> None:
    wrong = [line for line in found if not LINE.fullmatch(line)]
    assert wrong == []


@given(anything)
def test_words_and_quoted_texts(name: str) -> None:
    assert re.fullmatch(WORD, word(name))
    assert re.fullmatch(TYPE, type_word(name))
    assert re.fullmatch(QUOTED, quoted(name))
    assert re.fullmatch(LABEL, label(name))
    assert re.fullmatch(LABEL, label(name, "new"))


@pytest.mark.parametrize(
    ("written_type", "short", "shown"),
    [
        ("character varying(20)", "varchar(20)", "varchar(20)"),
        ("character varying", "varchar", "varchar"),
        ("timestamp(3) with time zone", "timestamptz(3)", "timestamptz(3)"),
        ("timestamp without time zone[]", "timestamp[]", "timestamp[]"),
        ("double precision", "float8", "float8"),
        ("character(1)", "char(1)", "char(1)"),
        ("numeric(10,2)", "numeric(10,2)", "numeric_10_2_"),
        ('shop."order kind"', 'shop."order kind"', "shop__order_kind_"),
        ("integer[]", "integer[]", "integer[]"),
    ],
)
def test_types(written_type: str, short: str, shown: str) -> None:
    assert (short_type(written_type), type_word(written_type)) == (short, shown)


@given(st.lists(anything, min_size=4, max_size=4, unique=True))
def test_hostile_names(given_names: list[str]) -> None:
    schema, table, first, second = given_names
    name, parent = QualifiedName(schema, table), QualifiedName("public", first)
    columns = (Column(name=first, type=second, not_null=True), Column(name=second, type="integer"))
    key = Constraint(name="k", kind=ConstraintKind.PRIMARY_KEY, columns=(first,))
    reference = Constraint(name="f", kind=ConstraintKind.FOREIGN_KEY, columns=(second,), references=parent)
    relation = Relation(name=name, columns=columns, constraints=(key, reference))
    facts = Facts(complete=True, relations=(relation, replace(relation, name=parent, constraints=(key,))))
    source = written("SELECT 1").migrations
    made = subject(source, facts)
    touching = replace(made.plan.statements[0], touches=(name,))
    found = lines(type(made)(plan=replace(made.plan, statements=(touching,)), migrations=source, facts=facts))

    assert_valid(diagram(found))
    assert any("--" in line for line in found)


@pytest.mark.parametrize("file", [m.name for m in sample_history()[6:]])
def test_every_file_of_the_sample_history(file: str) -> None:
    report = markdown.render(shop(file)).splitlines()

    assert_valid(diagram(report))


def test_before_and_after() -> None:
    schema = """
        CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);
        CREATE TABLE orders (
            id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, note text
        );
    """
    found = lines(
        written(
            "ALTER TABLE orders DROP COLUMN note, ADD COLUMN total numeric(10, 2);"
            "CREATE TABLE items (order_id bigint UNIQUE REFERENCES orders);",
            schema=schema,
        )
    )

    assert diagram(found) == [
        "erDiagram",
        '  t1["public.orders"] {',
        '    bigint id PK "not null"',
        '    bigint customer_id FK "not null"',
        '    text note "dropped"',
        "  }",
        '  t2["public.customers"] {',
        '    bigint id PK "not null"',
        "  }",
        '  t1 }o--|| t2 : "customer_id"',
        "erDiagram",
        '  t1["public.orders"] {',
        '    bigint id PK "not null"',
        '    bigint customer_id FK "not null"',
        '    numeric_10_2_ total "numeric(10,2), new"',
        "  }",
        '  t2["public.items (new)"] {',
        "    bigint order_id FK, UK",
        "  }",
        '  t3["public.customers"] {',
        '    bigint id PK "not null"',
        "  }",
        '  t1 }o--|| t3 : "customer_id"',
        '  t2 |o--o| t1 : "order_id"',
    ]


def test_one_diagram_where_no_column_changes() -> None:
    found = lines(
        written("CREATE INDEX ON orders (note);", schema="CREATE TABLE orders (id int, note text);")
    )

    assert diagram(found).count("erDiagram") == 1
    assert any("no column or key changes" in line for line in found)


def test_many_tables_are_counted_not_drawn() -> None:
    wide = ", ".join(f"c{number} int" for number in range(80))
    schema = "".join(f"CREATE TABLE t{number} ({wide});" for number in range(40))
    changes = "".join(f"ALTER TABLE t{number} ADD COLUMN x int;" for number in range(40))
    found = lines(written(changes, schema=schema))

    assert_valid(diagram(found))
    assert len(diagram(found)) < 1_000
    assert any(re.search(r"Not drawn: 28 more touched tables", line) for line in found)
    assert any("etc and_50_more" in line for line in found)


def test_nothing_is_drawn_of_what_is_not_known() -> None:
    made = written("ALTER TABLE orders ADD COLUMN x int;")
    unknown = subject(made.migrations, Facts())

    assert lines(unknown) == []
