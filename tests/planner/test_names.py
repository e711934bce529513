import pytest

from migrator.operations.names import check_name, foreign_key_name, not_null_name
from migrator.operations.not_null_proof import proved_not_null
from migrator.operations.search_path import schemas_of
from migrator.operations.transaction_blocks import outside
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.object_names import object_name
from tests.conftest import Database

TABLE = QualifiedName("public", "t")


@pytest.mark.parametrize(
    ("first", "second"),
    [("a" * 40, "b" * 40), ("a" * 63, "b"), ("a", "b" * 63), ("a" * 41, "b" * 40), ("é" * 25, "aé" * 15)],
)
def test_names_are_cut_as_the_server_cuts_them(first: str, second: str, database: Database) -> None:
    with database.connect() as connection:
        connection.execute(f"CREATE TABLE {first} ({second} int CHECK ({second} > 0))")
        query = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
        rows = connection.execute(query).fetchall()

    assert [(object_name(first, second, "check"),)] == rows


def test_names_that_any_constraint_of_the_schema_has_are_numbered() -> None:
    taken = Constraint(name="t_a_check", kind=ConstraintKind.CHECK)
    facts = Facts(relations=(Relation(name=QualifiedName("public", "other"), constraints=(taken,)),))

    assert check_name(TABLE, ["a"], facts) == "t_a_check1"
    assert check_name(QualifiedName("shop", "t"), ["a"], facts) == "t_a_check"


def test_names_follow_the_number_of_columns() -> None:
    assert check_name(TABLE, ["a", "b"], Facts()) == "t_check"
    assert foreign_key_name(TABLE, ("a", "b"), Facts()) == "t_a_b_fkey"
    assert not_null_name(TABLE, "a", Facts()) == "t_a_not_null"


@pytest.mark.parametrize(
    ("definition", "proof"),
    [
        ("CHECK ((c IS NOT NULL))", True),
        ("CHECK (((c IS NOT NULL) AND (c > 0)))", True),
        ("CHECK (((c > 0) AND ((d > 0) AND (c IS NOT NULL))))", False),
        ("CHECK (((c IS NOT NULL) OR (d > 0)))", False),
        ("CHECK ((c > 0))", False),
        ("CHECK ((NOT (c IS NOT NULL)))", False),
        ("CHECK (((d = ') AND (c IS NOT NULL) AND ('::text) AND (e > 0)))", False),
    ],
)
def test_proof_of_not_null(definition: str, *, proof: bool) -> None:
    constraint = Constraint(name="x", kind=ConstraintKind.CHECK, definition=definition)

    assert proof is proved_not_null(Relation(name=TABLE, constraints=(constraint,)), "c")


def test_not_valid_check_proves_nothing() -> None:
    constraint = Constraint(
        name="x", kind=ConstraintKind.CHECK, definition="CHECK ((c IS NOT NULL))", validated=False
    )

    assert not proved_not_null(Relation(name=TABLE, constraints=(constraint,)), "c")


@pytest.mark.parametrize(
    ("text", "schemas"),
    [
        ("shop, public", ("shop", "public")),
        ('"Shop", public', ("public",)),
        ("'shop', 'public'", ("shop", "public")),
        ('"$user", public', ("public",)),
        ("''", ()),
        ("a b", None),
        ("current_schema()", None),
    ],
)
def test_search_path(text: str, schemas: tuple[str, ...] | None) -> None:
    facts = Facts(complete=True, schemas=("shop", "public"))

    assert schemas == schemas_of(text, "somebody", facts)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("VACUUM(FULL) t", True),
        ("create database x", True),
        ("REINDEX INDEX CONCURRENTLY i", True),
        ("ALTER DATABASE x SET a = b", False),
        ("REINDEX INDEX i", False),
        ("SELECT 'CONCURRENTLY'", False),
    ],
)
def test_statements_that_cannot_run_in_a_transaction(text: str, *, answer: bool) -> None:
    assert answer is outside(text)
