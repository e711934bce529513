"""Conditions as far as their text tells."""

import pytest

from migrator.operations.conditions import by_unique_key, conjuncts, requires_null
from migrator.postgres.facts import Index
from tests.backfill_sql.tables import table

USERS = table("users", id="bigint", email="text", tenant="integer")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a = 1", ("a = 1",)),
        ("a = 1 AND (b OR c) and d = ' and '", ("a = 1", "(b OR c)", "d = ' and '")),
        ("a = 1 OR b = 2 AND c", ("a = 1 OR b = 2 AND c",)),
        ("a BETWEEN 1 AND 2", ("a BETWEEN 1 AND 2",)),
    ],
)
def test_conjuncts(text: str, parts: tuple[str, ...]) -> None:
    assert parts == conjuncts(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("z IS NULL", True),
        ('u."z"  is\nnull AND a > 1', True),
        ("z IS NULL OR a > 1", False),
        ("(z IS NULL)", False),
        ("z IS NOT NULL", False),
        ("other.z IS NULL", False),
    ],
)
def test_requires_null(text: str, *, expected: bool) -> None:
    assert expected == requires_null(text, "z", "u")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id = 5", True),
        ("users.id = '5'::bigint AND email <> 'x'", True),
        ("id = tenant", False),
        ("id > 5", False),
        ("id = 5 OR id = 6", False),
        ("tenant = 1 AND email = 'x'", True),
        ("email = 'x'", False),
    ],
)
def test_one_row_by_its_key(text: str, *, expected: bool) -> None:
    from msgspec.structs import replace

    second = Index(name="second", keys=("tenant", "email"), unique=True)
    users = replace(USERS, indexes=(*USERS.indexes, second))

    assert expected == by_unique_key(text, users, "users")
