"""Names of indexes as the server chooses them: the rules alone, and beside a real server."""

import pytest

from migrator.operations.index_name import distinct_names, expression_name, index_name
from migrator.postgres.facts import Facts, Index, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.migration import read_migration
from migrator.sql.syntax import CreateIndex
from tests.conftest import Database

TABLE = QualifiedName("public", "t")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lower(email)", "lower"),
        ("(pg_catalog.lower(email))", "lower"),
        ('"Fn"(a, (b))', "Fn"),
        ("a || b", "expr"),
        ("(data ->> 'x')", "expr"),
        ("lower(a) || upper(b)", "expr"),
        ("coalesce(a, b)", "coalesce"),
        ("(a::text)", None),
        ("CASE WHEN a THEN b END", None),
        ("cast(a AS text)", None),
        ("a[1]", None),
        ("extract(year FROM a)", None),
        ('a COLLATE "C"', None),
    ],
)
def test_name_of_an_expression(text: str, name: str | None) -> None:
    assert name == expression_name(text)


def test_equal_names_are_numbered() -> None:
    assert distinct_names(("a", "b", "a", "a", "a1")) == ("a", "b", "a1", "a2", "a11")


INDEXES = [
    "CREATE INDEX ON t (a)",
    "CREATE INDEX ON t (a)",
    "CREATE UNIQUE INDEX ON t (a, b DESC) INCLUDE (c)",
    "CREATE INDEX ON t (lower(b), upper(b), lower(c), (b || c), (c || b))",
    "CREATE INDEX ON t (a_column_whose_name_is_rather_long_for_an_index, b, c)",
    "CREATE INDEX ON t (coalesce(b, c), substr(b, 1), (left(b, 2)))",
    "CREATE INDEX ON t USING gin ((ARRAY[a, 1] || a))",
    'CREATE INDEX ON t ((b || a::text), (b COLLATE "C" || c))',
]


def test_the_server_chooses_the_same_names(database: Database) -> None:
    connection = database.connect()
    connection.execute(
        "CREATE TABLE t (a int, b text, c text, a_column_whose_name_is_rather_long_for_an_index int)"
    )
    facts = Facts(relations=(Relation(name=TABLE),))
    expected = []
    for sql in INDEXES:
        statement = read_migration(sql, file="0001_x.sql", version="0001", name="x").statements[0]
        assert isinstance(statement.command, CreateIndex)

        name = index_name(statement.command, TABLE, facts)
        expected.append(name)
        known = facts.relations[0].indexes
        facts = Facts(relations=(Relation(name=TABLE, indexes=(*known, Index(name=name or ""))),))
        connection.execute(sql.encode())

    chosen = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'i' AND relname LIKE 't\\_%' ORDER BY oid"
    )
    assert expected == [name for (name,) in chosen]
