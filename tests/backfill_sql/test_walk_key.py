"""Which key a table is walked by where the version of a collation has changed."""

import pytest
from msgspec.structs import replace

from migrator.database.introspect import read_facts
from migrator.plan.step import KeyColumn
from migrator.plan.walk_key import avoids_collation, walk_key
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName
from tests.backfill_sql.tables import table
from tests.conftest import Database


def sorted_by(collation: str | None) -> Relation:
    made = table("t", key=("label",), label="text")
    columns = tuple(replace(column, collation=collation) for column in made.columns)
    return replace(made, columns=columns, collation_mismatch=True)


@pytest.mark.parametrize("collation", ['"C"', '"POSIX"', "ucs_basic"])
def test_a_collation_that_never_changes_may_be_walked(collation: str) -> None:
    assert walk_key(sorted_by(collation)) == (KeyColumn("label", "text"),)


def test_a_collation_that_changed_is_not_walked() -> None:
    assert avoids_collation(sorted_by(None))
    assert walk_key(sorted_by('"de-x-icu"')) == ()


@pytest.mark.server
@pytest.mark.postgres(newest=True)
def test_facts_name_the_collation_like_that(database: Database) -> None:
    connection = database.connect()
    connection.execute('CREATE TABLE t (name text COLLATE "C" PRIMARY KEY)')
    found = read_facts(connection, journal_schema="migrator").relation(QualifiedName("public", "t"))

    assert found is not None
    assert found.columns[0].collation == '"C"'
