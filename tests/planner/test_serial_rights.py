"""A serial column needs rights on its sequence, an identity column does not."""

import pytest
from msgspec.structs import replace

from migrator.plan.hazard import HazardKind
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.identifiers import QualifiedName
from tests.planner.planning import facts, migration

USERS = QualifiedName("public", "users")


@pytest.mark.parametrize("rows", [1, 5_000_000])
@pytest.mark.parametrize(
    ("column", "inserters", "warns"),
    [
        ("serial", ("shop",), True),
        ("serial", (), False),
        ("bigint GENERATED ALWAYS AS IDENTITY", ("shop",), False),
    ],
)
def test_roles_that_insert_and_own_nothing(
    column: str, inserters: tuple[str, ...], rows: int, *, warns: bool
) -> None:
    known = facts("CREATE TABLE users (id bigint PRIMARY KEY);")
    known = known.changed(USERS, lambda r: replace(r, inserters=inserters, rows=rows, bytes=rows * 200))
    text = f"ALTER TABLE users ADD COLUMN number {column};"
    found = plan([migration(text)], known, Policy(), tool_version="test").hazards

    assert warns == any(hazard.kind is HazardKind.MAY_BREAK_WRITERS for hazard in found)
